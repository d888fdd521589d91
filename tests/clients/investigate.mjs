// npm @modelcontextprotocol/sdk as a client whose model is asked: a scripted one looks for the number of orders, and wants
// what it may not have besides. Environment and output as in checks.mjs.

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CreateMessageRequestSchema } from '@modelcontextprotocol/sdk/types.js';

const { TRANSPORT, PROGRAM, CONFIG, MCP_URL } = process.env;
const over =
  TRANSPORT === 'stdio'
    ? new StdioClientTransport({ command: PROGRAM, args: ['serve', '--stdio', '--config', CONFIG], stderr: 'ignore' })
    : new StreamableHTTPClientTransport(new URL(MCP_URL));
const asked = [];

function use(id, name, input) {
  return { type: 'tool_use', id, name, input };
}

function answer(params) {
  asked.push(params);
  const shared = { role: 'assistant', model: 'scripted' };
  if (asked.length === 1) {
    const content = [use('a', 'query', { sql: 'select count(*) from shop.orders' }), use('b', 'execute', { sql: 'x' })];
    return { ...shared, stopReason: 'toolUse', content };
  }
  const [rows, refused] = params.messages.at(-1).content;
  if (rows.isError || !refused.isError) throw new Error(JSON.stringify(params.messages.at(-1)));
  return { ...shared, stopReason: 'endTurn', content: { type: 'text', text: `found ${rows.content[0].text}` } };
}

async function investigate() {
  const client = new Client({ name: 'investigator', version: '1' }, { capabilities: { sampling: { tools: {} } } });
  client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => answer(params));
  await client.connect(over);
  try {
    const { tools } = await client.listTools();
    if (!tools.some((tool) => tool.name === 'investigate')) throw new Error('it is not listed');
    let rounds = 0;
    const called = { name: 'investigate', arguments: { question: 'How many orders are there?' } };
    const result = await client.callTool(called, undefined, { onprogress: () => (rounds += 1) });
    const found = result.structuredContent;
    const direct = await client.callTool({ name: 'query', arguments: { sql: found.evidence[0].sql } });
    const count = direct.structuredContent.rows[0][0];
    if (found.status !== 'complete' || !found.findings.includes(`[${count}]`)) throw new Error(JSON.stringify(result));
    if (asked.length !== 2 || rounds !== 2) throw new Error(`${asked.length} questions, ${rounds} told`);
    return `${count} orders in ${found.rounds} rounds`;
  } finally {
    await client.close();
  }
}

try {
  console.log(`ok investigate ${await investigate()}`);
} catch (error) {
  console.log(`FAILED investigate ${String(error?.message ?? error).replaceAll('\n', ' | ')}`);
  process.exitCode = 1;
}
