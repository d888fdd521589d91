// npm @modelcontextprotocol/sdk: the client of the first line of SDKs.

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { overStdio, run, stdio, url } from './checks.mjs';

const inner = new Client({ name: 'pgwarden-check-sdk', version: '1.0.0' });
const transport = overStdio ? new StdioClientTransport(stdio) : new StreamableHTTPClientTransport(url());
let revision;
const setProtocolVersion = transport.setProtocolVersion?.bind(transport);
transport.setProtocolVersion = (version) => {
  revision = version;
  setProtocolVersion?.(version);
};

await run(
  {
    connect: () => inner.connect(transport),
    revision: () => revision,
    listTools: () => inner.listTools(),
    listResources: () => inner.listResources(),
    listResourceTemplates: () => inner.listResourceTemplates(),
    readResource: (params) => inner.readResource(params),
    callTool: (params, options) => inner.callTool(params, undefined, options),
    close: async () => {
      await transport.terminateSession?.();
      await inner.close();
    },
  },
  '2025-11-25',
);
