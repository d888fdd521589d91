// npm @modelcontextprotocol/sdk: a task of 2025-11-25 that asks its client for two things, over the transport that it is told.
//
//   node input.mjs http URL | node input.mjs stdio PROGRAM ARGUMENT..

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';

const [over, where, ...args] = process.argv.slice(2);
const client = new Client(
  { name: 'pgwarden-check-input', version: '1.0.0' },
  { capabilities: { elicitation: { form: {} } } },
);
const asked = [];
client.setRequestHandler(ElicitRequestSchema, async (request) => {
  asked.push(Object.keys(request.params.requestedSchema.properties)[0]);
  return { action: 'accept', content: { [asked.at(-1)]: 'yes' } };
});
const transport =
  over === 'http'
    ? new StreamableHTTPClientTransport(new URL(where))
    : new StdioClientTransport({ command: where, args });
await client.connect(transport);
await client.listTools();
let last;
for await (const message of client.experimental.tasks.callToolStream({ name: 'multi_input', arguments: {} })) {
  last = message;
}
await client.close();
const text = last?.result?.content?.[0]?.text;
if (text !== '2 answered' || asked.sort().join() !== 'first,second') {
  console.error(`asked for ${asked}; the stream ends with ${JSON.stringify(last)}`);
  process.exit(1);
}
