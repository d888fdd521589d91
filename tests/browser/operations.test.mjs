// The operations page as a DBA sees it: log in, watch, cancel, suspend, try a statement; without a script too.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { accessible, launch, screenshot } from './browser.mjs';
import { Client, database, started } from './house.mjs';

const { PROGRAM } = process.env;
const long = `SELECT 'a value' AS mark, count(*) AS pairs FROM generate_series(1, (SELECT 2000000)) AS a,
  generate_series(1, (SELECT 2000000)) AS b`;
const policy = `version = 1
include = []

[[allow]]
select = ["shop.*"]

[[allow]]
update = ["shop.reviews.title"]

[[deny]]
select = ["shop.support_tickets"]
reason = "tickets have their own desk"

[[filter]]
relations = ["shop.addresses"]
where = "country = caller.country"

[writes]
approval = "none"
rows = 10
`;

let shop;
let server;
let folder;
let origin;
let mcp;

function token(name, scope, ...more) {
  const words = ['token', 'create', '--tokens-file', join(folder, 'tokens.toml'), '--name', name, '--scope', scope];
  const said = execFileSync(PROGRAM, [...words, ...more], { encoding: 'utf8' });
  return said.match(/pgw\S+/)[0];
}

before(async () => {
  shop = await database();
  folder = mkdtempSync(join(tmpdir(), 'pgwarden-operations-'));
  token('nobody', 'read');
  writeFileSync(join(folder, 'policy.toml'), policy);
  const config = `[auth]\ntokens_file = "tokens.toml"\n
[operations]\nlisten = "127.0.0.1:0"\n
[tasks]\nhandle_after_ms = 1500\ndrain_seconds = 0\nrunning = 2\nrunning_per_caller = 1\n
[databases.shop]\nurl = "${shop.url}"\nsearch_path = ["shop"]\npolicy = "policy.toml"\n`;
  writeFileSync(join(folder, 'pgwarden.toml'), config);
  const args = ['serve', '--listen', '127.0.0.1:0', '--config', join(folder, 'pgwarden.toml')];
  server = await started(args, /database `shop` is ready/);
  origin = server.said.err.match(/operations page on (http:\/\/[^/\s]+)/)[1];
  mcp = server.said.err.match(/listening on (http:\/\/[^/\s]+)/)[1];
});

