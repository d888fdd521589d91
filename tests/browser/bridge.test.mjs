// The pages of MCP Apps as a client shows them: in a frame without an origin, over a real pgwarden, with the specification's
// bridge as the client.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { cells, made, opened, ShowingClient } from './apps.mjs';
import { screenshot } from './browser.mjs';
import { started } from './house.mjs';

let demo;
let client;

before(async () => {
  demo = await started(['demo', '--listen', '127.0.0.1:0'], /^Claude Code/m);
  client = await ShowingClient.of(demo);
});

after(async () => {
  client?.stop();
  await demo?.stop();
});

const shown = (...more) => client.shown(...more);
const queried = (...more) => client.queried(...more);
const call = (named) => client.call(named);

/// Turns pages until the loaded rows are over.
async function toTheEnd(app) {
  const on = app.locator('#on');
  while ((await on.textContent()) === 'Next' && (await on.isEnabled())) await on.click();
  return on;
}

const MANY = 'SELECT id, full_name, email, created_at FROM shop.customers ORDER BY id';

test('rows are sorted, filtered and read on through the host', async (t) => {
  const browser = await opened(t);
  const { page, app } = await queried(browser, MANY);
  await app.getByRole('grid').waitFor();
  assert.equal((await cells(app, 1)).length, 50);
  assert.equal(await app.locator('th').first().textContent(), 'idinteger');
  await app.getByRole('button', { name: 'Next' }).click();
  assert.equal((await cells(app, 1))[0], '51');
  const on = await toTheEnd(app);
  assert.equal(await on.textContent(), 'Read more');
  const loaded = Number((await cells(app, 1)).at(-1));
  await on.click();
  await app.locator('#on', { hasText: 'Next' }).waitFor();
  const [next] = await page.evaluate(() => globalThis.seen.calls);
  assert.equal(next.name, 'query');
  assert.deepEqual(Object.keys(next.arguments), ['cursor']);
  const name = (await cells(app, 2))[0];
  await app.getByRole('searchbox').fill(name);
  assert.ok((await cells(app, 2)).every((cell) => cell.toLowerCase().includes(name.toLowerCase())));
  await app.getByRole('searchbox').fill('');
  const head = app.locator('th button').first();
  await head.click();
  await head.click();
  const ids = (await cells(app, 1)).map(Number);
  assert.deepEqual(ids, [...ids].sort((a, b) => b - a));
  assert.ok(ids[0] > loaded, 'of all that was read');
  await app.locator('td').first().focus();
  await page.keyboard.press('ArrowDown');
  assert.equal(await app.locator('td[aria-selected="true"]').textContent(), String(ids[1]));
  await app.getByRole('button', { name: 'Download CSV' }).click();
  await app.getByText('Gave result.csv').waitFor();
  const [[file]] = await page.evaluate(() => globalThis.seen.files);
  assert.match(file.resource.text, /^id,full_name,email,created_at\r\n/);
  assert.deepEqual(await page.evaluate(() => globalThis.tearDown()), {});
  await browser.close();
});

test('a host that lets no tool be called still shows what came', async (t) => {
  const browser = await opened(t);
  const { app } = await queried(browser, MANY, { can: {} });
  await app.getByRole('grid').waitFor();
  await toTheEnd(app);
  await app.getByText('ask for them in the conversation').waitFor();
  assert.ok(await app.locator('#on').isDisabled());
  assert.ok(await app.getByRole('button', { name: 'Download CSV' }).isHidden());
  await browser.close();
});

test('cells are text, whatever they hold, and numbers keep their digits', async (t) => {
  const browser = await opened(t);
  const bad = '<script>parent.postMessage(1)</script><img src=x onerror=alert(1)>';
  const sql = `SELECT '${bad}' AS markup, 'javascript:alert(1)' AS address, 'a\u202eb' AS turned, NULL::text AS nothing,
    ''::text AS blank, 12345678901234567890.100::numeric AS exact, 9007199254740993::bigint AS large`;
  const { page, app } = await queried(browser, sql);
  await app.getByRole('grid').waitFor();
  const row = await app.locator('tbody td').allTextContents();
  assert.deepEqual(row, [bad, 'javascript:alert(1)', 'a\\u{202e}b', 'NULL', 'empty', '12345678901234567890.100', '9007199254740993']);
  assert.equal(await app.locator('tbody :is(script, img, a)').count(), 0);
  assert.equal(await app.locator('td.null').count(), 1);
  assert.equal(await app.locator('td.number').first().evaluate((cell) => getComputedStyle(cell).textAlign), 'right');
  const long = 'x'.repeat(1_000_000);
  await page.evaluate((given) => globalThis.give(given), made([[bad, 'text']], [[long], ['cut here\u2026[cut]']]));
  await app.locator('.cut').waitFor();
  assert.equal(await app.locator('th script').count(), 0);
  assert.ok((await app.locator('tbody td').first().textContent()).length < 300);
  await browser.close();
});

