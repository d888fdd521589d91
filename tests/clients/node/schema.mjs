// What a client sees of a database besides rows: prompts, completion, pages as JSON, plans, and changes as they happen.

import pg from 'pg';
import { check, expect } from './checks.mjs';

/** From the end of the DDL to the client's handler, in milliseconds. Busy machines take longer than the second that it should. */
const NOTICED = 5_000;

/**
 * `client` has besides: getPrompt, and where it can: listPrompts, complete, and `subscribe(uri, told)`, which gives a function
 * that ends it; `told` is called with each URI that the client hears of.
 */
export async function checkSchema(client) {
  await check('pages', () => pages(client));
  await check('prompts', () => prompts(client));
  if (client.complete) await check('completion', () => completion(client));
  if (client.subscribe) await check('change', () => change(client));
}

export async function checkAnswers(client) {
  await check('plan', () => plan(client));
  await check('health', () => health(client));
}

async function prompts(client) {
  const { prompts } = await client.listPrompts();
  const names = prompts.map((prompt) => prompt.name).join(' ');
  expect(names === 'explore_database answer_question explain_slow_query review_schema write_report', names);
  const given = { name: 'answer_question', arguments: { question: 'Which customers buy most?' } };
  const { messages } = await client.getPrompt(given);
  const text = messages[0].content.text;
  expect(text.includes('Which customers buy most?') && text.includes('`query`'), text);
  const code = await client.getPrompt({ name: 'no_such', arguments: {} }).then(() => 0, (error) => error.code);
  expect(client.hidesCodes ? code !== 0 : code === -32602, `an unknown prompt: ${code}`);
  return names;
}

async function completion(client) {
  const { resourceTemplates } = await client.listResourceTemplates();
  const template = resourceTemplates.find((one) => one.uriTemplate.includes('{relation}')).uriTemplate;
  const complete = async (value) => {
    const { completion } = await client.complete({
      ref: { type: 'ref/resource', uri: template },
      argument: { name: 'relation', value },
      context: { arguments: { schema: 'shop' } },
    });
    return completion.values;
  };
  const begun = await complete('ord');
  expect(begun[0].startsWith('order'), JSON.stringify(begun));
  const mistyped = await complete('custmers');
  expect(mistyped.includes('customers'), JSON.stringify(mistyped));
  return begun.join(' ');
}

async function pages(client) {
  const { resources } = await client.listResources();
  const relation = resources.find((one) => one.uri.endsWith('/shop/orders'));
  const { contents } = await client.readResource({ uri: `${relation.uri}?format=json` });
  const page = JSON.parse(contents[0].text);
  expect(contents[0].mimeType === 'application/json' && page.columns.length > 5, contents[0].text);
  const policy = resources.find((one) => one.uri.startsWith('pgwarden://'));
  const words = await client.readResource({ uri: policy.uri });
  expect(words.contents[0].text.includes('shop'), words.contents[0].text);
  return `${relation.annotations.priority} ${policy.uri}`;
}

async function plan(client) {
  const sql = 'SELECT id FROM shop.orders WHERE customer_id = 42';
  const { structuredContent } = await client.callTool({ name: 'explain', arguments: { sql } });
  expect(JSON.stringify(structuredContent.plan).includes('orders'), JSON.stringify(structuredContent));
  expect(structuredContent.cost > 0, JSON.stringify(structuredContent));
  const described = await client.callTool({ name: 'describe', arguments: { relations: ['shop.orders'], sample_rows: 1 } });
  expect(JSON.stringify(described.structuredContent).includes('sample'), JSON.stringify(described.structuredContent));
  return `cost ${structuredContent.cost}`;
}

async function health(client) {
  const { structuredContent } = await client.callTool({ name: 'database_health', arguments: {} });
  const { findings, unchecked } = structuredContent;
  expect(Array.isArray(findings), JSON.stringify(structuredContent));
  expect(unchecked.some((one) => JSON.stringify(one).includes('monitor_login')), JSON.stringify(unchecked));
  const top = await client.callTool({ name: 'top_queries', arguments: {} });
  expect(top.isError && top.content[0].text.includes('monitor_login'), JSON.stringify(top));
  return `${findings.length} findings`;
}

/** The comment is of this run: other clients change the same table at other times. */
async function change(client) {
  const admin = new pg.Client({ connectionString: process.env.ADMIN_DATABASE_URL });
  await admin.connect();
  const { resources } = await client.listResources();
  const { uri } = resources.find((one) => one.uri.endsWith('/shop/orders'));
  let hear;
  const heard = new Promise((resolve) => (hear = resolve));
  try {
    const end = await client.subscribe(uri, (changed) => changed === uri && hear(performance.now()));
    await admin.query(`COMMENT ON COLUMN shop.orders.channel IS 'seen ${Date.now()}'`);
    const began = performance.now();
    const late = new Promise((_, reject) => setTimeout(() => reject(new Error('nothing was heard')), 10_000));
    const took = (await Promise.race([heard, late])) - began;
    await end();
    expect(took < NOTICED, `heard after ${took.toFixed(0)} ms`);
    return `${took.toFixed(0)} ms`;
  } finally {
    await admin.end();
  }
}
