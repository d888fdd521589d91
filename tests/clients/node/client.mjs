// npm @modelcontextprotocol/client: the client of the second line of SDKs, in both of its modes (MODE: legacy or auto).

import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { overStdio, run, stdio } from './checks.mjs';
import { handle } from './tasks.mjs';
import { elicited } from './write.mjs';

const auto = process.env.MODE === 'auto';
const options = {
  capabilities: { elicitation: { url: {} } },
  ...(auto ? { versionNegotiation: { mode: 'auto' } } : {}),
};

function open({ url, headers }) {
  const inner = new Client({ name: 'pgwarden-check-client', version: '1.0.0' }, options);
  inner.setRequestHandler('elicitation/create', ({ params }) => elicited(params));
  const http = () => new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
  const transport = overStdio ? new StdioClientTransport(stdio) : http();
  return {
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
    cancels: true,
    callTool: (params, options) => inner.callTool(params, options),
    tasks: handle((params) => inner.callTool(params)),
    close: async () => {
      if (!auto) await transport.terminateSession?.();
      await inner.close();
    },
  };
}

await run(open, auto ? '2026-07-28' : '2025-11-25');
