// Reading on and looking again: through the host, of the database that was asked, and what is said where it fails.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { cells, made, opened, servedTwice, ShowingClient } from './apps.mjs';
import { screenshot } from './browser.mjs';
import { started } from './house.mjs';

const SQL = 'SELECT n AS id, repeat(\'x\', 200) AS words FROM generate_series(1, 120) AS g(n) ORDER BY n';
const SMALL = '[limits]\ncharacters = 12000\n';

let demo;
const servers = [];
let client;
/// Of a server that forgets soon; `early` is its answer to a question of long ago.
let passing;
let early;
const FORGOTTEN_MS = 36_000;

async function clientOf(more) {
  const server = await servedTwice(demo, more);
  const made = await ShowingClient.of(server);
  servers.push(server, made);
  return made;
}

before(async () => {
  demo = await started(['demo', '--listen', '127.0.0.1:0'], /^Claude Code/m);
  client = await clientOf(`${SMALL}\n[tasks]\ntask_after_ms = 300\nhandle_after_ms = 300\n`);
  passing = await clientOf(`${SMALL}\n[tasks]\nttl_seconds = 1\n`);
  const result = await passing.call({ name: 'query', arguments: { sql: SQL, database: 'shop' } });
  early = { result, forgotten: sleep(FORGOTTEN_MS) };
});

after(async () => {
  for (const server of servers) await server.stop();
  await demo?.stop();
});

const focused = (app) => app.locator(':focus').evaluate((node) => node.id || node.tagName);

test('pages are read to the end, of the database that was asked, by the keyboard', async (t) => {
  const browser = await opened(t);
  const { page, app } = await client.queried(browser, SQL, { args: { database: 'copy' } });
  const on = app.locator('#on');
  await app.getByRole('grid').waitFor();
  await on.focus();
  for (let presses = 0; presses < 20 && (await on.isEnabled()); presses += 1) {
    const before = await app.locator('#count').textContent();
    await page.keyboard.press('Enter');
    await app.locator('#count').filter({ hasNotText: before }).waitFor();
    if (await on.isEnabled()) assert.equal(await focused(app), 'on', 'whoever presses keeps the button');
  }
  assert.equal(await app.locator('#count').textContent(), 'Rows 101\u2013120 of 120');
  assert.equal(await focused(app), 'back', 'a button that went dead hands the keyboard on');
  const calls = await page.evaluate(() => globalThis.seen.calls);
  assert.ok(calls.length > 1, `${calls.length} pages`);
  for (const { name, arguments: args } of calls) {
    assert.deepEqual([name, Object.keys(args), args.database], ['query', ['cursor', 'database'], 'copy']);
  }
  await app.getByRole('button', { name: 'id' }).click();
  await app.getByRole('button', { name: 'id' }).click();
  assert.deepEqual((await cells(app, 1)).slice(0, 2), ['120', '119'], 'all rows are here once');
  await browser.close();
});

/// A result with a cursor, and a host that answers for it.
async function readingOn(browser, calls, more) {
  const result = made([['id', 'integer']], [['1'], ['2']], { next_cursor: 'gone' });
  const shown = await client.shown(browser, 'query', { sql: 'SELECT 1' }, result, { calls, ...more });
  await shown.app.getByRole('button', { name: 'Read more' }).click();
  return shown;
}

test('a refusal is told in the server\'s words and loses no row', async (t) => {
  const browser = await opened(t);
  const { page, app } = await readingOn(browser, (call) => client.call(call));
  await app.getByText('there are no rows at this cursor').waitFor();
  assert.match(await app.locator('#said').textContent(), /ask the question again/);
  assert.ok(await app.locator('#said').evaluate((node) => node.classList.contains('wrong')));
  assert.deepEqual(await cells(app, 1), ['1', '2']);
  await screenshot(page, 'apps-refused');
  await browser.close();
});

test('a host that fails is told, and may be asked again', async (t) => {
  const browser = await opened(t);
  let asked = 0;
  const { app } = await readingOn(browser, async () => {
    asked += 1;
    if (asked === 1) throw new Error('the person said no <b>');
    return made([['id', 'integer']], [['3']]);
  });
  await app.getByText('The client did not read on: the person said no <b>').waitFor();
  assert.deepEqual(await cells(app, 1), ['1', '2']);
  await app.getByRole('button', { name: 'Read more' }).click();
  await app.getByText('Rows 1\u20133 of 3').waitFor();
  assert.deepEqual(await cells(app, 1), ['1', '2', '3']);
  assert.equal(await app.locator('#said').textContent(), '');
  await browser.close();
});

