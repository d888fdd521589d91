// npm @modelcontextprotocol/sdk with its own OAuth client.

import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { Provider, elicited, run, settings, told } from './line.mjs';

const provider = new Provider();
const capabilities = settings.elicits ? { elicitation: { url: {} } } : {};
let client;
let transport;

async function connect() {
  client = new Client({ name: settings.name, version: '1.0.0' }, { capabilities });
  if (settings.elicits) client.setRequestHandler(ElicitRequestSchema, ({ params }) => elicited(params));
  transport = new StreamableHTTPClientTransport(new URL(settings.url), { authProvider: provider, fetch: told });
  await client.connect(transport);
}

await run({
  provider,
  connect,
  call: (params) => client.callTool(params, undefined, { timeout: 90_000 }),
  tools: async () => (await client.listTools()).tools.map((tool) => tool.name),
  unauthorized: (error) => error instanceof UnauthorizedError,
  authorized: (parameters) => transport.finishAuth(parameters.get('code')),
  close: () => client?.close(),
});
