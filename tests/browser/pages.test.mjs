// The pages as a person sees them: log in, let a client in, approve and refuse what it wants to write, take it all back.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';

import { accessible, launch, screenshot } from './browser.mjs';
import { Client, house, listening, password } from './house.mjs';

const sql = "UPDATE shop.reviews\nSET title = $1\nWHERE id = 90002";
let pgwarden;

before(async () => {
  pgwarden = await house();
});

after(async () => {
  await pgwarden?.stop();
});

async function fill(page, role, secret) {
  await page.getByLabel('Database role').fill(role);
  await page.getByLabel('Password').fill(secret);
  await Promise.all([page.waitForNavigation(), page.getByRole('button', { name: 'Log in' }).click()]);
}

async function press(page, name) {
  await Promise.all([page.waitForNavigation(), page.getByRole('button', { name }).click()]);
}

/// A client that `role` has let in with this browser.
async function letIn(browser, role) {
  const client = new Client(pgwarden);
  const page = await browser.page(client.url);
  if (await page.getByLabel('Password').count()) await fill(page, role, password);
  await press(page, 'Allow');
  await client.exchange(page.url());
  return { client, page };
}

/// Everything stands within the width of the page.
async function fits(page) {
  const [inner, whole] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
  assert.ok(whole <= inner, `${page.url()} is ${whole} wide on ${inner}`);
}

async function looked(page, name) {
  await accessible(page);
  await fits(page);
  await screenshot(page, name);
}

const looks = { light: {}, dark: { dark: true }, phone: { phone: true }, zoomed: { viewport: { width: 512, height: 384 } } };
for (const [look, options] of Object.entries(looks)) {
  test(`${look}: every page is accessible and fits`, async () => {
    const browser = await launch(options);
    browser.expect(/status of 40[14]/);
    const client = new Client(pgwarden);
    const page = await browser.page(client.url);
    await looked(page, `login-${look}`);
    await fill(page, 'ada', 'wrong');
    await page.getByRole('alert').waitFor();
    assert.equal(await page.getByLabel('Password').getAttribute('aria-describedby'), 'wrong');
    await looked(page, `login-wrong-${look}`);
    await fill(page, 'ada', password);
    await looked(page, `consent-${look}`);
    await press(page, 'Allow');
    await client.exchange(page.url());
    const waiting = await client.call('execute', { sql, params: ["It's p\u0430id\u202e"] });
    assert.equal(waiting.status, 'approval_required', JSON.stringify(waiting));
    await page.goto(`${pgwarden.origin}/approvals`);
    await looked(page, `approvals-${look}`);
    await page.goto(waiting.url);
    await looked(page, `approval-${look}`);
    await page.getByLabel(/reason/i).fill(`seen in ${look}`);
    await press(page, 'Refuse');
    await looked(page, `refused-${look}`);
    await page.goto(`${pgwarden.origin}/account`);
    await looked(page, `account-${look}`);
    await page.goto(`${pgwarden.origin}/approvals/${'0'.repeat(32)}`);
    await looked(page, `missing-${look}`);
    await browser.close();
  });
}

test('a person approves what they saw, and it runs once', async () => {
  const browser = await launch();
  const { client, page } = await letIn(browser, 'ada');
  const waiting = await client.call('execute', { sql, params: ['approved'] });
  await page.goto(waiting.url);
  const shown = await page.locator('main').innerText();
  for (const part of ['UPDATE', 'shop', 'reviews', 'approved', 'pgwarden_demo', 'ada']) assert.ok(shown.includes(part), shown);
  assert.notEqual(await pgwarden.title(), 'approved');
  await press(page, /^Approve/);
  assert.equal(page.url(), waiting.url);
  await screenshot(page, 'approved');
  const done = await client.call('execute', { approval_id: waiting.approval_id });
  assert.equal(done.status, 'done', JSON.stringify(done));
  assert.equal(await pgwarden.title(), 'approved');
  await page.reload();
  assert.match(await page.locator('main').innerText(), /used/);
  await browser.close();
});

test('refused with a reason, the program hears it and nothing is written', async () => {
  const browser = await launch();
  const { client, page } = await letIn(browser, 'ada');
  const before_ = await pgwarden.title();
  const waiting = await client.call('execute', { sql, params: ['refused'] });
  await page.goto(waiting.url);
  await page.getByLabel(/reason/i).fill('not on a Friday');
  await press(page, 'Refuse');
  const answer = JSON.stringify(await client.call('execute', { approval_id: waiting.approval_id }));
  assert.match(answer, /not on a Friday/);
  assert.equal(await pgwarden.title(), before_);
  await browser.close();
});

