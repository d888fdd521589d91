// npm @modelcontextprotocol/client: the client of the second line of SDKs, in both of its modes (MODE: legacy or auto).

import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { overStdio, run, stdio, url } from './checks.mjs';
import { handle } from './tasks.mjs';
import { elicited } from './write.mjs';

const auto = process.env.MODE === 'auto';
const options = {
  capabilities: { elicitation: { url: {} } },
  ...(auto ? { versionNegotiation: { mode: 'auto' } } : {}),
};
const inner = new Client({ name: 'pgwarden-check-client', version: '1.0.0' }, options);
inner.setRequestHandler('elicitation/create', ({ params }) => elicited(params));
const transport = overStdio ? new StdioClientTransport(stdio) : new StreamableHTTPClientTransport(url());

await run(
  {
    connect: () => inner.connect(transport),
    revision: () => inner.getNegotiatedProtocolVersion(),
    listTools: () => inner.listTools(),
    listResources: () => inner.listResources(),
    listResourceTemplates: () => inner.listResourceTemplates(),
    readResource: (params) => inner.readResource(params),
    listPrompts: () => inner.listPrompts(),
    getPrompt: (params) => inner.getPrompt(params),
    complete: (params) => inner.complete(params),
    subscribe: async (uri, told) => {
      inner.setNotificationHandler('notifications/resources/updated', ({ params }) => told(params.uri));
      if (auto) {
        const listening = await inner.listen({ resourceSubscriptions: [uri] });
        return () => listening.close();
      }
      await inner.subscribeResource({ uri });
      return () => inner.unsubscribeResource({ uri });
    },
    elicits: true,
    callTool: (params, options) => inner.callTool(params, options),
    close: async () => {
      if (!auto) await transport.terminateSession?.();
      await inner.close();
    },
  },
  auto ? '2026-07-28' : '2025-11-25',
  handle((params) => inner.callTool(params)),
);
