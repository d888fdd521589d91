// What a client in JavaScript must be able to do with pgwarden. The drivers beside this file bring the client.
//
// Environment: TRANSPORT (stdio or http), MODE (a driver's own word), PROGRAM, CONFIG, DATABASE_URL, ADMIN_DATABASE_URL,
// MCP_URL, LOGIN_URL (which wants TOKEN), TOOLS (the names that tools/list has, with a space between two), CANCEL_MS.
// Prints one line per check: `ok NAME DETAIL` or `FAILED NAME REASON`. Exits with 1 where one failed.

import pg from 'pg';
import { checkAnswers, checkSchema } from './schema.mjs';
import { checkTasks } from './tasks.mjs';
import { checkWrite } from './write.mjs';

const { TRANSPORT, PROGRAM, CONFIG, MCP_URL, LOGIN_URL, TOKEN, ADMIN_DATABASE_URL, TOOLS } = process.env;

/** From the end of the client's cancellation to the query's end, in milliseconds. */
const CANCEL_LIMIT = Number(process.env.CANCEL_MS);
const PATIENCE = 20_000;

const args = ['serve', '--stdio', '--config', CONFIG];
export const stdio = { command: PROGRAM, args, stderr: 'ignore' };
export const overStdio = TRANSPORT === 'stdio';

let failed = false;

export function expect(condition, message) {
  if (!condition) throw new Error(message);
}

export async function check(name, work) {
  try {
    const detail = await work();
    console.log(`ok ${name} ${detail ?? ''}`.trimEnd());
  } catch (error) {
    failed = true;
    console.log(`FAILED ${name} ${String(error?.message ?? error).replaceAll('\n', ' | ')}`);
  }
}

/**
 * `open({url, headers})` gives a client, not yet connected; over stdio it takes no heed of either. A client has: connect, close,
 * revision, callTool(params, options), and the list and read methods of the SDKs. What it has for changes and prompts: see
 * schema.mjs; `tasks`: tasks.mjs; `cancels`: it tells the server when a call is aborted; `hidesCodes`: of errors it shows the
 * words alone; `onceOnly`: each request has a server of its own. What a client lacks is said in tests/clients/notes.
 */
export async function run(open, expectedRevision) {
  const client = open({ url: MCP_URL, headers: {} });
  await check('connect', async () => {
    await client.connect();
    const revision = client.revision();
    expect(revision === expectedRevision, `negotiated ${revision}, not ${expectedRevision}`);
    return revision;
  });
  if (!failed) {
    await check('list', () => list(client));
    await check('query', () => query(client));
    await check('formats', () => formats(client));
    await check('resource', () => resource(client));
    await check('refusal', () => refusal(client));
    await check('arguments', () => wrongArguments(client));
    if (client.cancels) await check('cancel', () => cancel(client));
    await checkAnswers(client);
    await checkSchema(client);
    if (!client.onceOnly) await checkWrite(client);
    if (client.tasks) await checkTasks(client.tasks);
    await check('close', () => client.close());
    if (!overStdio) await check('login', () => login(open));
  }
  process.exit(failed ? 1 : 0);
}

/** With the token that the application holds, and not without. */
async function login(open) {
  const without = open({ url: LOGIN_URL, headers: {} });
  const refused = await without.connect().then(() => false, () => true);
  expect(refused, 'let in without a token');
  const client = open({ url: LOGIN_URL, headers: { Authorization: `Bearer ${TOKEN}` } });
  await client.connect();
  const answer = await client.callTool({ name: 'query', arguments: { sql: 'SELECT 7 AS n' } });
  expect(answer.structuredContent.rows[0][0] === 7, JSON.stringify(answer));
  await client.close();
  return 'token';
}

async function list(client) {
  const { tools } = await client.listTools();
  const names = tools.map((tool) => tool.name).join(' ');
  expect(names === TOOLS, names);
  expect(tools.every((tool) => tool.outputSchema), 'schemas are missing');
  const writing = tools.filter((tool) => !tool.annotations.readOnlyHint).map((tool) => tool.name);
  expect(writing.join() === 'execute', `say that they write: ${writing}`);
  return names;
}

/** The clients check structuredContent against the output schema: an answer that does not fit throws. */
async function query(client) {
  const sql = 'SELECT 1 + 1 AS two, 12345678901234567890.12 AS exact, $1::text AS given, NULL AS nothing';
  const answer = await client.callTool({ name: 'query', arguments: { sql, params: ['é"\\'] } });
  const { columns, rows, row_count, truncated } = answer.structuredContent;
  expect(columns.map((column) => column.name).join() === 'two,exact,given,nothing', JSON.stringify(columns));
  expect(JSON.stringify(rows) === '[[2,"12345678901234567890.12","é\\"\\\\",null]]', JSON.stringify(rows));
  expect(row_count === 1 && truncated === false && !answer.isError, JSON.stringify(answer));
  expect(answer.content.length === 1, 'more than one block');
  const text = JSON.parse(answer.content[0].text);
  expect(JSON.stringify(text) === JSON.stringify(answer.structuredContent), 'the text is another JSON');
  const found = await client.callTool({ name: 'search_objects', arguments: {} });
  expect(found.structuredContent.total > 0, 'nothing to be found');
  return JSON.stringify(rows[0]);
}

