// npm @modelcontextprotocol/sdk with its own OAuth client.

import { UnauthorizedError, auth } from '@modelcontextprotocol/sdk/client/auth.js';
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

/// Where a scope is lacking, the SDK refreshes, which cannot get more. Applications ask the person again themselves.
async function call(params) {
  try {
    return await client.callTool(params, undefined, { timeout: 90_000 });
  } catch (error) {
    if (error?.code !== 403) throw error;
    provider.invalidateCredentials('tokens');
    await auth(provider, { serverUrl: settings.url, scope: 'read write', fetchFn: told });
    await transport.finishAuth((await provider.called()).get('code'));
    return await client.callTool(params, undefined, { timeout: 90_000 });
  }
}

await run({
  provider,
  connect,
  call,
  tools: async () => (await client.listTools()).tools.map((tool) => tool.name),
  unauthorized: (error) => error instanceof UnauthorizedError,
  authorized: (parameters) => transport.finishAuth(parameters.get('code')),
  close: () => client?.close(),
});
