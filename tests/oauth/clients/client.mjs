// npm @modelcontextprotocol/client with its own OAuth client, in the mode that CLIENT names (`legacy` or `auto`).

import { Client, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client';
import { Provider, elicited, run, settings, told } from './line.mjs';

const provider = new Provider();
const options = {
  capabilities: settings.elicits ? { elicitation: { url: {} } } : {},
  ...(settings.mode === 'auto' ? { versionNegotiation: { mode: 'auto' } } : {}),
};
let client;
let transport;

async function connect() {
  client = new Client({ name: settings.name, version: '1.0.0' }, options);
  if (settings.elicits) client.setRequestHandler('elicitation/create', ({ params }) => elicited(params));
  transport = new StreamableHTTPClientTransport(new URL(settings.url), { authProvider: provider, fetch: told });
  await client.connect(transport);
  return client.getNegotiatedProtocolVersion();
}

// The SDK wraps what its transport threw.
const unauthorized = (error) =>
  error !== undefined && (error instanceof UnauthorizedError || unauthorized(error?.cause ?? error?.data?.cause));

await run({
  provider,
  connect,
  call: (params) => client.callTool(params, { timeout: 90_000 }),
  tools: async () => (await client.listTools()).tools.map((tool) => tool.name),
  unauthorized,
  authorized: (parameters) => transport.finishAuth(parameters),
  close: () => client?.close(),
});