after(async () => {
  await server?.stop();
  await shop?.stop();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/// A client of `name`, with a token of its own.
async function client(name, scope = 'write', ...more) {
  const one = new Client({ origin: mcp, redirect: '' });
  one.token = token(name, scope, ...more);
  for (let tries = 0; tries < 50; tries += 1) {
    await one.call('query', { sql: 'SELECT 1' });
    if (one.status !== 401) return one;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('the token is not taken');
}

let admin;
async function operator(options = {}) {
  admin ??= (await client('dora', 'admin')).token;
  const browser = await launch(options);
  const page = await browser.page(origin);
  await page.getByLabel(/Access token/).fill(admin);
  await press(page, 'Log in');
  return { browser, page };
}

async function press(page, name, within = page) {
  await Promise.all([page.waitForNavigation(), within.getByRole('button', { name }).first().click()]);
}

async function looked(page, name) {
  await accessible(page);
  const [inner, whole] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
  assert.ok(whole <= inner, `${page.url()} is ${whole} wide on ${inner}`);
  await screenshot(page, name);
}

const looks = { light: { viewport: { width: 1280, height: 800 } }, dark: { dark: true, viewport: { width: 1280, height: 800 } }, phone: { phone: true } };
for (const [look, options] of Object.entries(looks)) {
  test(`${look}: every page is accessible and fits`, async () => {
    const [anna, ben] = [await client(`anna-${look}`), await client(`ben-${look}`, 'read', '--claim', 'country=NL')];
    await ben.call('query', { sql: 'SELECT count(*) FROM addresses' });
    await ben.call('query', { sql: "SELECT id, subject FROM support_tickets WHERE subject ~ 'refund'" });
    await anna.call('query', { sql: "SELECT id, name FROM products WHERE name ILIKE '%lamp%' ORDER BY name LIMIT 20" });
    await anna.call('query', { sql: 'DROP TABLE orders' });
    const asked = [anna.call('query', { sql: long }), anna.call('query', { sql: `${long}, generate_series(1, 2) AS c` })];
    const browser = await launch(options);
    browser.expect(/status of 401/);
    const page = await browser.page(origin);
    await looked(page, `operations-login-${look}`);
    await page.getByLabel(/Access token/).fill('pgw_wrong');
    await press(page, 'Log in');
    await page.getByRole('alert').waitFor();
    await page.getByLabel(/Access token/).fill((admin ??= (await client('dora', 'admin')).token));
    await press(page, 'Log in');
    await page.getByLabel('What', { exact: true }).selectOption({ label: 'writes in shop' });
    await page.getByLabel('Reason').fill('the migration runs');
    await press(page, 'Suspend', page.locator('#suspend'));
    await page.locator('#running .number').first().waitFor();
    await page.locator('#waiting table').waitFor();
    await looked(page, `operations-${look}`);
    await press(page, /^Resume/);
    for (const row of ['#waiting', '#running']) {
      await page.locator(row).getByRole('button', { name: new RegExp(`anna-${look}`) }).first().waitFor();
      await press(page, new RegExp(`^Cancel .* anna-${look}`), page.locator(row));
    }
    await Promise.all(asked);
    await page.getByRole('link', { name: 'Policies' }).click();
    await looked(page, `operations-policies-${look}`);
    await page.getByRole('link', { name: 'Try a statement' }).click();
    await page.getByLabel('Caller').fill('ben');
    await page.getByLabel(/^Claims/).fill('country=NL');
    await page.getByRole('textbox', { name: 'Statement' }).fill('select city, count(*) from addresses group by city');
    await press(page, 'Try');
    assert.match(await page.locator('#answer').innerText(), /Allowed.*SELECT/s);
    await looked(page, `operations-try-${look}`);
    await page.getByRole('textbox', { name: 'Statement' }).fill('select * from support_tickets');
    await press(page, 'Try');
    assert.match(await page.locator('#answer').innerText(), /Refused.*tickets have their own desk/s);
    await press(page, 'Log out');
    assert.match(page.url(), /\/login$/);
    await browser.close();
  });
}

test('the page follows what happens, keeps the focus, and stands still when asked', async () => {
  const carl = await client('carl');
  const { browser, page } = await operator();
  assert.equal(await page.locator('#running').getByText('carl').count(), 0);
  const asked = carl.call('query', { sql: long });
  const cancel = page.locator('#running').getByRole('button', { name: 'Cancel the query of carl' });
  await cancel.waitFor();
  await cancel.focus();
  const moment = page.locator('#moment');
  const first = await moment.innerText();
  await page.waitForFunction((old) => document.getElementById('moment').innerText !== old, first);
  assert.equal(await page.locator(':focus').getAttribute('aria-label'), 'Cancel the query of carl');
  await page.getByRole('button', { name: 'Pause' }).click();
  const held = await moment.innerText();
  await page.waitForTimeout(3_000);
  assert.equal(await moment.innerText(), held);
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.waitForFunction((old) => document.getElementById('moment').innerText !== old, held);
  // By the keyboard alone.
  await cancel.focus();
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
  assert.match(await page.getByRole('status').first().innerText(), /cancelled/);
  const answer = JSON.stringify(await asked);
  assert.match(answer, /task|cancelled this statement/);
  await browser.close();
});

test('without a script it is whole: suspended, seen, resumed', async () => {
  const eve = await client('eve');
  const { browser, page } = await operator({ scripts: false });
  // A look at the server serves all who ask within a second.
  for (let tries = 0; tries < 20 && (await page.getByRole('link', { name: 'Suspend eve' }).count()) === 0; tries += 1) {
    await page.waitForTimeout(300);
    await page.reload();
  }
  await page.getByRole('link', { name: 'Suspend eve' }).click();
  assert.equal(await page.getByLabel('Caller (for one caller)').inputValue(), 'eve');
  await page.getByLabel('Reason').fill('<b>her laptop</b> is gone');
  await press(page, 'Suspend', page.locator('#suspend'));
  assert.match(await page.locator('#suspended').innerText(), /caller eve\s+<b>her laptop<\/b> is gone\s+dora/);
  assert.match(JSON.stringify(await eve.call('query', { sql: 'SELECT 1' })), /her laptop/);
  await press(page, 'Resume caller eve');
  assert.equal(await page.getByRole('button', { name: /^Resume/ }).count(), 0);
  assert.doesNotMatch(JSON.stringify(await eve.call('query', { sql: 'SELECT 1' })), /her laptop/);
  await browser.close();
});
