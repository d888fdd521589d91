// What a client in JavaScript must be able to do with tasks, in the form that it has them.
//
// `tasks` has: form, create(sql), status(task), result(task), which waits for the tool's result, cancel(task), and in some
// forms list(); `starts`: each of these starts a process first, in whose time a query may end. Instead of
// all, `waits(sql)`: the client makes a task and shows nothing of it but its result.

import { check, expect, mark, watched } from './checks.mjs';

export async function checkTasks(tasks) {
  const ours = mark();
  const made = [];
  await check('form', () => tasks.form);
  if (tasks.waits) {
    await check('result', async () => {
      const answer = await tasks.waits(endsSoon(ours));
      expect(JSON.stringify(answer.structuredContent?.rows) === `[[${ours},40000000]]`, JSON.stringify(answer));
    });
    return;
  }
  await check('create', async () => {
    made.push(await tasks.create(endsSoon(ours)));
    expect(made[0].length >= 16, made[0]);
  });
  if (made.length === 0) return;
  await check('poll', async () => {
    const status = await tasks.status(made[0]);
    expect(status === 'working' || (tasks.starts && status === 'completed'), status);
  });
  await check('result', async () => {
    const answer = await tasks.result(made[0]);
    const rows = JSON.stringify(answer.structuredContent?.rows);
    expect(rows === `[[${ours},40000000]]` && !answer.isError, JSON.stringify(answer));
    const status = await tasks.status(made[0]);
    expect(status === 'completed', status);
  });
  await check('cancel-task', () =>
    watched(async (watch) => {
      made.push(await tasks.create(watch.endless));
      await watch.until(true, 'the query never ran');
      const cancelling = tasks.cancel(made[1]);
      if (tasks.starts) await cancelling;
      const took = await watch.gone();
      await cancelling;
      const status = await tasks.status(made[1]);
      expect(status === 'cancelled', status);
      return took;
    }),
  );
  if (tasks.list) {
    await check('list-tasks', async () => {
      const listed = await tasks.list();
      expect(made.every((task) => listed.includes(task)), 'not both are listed');
    });
  }
}

const endsSoon = (ours) =>
  `SELECT ${ours} AS mark, count(*) AS n FROM generate_series(1, 400) a, generate_series(1, 100000) b`;

/** Two tools, for a client that knows nothing of tasks. */
export function handle(callTool) {
  const call = (name, args) => callTool({ name, arguments: args });
  return {
    form: 'handle',
    create: async (sql) => {
      const { status, task_id, next } = (await call('query', { sql })).structuredContent;
      expect(status === 'working' && next, `${status} ${next}`);
      return task_id;
    },
    status: async (task) => {
      const answer = await call('task_result', { task_id: task, wait_seconds: 0 });
      if (answer.isError) return answer._meta['pgwarden/error'].sqlstate === '57014' ? 'cancelled' : 'failed';
      return answer.structuredContent.status ?? 'completed';
    },
    result: async (task) => {
      for (;;) {
        const answer = await call('task_result', { task_id: task });
        if (answer.isError || !('status' in answer.structuredContent)) return answer;
      }
    },
    cancel: async (task) => {
      const { status, task_id } = (await call('task_cancel', { task_id: task })).structuredContent;
      expect(status === 'cancelled' && task_id === task, `${status} ${task_id}`);
    },
  };
}
