// Plans: what came beside what was expected, findings at their nodes, large and deep ones, and nodes of every kind.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { opened, servedTwice, ShowingClient } from './apps.mjs';
import { screenshot } from './browser.mjs';
import { started } from './house.mjs';

let demo;
let server;
let client;

before(async () => {
  demo = await started(['demo', '--listen', '127.0.0.1:0'], /^Claude Code/m);
  server = await servedTwice(demo);
  client = await ShowingClient.of(server);
});

after(async () => {
  client?.stop();
  await server?.stop();
  await demo?.stop();
});

const explain = (args) => client.call({ name: 'explain', arguments: { database: 'shop', ...args } });
const answerOf = (result) => JSON.parse(result.content[0].text);
const planned = (plan, more = {}) => {
  const answer = { rows: 1, cost: 10, findings: [], plan, ...more };
  return { content: [{ type: 'text', text: JSON.stringify(answer) }], structuredContent: answer };
};
/// As text: playwright's own copies of deep values take it minutes.
const give = (page, result) => page.evaluate((text) => globalThis.give(JSON.parse(text)), JSON.stringify(result));
const titles = (app) => app.locator('.title').allTextContents();

/// Neither a title is crushed nor anything out of sight at the side.
async function fits(app, least) {
  const [over, narrowest] = await app.locator(':root').evaluate((root) => [
    root.scrollWidth - root.clientWidth,
    Math.min(...[...root.querySelectorAll('.title')].map((title) => title.getBoundingClientRect().width)),
  ]);
  assert.ok(over <= 0, `${over} pixels too wide`);
  assert.ok(narrowest >= least, `a title is ${narrowest} wide`);
}

const JOIN = `SELECT c.full_name, count(*) FROM shop.customers c JOIN shop.orders o ON o.customer_id = c.id
  WHERE c.id < 400 GROUP BY 1 ORDER BY 2 DESC`;