test('only the host is heard', async (t) => {
  const browser = await opened(t);
  const { page, app } = await queried(browser, 'SELECT 1 AS one');
  await app.getByText('Rows 1').waitFor();
  const forged = made([['forged', 'text']], [['forged']]);
  await page.evaluate((message) => globalThis.forge(message), {
    jsonrpc: '2.0',
    method: 'ui/notifications/tool-result',
    params: forged,
  });
  await page.evaluate(() => globalThis.setContext({ theme: 'dark' }));
  await app.locator(':root[data-theme="dark"]').waitFor();
  assert.equal(await app.getByText('forged').count(), 0);
  await browser.close();
});

test('charts come from the types', async (t) => {
  const browser = await opened(t);
  const day = (at) => `2026-03-${String(at).padStart(2, '0')}`;
  const rows = Array.from({ length: 20 }, (_, at) => [day(at + 1), `City ${at}`, (at * 37) % 50, at * at]);
  const result = made([['day', 'date'], ['city', 'text'], ['amount', 'numeric'], ['area', 'integer']], rows);
  const { page, app } = await shown(browser, 'query', {}, result);
  await app.getByRole('button', { name: 'Chart' }).click();
  assert.deepEqual(await app.getByRole('combobox', { name: 'Chart' }).locator('option').allTextContents(), ['Line', 'Bar', 'Scatter', 'Histogram']);
  for (const [kind, marks] of Object.entries({ Line: 'circle', Bar: 'rect', Scatter: 'circle', Histogram: 'rect' })) {
    await app.getByRole('combobox', { name: 'Chart' }).selectOption(kind);
    await app.getByRole('img', { name: `${kind} chart` }).waitFor();
    assert.equal(await app.locator(`svg ${marks}.mark`).count(), 20, kind);
    await screenshot(page, `apps-chart-${kind.toLowerCase()}`);
  }
  await browser.close();
});

test('a plan is a tree with what each part costs', async (t) => {
  const browser = await opened(t);
  const sql = 'SELECT c.full_name, count(*) FROM shop.customers c JOIN shop.orders o ON o.customer_id = c.id GROUP BY 1 ORDER BY 2 DESC';
  const args = { sql };
  const result = await call({ name: 'explain', arguments: args });
  const { page, app } = await shown(browser, 'explain', args, result);
  await app.getByRole('region', { name: 'Plan' }).waitFor();
  const plan = result.structuredContent?.plan ?? JSON.parse(result.content[0].text).plan;
  const nodes = typeof plan === 'string' ? plan.split('\n').length : 0;
  assert.equal(await app.locator('.node').count(), nodes);
  assert.match(await app.locator('.node').last().textContent(), /cost .*%/);
  await app.getByRole('button', { name: 'Fold all' }).click();
  assert.equal(await app.locator('details[open]').count(), 0);
  await page.evaluate((given) => globalThis.give(given), { content: [{ type: 'text', text: 'refused <b>' }], isError: true });
  await app.getByText('refused <b>').waitFor();
  await browser.close();
});

for (const [look, options] of Object.entries({ light: {}, dark: { dark: true }, phone: { phone: true } })) {
  test(`both pages fit and tell their height: ${look}`, async (t) => {
    const browser = await opened(t, options);
    const context = { theme: options.dark ? 'dark' : 'light' };
    const grid = await queried(browser, 'SELECT id, full_name, email, created_at, NULL AS note FROM shop.customers ORDER BY id', { args: { limit: 30 }, context });
    await grid.app.getByRole('grid').waitFor();
    const args = { sql: 'SELECT c.full_name, count(*) FROM shop.customers c JOIN shop.orders o ON o.customer_id = c.id WHERE o.id > 5 GROUP BY 1' };
    const plan = await shown(browser, 'explain', args, await call({ name: 'explain', arguments: args }), { context });
    await plan.app.locator('.node').first().waitFor();
    for (const [name, { page, app }] of Object.entries({ grid, plan })) {
      const inner = app.locator(':root');
      const [scroll, client] = await inner.evaluate((root) => [root.scrollWidth, root.clientWidth]);
      assert.ok(scroll <= client, `${name}: ${scroll} wide on ${client}`);
      const height = await inner.evaluate((root) => Math.ceil(root.getBoundingClientRect().height));
      await page.waitForFunction((wanted) => globalThis.seen.sizes.at(-1) === wanted, height);
      await screenshot(page, `apps-${name}-${look}`);
    }
    await browser.close();
  });
}
