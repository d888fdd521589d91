// Whoever uses the pages by keyboard, by a screen reader, enlarged or on a narrow screen: axe-core within the frame.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { made, opened, servedTwice, ShowingClient } from './apps.mjs';
import { accessible, screenshot } from './browser.mjs';
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

const SHOP = { args: { database: 'shop' } };
const ROWS = 'SELECT id, full_name, email, created_at::date AS day, NULL AS nothing, \'\'::text AS blank FROM shop.customers ORDER BY id';
const PLAN = {
  sql: `SELECT c.full_name, count(*) FROM shop.customers c JOIN shop.orders o ON o.customer_id = c.id
    WHERE lower(c.email) < 'm' GROUP BY 1 ORDER BY 2 DESC`,
  analyze: true,
  database: 'shop',
};
const measured = () => {
  const day = (at) => `2026-03-${String(at).padStart(2, '0')}`;
  const rows = Array.from({ length: 20 }, (_, at) => [day(at + 1), `City ${at}`, (at * 37) % 50, at * at]);
  return made([['day', 'date'], ['city', 'text'], ['amount', 'numeric'], ['area', 'integer']], rows);
};

async function fits(app) {
  const [scroll, room] = await app.locator(':root').evaluate((root) => [root.scrollWidth, root.clientWidth]);
  assert.ok(scroll <= room, `${scroll} wide on ${room}`);
}

const LOOKS = {
  light: {},
  dark: { dark: true },
  narrow: { viewport: { width: 320, height: 640 } },
  'narrow-dark': { dark: true, viewport: { width: 320, height: 640 } },
  zoomed: { viewport: { width: 512, height: 384 }, deviceScaleFactor: 2 },
};

for (const [look, options] of Object.entries(LOOKS)) {
  const context = { theme: options.dark ? 'dark' : 'light' };
  test(`the grid and its charts have no violation: ${look}`, async (t) => {
    const browser = await opened(t, options);
    const { page, app, frame } = await client.queried(browser, ROWS, { ...SHOP, context });
    await app.getByRole('grid').waitFor();
    await accessible(frame);
    await app.locator('td').nth(8).focus();
    await accessible(frame);
    await fits(app);
    await screenshot(page, `apps-access-grid-${look}`);
    await app.getByRole('searchbox').fill('nobody is called so');
    await accessible(frame);
    await page.evaluate((given) => globalThis.give(given), measured());
    await app.getByRole('button', { name: 'Chart' }).click();
    for (const kind of ['Line', 'Bar', 'Scatter', 'Histogram']) {
      await app.getByRole('combobox', { name: 'Chart' }).selectOption(kind);
      await app.getByRole('img', { name: `${kind} chart` }).waitFor();
      await accessible(frame);
      await fits(app);
      const small = await app.locator('svg').evaluate((svg) => svg.getBoundingClientRect().width / svg.viewBox.baseVal.width);
      assert.ok(small > 0.95, `${kind}: words have ${small} of their size`);
      const below = await app.locator('svg text[y="272"]').evaluateAll((words) => words.map((word) => word.getBoundingClientRect()).map(({ left, right }) => [left, right]));
      assert.ok(below.length > 1, `${kind}: an axis has two ends`);
      below.slice(1).forEach(([left], at) => assert.ok(left > below[at][1], `${kind}: words beside each other`));
    }
    await screenshot(page, `apps-access-chart-${look}`);
    const csv = await client.call({ name: 'query', arguments: { sql: ROWS, format: 'csv', database: 'shop' } });
    await page.evaluate((given) => globalThis.give(given), csv);
    await app.getByText('The rows were asked for as text.').waitFor();
    await accessible(frame);
    await page.evaluate((given) => globalThis.give(given), { content: [{ type: 'text', text: 'refused' }], isError: true });
    await app.locator('#said.wrong').waitFor();
    await accessible(frame);
    await browser.close();
  });

  test(`the plan has no violation: ${look}`, async (t) => {
    const browser = await opened(t, options);
    const { page, app, frame } = await client.explained(browser, PLAN, { context });
    await app.locator('.badge').first().waitFor();
    await accessible(frame);
    await fits(app);
    await screenshot(page, `apps-access-plan-${look}`);
    await app.getByRole('button', { name: 'Fold all' }).click();
    await accessible(frame);
    await browser.close();
  });
}

const at = (app) => app.locator(':focus').evaluate((node) => node.id || node.getAttribute('aria-label') || node.textContent);

test('the grid is used by the keyboard alone', async (t) => {
  const browser = await opened(t);
  const { page, app } = await client.queried(browser, ROWS, SHOP);
  await app.getByRole('grid').waitFor();
  await app.getByRole('searchbox').focus();
  const passed = [];
  for (let tabs = 0; tabs < 20; tabs += 1) {
    passed.push(await at(app));
    assert.ok(await app.locator(':focus').evaluate((node) => getComputedStyle(node).outlineStyle !== 'none'), `${passed.at(-1)} shows no focus`);
    if (passed.at(-1) === 'on') break;
    await page.keyboard.press('Tab');
  }
  const heads = ['idinteger', 'full_nametext', 'emailtext', 'daydate', 'nothingtext', 'blanktext'];
  assert.deepEqual(passed, ['filter', 'within', 'chart', 'copy-csv', 'save-csv', ...heads, '1', 'on']);
  await page.keyboard.press('Enter');
  await app.getByText(/^Rows 51/).waitFor();
  await page.keyboard.press('Shift+Tab');
  assert.equal(await at(app), 'back');
  await page.keyboard.press('Enter');
  await app.getByText(/^Rows 1\u2013/).waitFor();
  assert.equal(await at(app), 'on', 'the first page has no earlier one');
  await app.locator('td').first().focus();
  const keys = [['ArrowRight', 0, 1], ['ArrowDown', 1, 1], ['End', 1, 5], ['Control+End', 49, 5], ['PageUp', 0, 5], ['Home', 0, 0], ['PageDown', 49, 0], ['Control+Home', 0, 0]];
  for (const [key, row, column] of keys) {
    await page.keyboard.press(key);
    assert.deepEqual(await app.locator(':focus').evaluate((cell) => [cell.parentNode.sectionRowIndex, cell.cellIndex]), [row, column], key);
    assert.ok(await app.locator(':focus').evaluate((cell) => {
      const [box, head, room] = [cell, cell.closest('table').tHead, document.querySelector('#table')].map((node) => node.getBoundingClientRect());
      return box.top >= head.bottom - 1 && box.bottom <= room.bottom + 1;
    }), `${key}: the cell is in sight, not behind the heads`);
  }
  assert.equal(await app.locator('td[tabindex="0"]').count(), 1, 'the table is one stop of Tab');
  await browser.close();
});

test('the plan is used by the keyboard alone', async (t) => {
  const browser = await opened(t);
  const { page, app } = await client.explained(browser, PLAN);
  const first = app.locator('summary').first();
  await first.focus();
  const open = app.locator('details[open]');
  const all = await open.count();
  await page.keyboard.press('Enter');
  assert.equal(await open.count(), all - 1);
  await page.keyboard.press(' ');
  assert.equal(await open.count(), all);
  for (let tabs = 0; tabs < all; tabs += 1) await page.keyboard.press('Tab');
  assert.equal(await at(app), 'fold');
  await page.keyboard.press('Enter');
  assert.equal(await open.count(), 0);
  await page.keyboard.press('Tab');
  assert.equal(await at(app), 'copy');
  await browser.close();
});
