// npm @modelcontextprotocol/sdk: the client of the first line of SDKs, with its tasks of 2025-11-25.

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CallToolResultSchema, ElicitRequestSchema, ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { expect, overStdio, run, stdio } from './checks.mjs';
import { elicited } from './write.mjs';

function open({ url, headers }) {
  const capabilities = { elicitation: { url: {} } };
  const inner = new Client({ name: 'pgwarden-check-sdk', version: '1.0.0' }, { capabilities });
  inner.setRequestHandler(ElicitRequestSchema, ({ params }) => elicited(params));
  const http = () => new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
  const transport = overStdio ? new StdioClientTransport(stdio) : http();
  let revision;
  const setProtocolVersion = transport.setProtocolVersion?.bind(transport);
  transport.setProtocolVersion = (version) => {
    revision = version;
    setProtocolVersion?.(version);
  };
  return {
    connect: () => inner.connect(transport),
    revision: () => revision,
    listTools: () => inner.listTools(),
    listResources: () => inner.listResources(),
    listResourceTemplates: () => inner.listResourceTemplates(),
    readResource: (params) => inner.readResource(params),
    listPrompts: () => inner.listPrompts(),
    getPrompt: (params) => inner.getPrompt(params),
    complete: (params) => inner.complete(params),
    subscribe: async (uri, told) => {
      inner.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => told(params.uri));
      await inner.subscribeResource({ uri });
      return () => inner.unsubscribeResource({ uri });
    },
    elicits: true,
    cancels: true,
    callTool: (params, options) => inner.callTool(params, undefined, options),
    tasks: experimental(inner.experimental.tasks),
    close: async () => {
      await transport.terminateSession?.();
      await inner.close();
    },
  };
}

function experimental(inTasks) {
  const streams = new Map();
  return {
    form: 'SEP-1686',
    // It makes a task of what `tools/list` said may be one.
    create: async (sql) => {
      const stream = inTasks.callToolStream({ name: 'query', arguments: { sql } });
      const { value } = await stream.next();
      expect(value.type === 'taskCreated', JSON.stringify(value));
      streams.set(value.task.taskId, stream);
      return value.task.taskId;
    },
    status: async (task) => (await inTasks.getTask(task)).status,
    result: async (task) => {
      const answer = await inTasks.getTaskResult(task, CallToolResultSchema);
      let last;
      for await (const message of streams.get(task)) last = message;
      expect(JSON.stringify(last.result) === JSON.stringify(answer), `the stream ends with ${JSON.stringify(last)}`);
      return answer;
    },
    cancel: async (task) => {
      const { status } = await inTasks.cancelTask(task);
      expect(status === 'cancelled', status);
    },
    list: async () => (await inTasks.listTasks()).tasks.map((task) => task.taskId),
  };
}

await run(open, '2025-11-25');