test('an answer that comes behind another result is left', async (t) => {
  const browser = await opened(t);
  let answer;
  const late = new Promise((resolve) => (answer = resolve));
  const { page, app } = await readingOn(browser, () => late);
  await app.getByRole('button', { name: 'Reading' }).waitFor();
  await page.evaluate((given) => globalThis.give(given), made([['name', 'text']], [['new']]));
  await app.getByText('Rows 1\u20131 of 1').waitFor();
  answer(made([['id', 'integer']], [['3']], { next_cursor: 'older' }));
  await page.evaluate(() => globalThis.setContext({ theme: 'dark' }));
  await app.locator(':root[data-theme="dark"]').waitFor();
  assert.deepEqual(await cells(app, 1), ['new']);
  assert.equal(await app.locator('#count').textContent(), 'Rows 1\u20131 of 1');
  await browser.close();
});

test('a refusal behind rows leaves none of them', async (t) => {
  const browser = await opened(t);
  const { page, app } = await client.queried(browser, 'SELECT 1 AS one, 2 AS two', { args: { database: 'shop' } });
  await app.getByRole('button', { name: 'Chart' }).click();
  await app.getByRole('img').waitFor();
  const refused = await client.call({ name: 'query', arguments: { sql: 'SELECT nothing FROM shop.missing', database: 'shop' } });
  await page.evaluate((given) => globalThis.give(given), refused);
  await app.locator('#said.wrong').waitFor();
  for (const id of ['tools', 'table', 'drawing', 'pages', 'whole']) assert.ok(await app.locator(`#${id}`).isHidden(), id);
  await page.evaluate((given) => globalThis.give(given), made([['id', 'integer']], []));
  await app.getByText('No rows').waitFor();
  assert.ok(await app.getByRole('grid').isVisible());
  await browser.close();
});

test('a host that keeps only the structure, or only the text, shows the rows', async (t) => {
  const browser = await opened(t);
  const whole = made([['id', 'integer']], [['7']]);
  for (const result of [{ ...whole, content: [] }, { content: whole.content }, { ...made([['id', 'integer']], []), content: [] }]) {
    const { app } = await client.shown(browser, 'query', {}, result);
    await app.getByRole('grid').waitFor();
    assert.equal(await app.locator('tbody tr').count(), (result.structuredContent?.rows ?? [['7']]).length);
  }
  await browser.close();
});

test('a query that still runs is looked at again until its rows are there', async (t) => {
  const browser = await opened(t);
  const slow = { sql: 'SELECT count(*) AS pairs FROM generate_series(1, 9000000) AS g(n)', database: 'copy' };
  const { page, app } = await client.queried(browser, slow.sql, { args: slow });
  const again = app.getByRole('button', { name: 'Look again' });
  await again.waitFor();
  assert.doesNotMatch(await app.locator('#said').textContent(), /[{}]|task_result/, 'words for a person');
  await screenshot(page, 'apps-running');
  for (let looks = 0; looks < 100 && (await app.getByRole('grid').count()) === 0; looks += 1) {
    await again.focus();
    await page.keyboard.press('Enter');
    await app.locator('#said').filter({ hasNotText: 'Reading' }).waitFor();
  }
  assert.deepEqual(await cells(app, 1), ['9000000']);
  assert.ok(await again.isHidden());
  assert.equal(await focused(app), 'TD');
  const [first] = await page.evaluate(() => globalThis.seen.calls);
  assert.deepEqual([first.name, Object.keys(first.arguments)], ['task_result', ['task_id']]);
  await browser.close();
});

test('a cursor whose rows have expired says so', async (t) => {
  await early.forgotten;
  const browser = await opened(t);
  const { app } = await passing.shown(browser, 'query', { database: 'shop' }, early.result);
  await app.getByRole('grid').waitFor();
  const on = app.locator('#on');
  while ((await on.textContent()) === 'Next') await on.click();
  const rows = await cells(app, 1);
  await on.click();
  await app.getByText('its rows have expired').waitFor();
  assert.deepEqual(await cells(app, 1), rows);
  await browser.close();
});