test('in the browser of somebody else there is nothing to approve', async () => {
  const [ada, grace] = [await launch(), await launch()];
  grace.expect(/status of 404/);
  const { client } = await letIn(ada, 'ada');
  const waiting = await client.call('execute', { sql, params: ['foreign'] });
  const page = await grace.page(waiting.url);
  await fill(page, 'grace', password);
  assert.match(await page.locator('main').innerText(), /no such page/);
  await ada.close();
  await grace.close();
});

test('denied, the client gets no code; revoked, its token is worth nothing', async () => {
  const browser = await launch();
  browser.expect(/status of 40[14]/);
  const { client, page } = await letIn(browser, 'grace');
  assert.equal((await client.call('query', { sql: 'SELECT 1' })).isError, undefined);
  await page.goto(new Client(pgwarden).url);
  await press(page, 'Deny');
  const answer = new URL(page.url()).searchParams;
  assert.deepEqual([answer.get('error'), answer.get('code'), answer.get('iss')], ['access_denied', null, pgwarden.origin]);
  await page.goto(`${pgwarden.origin}/account`);
  await screenshot(page, 'account-with-a-grant');
  await press(page, /^Revoke/);
  await client.call('query', { sql: 'SELECT 1' });
  assert.equal(client.status, 401);
  assert.equal(await page.getByRole('button', { name: /^Revoke/ }).count(), 0);
  await browser.close();
});

test('the keyboard is enough, and no script is needed', async () => {
  const browser = await launch({ scripts: false });
  const client = new Client(pgwarden);
  const page = await browser.page(client.url);
  const to = async (name) => {
    for (let step = 0; step < 20; step += 1) {
      await page.keyboard.press('Tab');
      const focused = page.locator(':focus');
      const label = await focused.evaluate((e) => e.labels?.[0]?.textContent ?? e.textContent);
      const outline = await focused.evaluate((e) => getComputedStyle(e).outlineStyle);
      assert.notEqual(outline, 'none', `nothing shows that ${label} has the focus`);
      if (label.startsWith(name)) return;
    }
    assert.fail(`${name} is not reached`);
  };
  await to('Database role');
  await page.keyboard.type('ada');
  await to('Password');
  await page.keyboard.type(password);
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
  await to('Allow');
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
  await client.exchange(page.url());
  const waiting = await client.call('execute', { sql, params: ['by keyboard'] });
  await page.goto(waiting.url);
  await to('Approve');
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Space')]);
  assert.match(await page.locator('main').innerText(), /Approved/);
  await browser.close();
});

test('another page on this machine can neither frame the pages nor send their forms', async () => {
  const browser = await launch();
  browser.expect(/403|frame|Content.Security.Policy|chrome-error/i);
  const { client, page } = await letIn(browser, 'ada');
  const waiting = await client.call('execute', { sql, params: ['clickjacked'] });
  await page.goto(waiting.url);
  const form = await page.locator('form').first().evaluate((e) => ({ action: e.action, token: e.elements.token.value }));
  const evil = createServer((request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(`<!doctype html><html lang="en"><title>Evil</title><link rel="icon" href="data:,">
<iframe src="${waiting.url}" width="800" height="800"></iframe>
<form method="post" action="${form.action}"><input name="token" value="${form.token}"><button>Win</button></form>
<form method="post" action="${pgwarden.origin}/logout"><button>Out</button></form>`);
  });
  const port = await listening(evil);
  await page.goto(`http://127.0.0.1:${port}/`);
  const frame = page.frames().find((f) => f !== page.mainFrame());
  assert.ok(!(await frame.content()).includes('clickjacked'));
  await press(page, 'Win');
  assert.match(await page.locator('main').innerText(), /does not come from a page of your session/);
  await page.goto(`http://127.0.0.1:${port}/`);
  await press(page, 'Out');
  await page.goto(waiting.url);
  assert.equal(await page.getByRole('button', { name: /^Approve/ }).count(), 1, 'still logged in, still undecided');
  evil.close();
  await browser.close();
});

test('no page, log or cookie holds the password', async () => {
  const browser = await launch();
  const { page } = await letIn(browser, 'grace');
  assert.ok(!(await page.content()).includes(password));
  const cookies = await browser.context.cookies(pgwarden.origin);
  assert.deepEqual(cookies.map(({ name, httpOnly, sameSite, path }) => [name, httpOnly, sameSite, path]), [
    ['pgwarden-loopback', true, 'Lax', '/'],
  ]);
  assert.ok(!(pgwarden.said.out + pgwarden.said.err).includes(password));
  await browser.close();
});