async function formats(client) {
  const sql = "SELECT * FROM (VALUES (1, 'a,b'), (2, NULL)) AS t(n, w) ORDER BY n";
  const answer = await client.callTool({ name: 'query', arguments: { sql, format: 'csv', limit: '5' } });
  const [fence, header] = answer.content[0].text.split(/\r?\n/);
  expect(fence.startsWith('--- data ') && header === 'n,w', answer.content[0].text);
  expect(answer.structuredContent.rows.length === 0 && answer.structuredContent.row_count === 2, 'both are big');
  const cut = await client.callTool({ name: 'query', arguments: { sql: 'SELECT * FROM generate_series(1, 1000000000)' } });
  expect(cut.structuredContent.truncated === true, 'not cut');
  expect(cut.content[0].text.length <= 40_000, `${cut.content[0].text.length} characters`);
  return `${cut.structuredContent.row_count} rows in ${cut.content[0].text.length} characters`;
}

async function resource(client) {
  const { resourceTemplates } = await client.listResourceTemplates();
  expect(resourceTemplates.length === 16, JSON.stringify(resourceTemplates));
  const { resources } = await client.listResources();
  const relation = resources.find((one) => /^postgres:\/\/[^/]+\/[^/]+\/[^/]+$/.test(one.uri));
  expect(relation, JSON.stringify(resources.slice(0, 5)));
  const { contents } = await client.readResource({ uri: relation.uri });
  expect(contents[0].uri === relation.uri && contents[0].text.length > 20, JSON.stringify(contents));
  const code = await client.readResource({ uri: `${relation.uri}_not_there` }).then(() => 0, (error) => error.code);
  expect(client.hidesCodes ? code !== 0 : [-32002, -32602].includes(code), `an unknown resource: ${code}`);
  return `${relation.uri}, unknown: ${code}`;
}

async function refusal(client) {
  const sql = "SELECT 1,\n  pg_read_file('/etc/passwd')";
  const answer = await client.callTool({ name: 'query', arguments: { sql } });
  const text = answer.content[0].text;
  expect(answer.isError === true, 'not an error');
  expect(/^ERROR:  [0-9A-Z]{5}: /.test(text) && /\nRULE:  /.test(text) && /\nHINT:  /.test(text), text);
  expect(/\nLINE 2: .*\n *\^/.test(text), text);
  const error = answer._meta['pgwarden/error'];
  expect(error.sqlstate && error.rule && error.hint && error.position.line === 2, JSON.stringify(error));
  return `${error.sqlstate} ${error.rule}`;
}

async function wrongArguments(client) {
  const answer = await client.callTool({ name: 'query', arguments: { sql: 'SELECT 1', parms: [] } });
  expect(answer.isError && answer.content[0].text.includes('did you mean `params`?'), JSON.stringify(answer));
  const code = await client.callTool({ name: 'no_such_tool', arguments: {} }).then(() => 0, (error) => error.code);
  expect(client.hidesCodes ? code !== 0 : code === -32602, `an unknown tool: ${code}`);
}

async function cancel(client) {
  return watched(async (watch) => {
    const stop = new AbortController();
    const call = client.callTool({ name: 'query', arguments: { sql: watch.endless } }, { signal: stop.signal });
    const ended = call.then(() => 'answered', () => 'rejected');
    await watch.until(true, 'the query never ran');
    stop.abort('enough');
    const took = await watch.gone();
    expect((await ended) === 'rejected', 'the cancelled call was answered');
    const after = await client.callTool({ name: 'query', arguments: { sql: 'SELECT 7 AS n' } });
    expect(after.structuredContent.rows[0][0] === 7, 'the next call fails');
    return took;
  });
}

export const mark = () => 100_000_000 + Math.floor(Math.random() * 100_000_000);

/** `work` sees in pg_stat_activity whether the query `watch.endless` runs. */
export async function watched(work) {
  const admin = new pg.Client({ connectionString: ADMIN_DATABASE_URL });
  await admin.connect();
  const ours = mark();
  const running = async () => {
    const found = await admin.query(
      "SELECT count(*)::int AS n FROM pg_stat_activity WHERE state = 'active' AND query LIKE $1 AND pid <> pg_backend_pid()",
      [`%${ours}%`],
    );
    return found.rows[0].n > 0;
  };
  const until = async (wanted, what) => {
    const started = performance.now();
    while ((await running()) !== wanted) {
      expect(performance.now() - started < PATIENCE, what);
    }
    return performance.now() - started;
  };
  /** From now to the query's end. */
  const gone = async () => {
    const took = await until(false, 'the query runs on');
    expect(took < CANCEL_LIMIT, `gone after ${took.toFixed(0)} ms`);
    return `${took.toFixed(0)} ms`;
  };
  try {
    const endless = `SELECT count(*) FROM generate_series(1, ${ours}) a, generate_series(1, 100000) b`;
    return await work({ endless, until, gone });
  } finally {
    await admin.end();
  }
}