for (const look of ['light', 'dark']) {
  test(`a plan that ran shows what came, as text and as a document: ${look}`, async (t) => {
    const browser = await opened(t, { dark: look === 'dark' });
    const result = await explain({ sql: JOIN, analyze: true });
    const { plan, milliseconds } = answerOf(result);
    const { page, app } = await client.shown(browser, 'explain', {}, result, { context: { theme: look } });
    await app.getByText(`Time ${milliseconds} ms`).waitFor();
    const lines = plan.split('\n');
    const nodes = await app.locator('.node').allTextContents();
    assert.equal(nodes.length, lines.length);
    lines.forEach((line, at) => {
      const [, rows, came] = /\(rows (\d+), cost [\d.]+; came (\d+)/.exec(line);
      const words = nodes[at].replaceAll(',', '');
      assert.ok(words.includes(`rows ${came}`) && words.includes(`of ${rows}`) && / ms <?\d+%/.test(words), `${line} became ${words}`);
    });
    await screenshot(page, `apps-analyze-${look}`);
    const document = await explain({ sql: JOIN, analyze: true, format: 'json' });
    await give(page, document);
    await app.getByText(`Time ${answerOf(document).milliseconds} ms`).waitFor();
    const count = (node) => 1 + (node.Plans ?? []).reduce((sum, child) => sum + count(child), 0);
    assert.equal(await app.locator('.node').count(), count(answerOf(document).plan.Plan));
    assert.match(await app.locator('.node').first().textContent(), /rows [\d,]+ of [\d,]+/);
    await browser.close();
  });
}

test('what never ran is not taken for a bad guess', async (t) => {
  const browser = await opened(t);
  const sql = `SELECT c.full_name FROM shop.customers c WHERE c.id < -5
    UNION ALL SELECT (SELECT max(d.full_name) FROM shop.customers d) FROM shop.customers e WHERE e.id < -7`;
  for (const format of ['text', 'json']) {
    const result = await explain({ sql, analyze: true, format });
    const { app } = await client.shown(browser, 'explain', {}, result);
    await app.getByRole('region', { name: 'Plan' }).waitFor();
    const never = await app.locator('.node', { hasText: 'never ran' }).allTextContents();
    assert.ok(never.length > 0, JSON.stringify(answerOf(result).plan));
    for (const words of never) assert.doesNotMatch(words, /than expected/);
  }
  await browser.close();
});

test('each finding is a badge at the nodes that it is about, and nowhere else', async (t) => {
  const browser = await opened(t);
  const { page, app } = await client.explained(browser, { sql: "SELECT id FROM shop.orders WHERE note ILIKE '%x%'", database: 'shop' });
  const plan = `Sort (rows 90, cost 99.0; came 9000, 90.0 ms) sort a.id
  Nested Loop (rows 90, cost 90.0; came 9000, 80.0 ms)
    Hash Join (rows 10, cost 50.0; came 5000, 30.0 ms) (a.id = b.id)
      Seq Scan on shop.orders a (rows 10, cost 5.0; came 10, 1.0 ms)
      Hash (rows 10, cost 5.0; came 10, 1.0 ms)
        Seq Scan on shop."Odd orders" b (rows 10, cost 5.0; came 10, 1.0 ms)
    CTE w: Index Scan on shop.order_items using order_items_pkey (rows 2, cost 1.0; came 2 x 5000, 9.0 ms)`;
  const findings = [
    'the sort by a.id did not fit into work_mem and wrote 9 MB to disk: an index in that order avoids it',
    'a nested loop repeats its inner side (index scan) for each of 5000 rows: an index makes it cheaper',
    'hash join: 10 rows were expected and 5000 came. ANALYZE its table',
    'a hash of 10 rows did not fit into work_mem: it was written to disk in 4 batches',
    'all of shop.orders, about 9000 rows, is read to find 10: no index serves (status = 1)',
    'shop."Odd orders" was never analyzed: its estimates are guesses. ANALYZE it',
    'the condition on shop.order_items.sku compares lower() of the column: its index cannot be used',
  ];
  await give(page, planned(plan, { findings, milliseconds: 90 }));
  await app.getByRole('heading', { name: 'Findings' }).waitFor();
  const badges = await app.locator('.node').evaluateAll((nodes) => nodes.map((node) => [...node.querySelectorAll('.badge')].map((badge) => badge.textContent)));
  assert.deepEqual(badges, [['finding 1'], ['finding 2'], ['finding 3'], ['finding 5'], ['finding 4'], ['finding 6'], ['finding 7']]);
  assert.deepEqual(await app.locator('#findings li').allTextContents(), findings);
  assert.match(await app.locator('.node').nth(2).textContent(), /500\u00d7 more than expected/);
  await screenshot(page, 'apps-findings');
  await browser.close();
});

test('a finding of a real plan is at its node', async (t) => {
  const browser = await opened(t);
  const result = await explain({ sql: JOIN.replace('c.id < 400', "lower(c.email) = 'x'") });
  const { findings } = answerOf(result);
  assert.ok(findings.some((finding) => finding.includes('shop.customers.email')), JSON.stringify(findings));
  const { app } = await client.shown(browser, 'explain', {}, result);
  const node = app.locator('.node', { hasText: /on shop\.customers/ });
  await node.locator('.badge').first().waitFor();
  assert.equal(await app.locator('#findings li').count(), findings.length);
  await browser.close();
});

const deep = (levels) => {
  const node = { 'Node Type': 'Nested Loop', 'Join Type': 'Inner', 'Total Cost': levels * 10, 'Plan Rows': 100 + levels };
  const leaf = { 'Node Type': 'Seq Scan', 'Relation Name': 'customers', Alias: 'c', 'Total Cost': 5, 'Plan Rows': 100, Filter: '(id > 7)' };
  return levels === 1 ? leaf : { ...node, Plans: [deep(levels - 1), ...(levels % 4 ? [] : [leaf])] };
};

for (const [look, options] of Object.entries({ light: {}, dark: { dark: true }, phone: { phone: true } })) {
  test(`plans of 200 nodes are drawn at once and can be read: ${look}`, async (t) => {
    const browser = await opened(t, options);
    const context = { theme: options.dark ? 'dark' : 'light' };
    const sql = Array.from({ length: 100 }, (_, at) => `SELECT max(full_name) FROM shop.customers WHERE id < ${at}`).join(' UNION ALL ');
    const wide = await explain({ sql });
    const { plan, truncated } = answerOf(wide);
    assert.ok(!truncated && plan.split('\n').length >= 200, `${plan.split('\n').length} nodes`);
    const { page, app } = await client.shown(browser, 'explain', {}, wide, { context });
    await app.locator('.node').nth(199).waitFor();
    assert.equal(await app.locator('.node').count(), plan.split('\n').length);
    await fits(app, 100);
    await app.getByRole('button', { name: 'Fold all' }).click();
    assert.equal(await app.locator('.node:visible').count(), 1);
    await give(page, planned({ Plan: deep(200) }));
    await app.locator('.node', { hasText: 'Nested Loop' }).nth(198).waitFor();
    await fits(app, 100);
    const took = await app.locator(':root').evaluate(async () => {
      const start = performance.now();
      document.querySelector('#fold').click();
      document.querySelector('#fold').click();
      document.body.getBoundingClientRect();
      return performance.now() - start;
    });
    assert.ok(took < 2_000, `${took} ms`);
    await screenshot(page, `apps-deep-${look}`);
    await browser.close();
  });
}

test('nodes of every kind say what they read', async (t) => {
  const browser = await opened(t);
  const scan = (more) => ({ 'Total Cost': 1, 'Plan Rows': 1, ...more });
  const document = scan({
    'Node Type': 'Aggregate',
    Strategy: 'Hashed',
    'Partial Mode': 'Finalize',
    'Group Key': ['v.kind'],
    Plans: [
      scan({ 'Node Type': 'Table Function Scan', 'Table Function Name': 'json_table', Alias: 'jt', Filter: "(jt.name ~ 'a'::text)" }),
      scan({ 'Node Type': 'Function Scan', 'Function Name': 'jsonb_path_query', Alias: 'item' }),
      scan({ 'Node Type': 'ProjectSet', Plans: [scan({ 'Node Type': 'Result', 'One-Time Filter': '$1 IS JSON' })] }),
      scan({ 'Node Type': 'WorkTable Scan', 'CTE Name': 'tree', Alias: 't' }),
      scan({ 'Node Type': 'SetOp', Strategy: 'Hashed', Command: 'Except' }),
      scan({ 'Node Type': 'Tid Scan', 'Relation Name': 'customers', 'TID Cond': "(ctid = '(0,1)'::tid)" }),
      scan({ 'Node Type': 'Memoize', 'Cache Key': 'o.id', 'Subplan Name': 'SubPlan 2' }),
      scan({ 'Node Type': 'WindowAgg', 'Run Condition': '(row_number() OVER (?) <= 3)' }),
    ],
  });
  const { page, app } = await client.shown(browser, 'explain', {}, planned({ Plan: document }));
  await app.locator('.node').nth(9).waitFor();
  assert.deepEqual(await titles(app), [
    'Finalize Aggregate (hashed)Group Key: v.kind',
    "Table Function Scan on json_table jtFilter: (jt.name ~ 'a'::text)",
    'Function Scan on jsonb_path_query item',
    'ProjectSet',
    'ResultOne-Time Filter: $1 IS JSON',
    'WorkTable Scan on tree t',
    'SetOp (hashed) Except',
    "Tid Scan on customersTID Cond: (ctid = '(0,1)'::tid)",
    'SubPlan 2: MemoizeCache Key: o.id',
    'WindowAggRun Condition: (row_number() OVER (?) <= 3)',
  ]);
  const sql = `SELECT item ->> 'a' AS a FROM jsonb_path_query('[{"a": "one"}]'::jsonb, '$[*]') AS item WHERE item ->> 'a' <> E'x\\ny'`;
  for (const format of ['text', 'json']) {
    const real = await explain({ sql, format });
    assert.ok(!real.isError, real.content[0].text);
    await give(page, real);
    await app.getByText(/^Function Scan on/).waitFor();
    assert.equal(await app.locator('.node').count(), 1, 'a constant with a line end begins no node');
  }
  await browser.close();
});

test('a plan that the server cut says so, and a refusal leaves no plan', async (t) => {
  const browser = await opened(t);
  const { page, app } = await client.shown(browser, 'explain', {}, planned('Result (rows 1, cost 0.1)', { truncated: true }));
  await app.getByText('its end is missing').waitFor();
  assert.ok(await app.getByRole('button', { name: 'Fold all' }).isHidden(), 'there is nothing to fold');
  await give(page, await explain({ sql: 'SELECT nothing FROM shop.missing' }));
  await app.locator('#said.wrong').waitFor();
  assert.equal(await app.locator('.node').count(), 0);
  assert.ok(await app.getByRole('button', { name: 'Copy plan' }).isHidden());
  await browser.close();
});
