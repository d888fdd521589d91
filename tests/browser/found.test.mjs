// What `search` finds, on the page that its address leads to.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { accessible, launch, screenshot } from './browser.mjs';
import { Client, house, password } from './house.mjs';

let pgwarden;

before(async () => {
  pgwarden = await house();
});

after(async () => {
  await pgwarden?.stop();
});

async function logIn(page, role) {
  await page.getByLabel('Database role').fill(role);
  await page.getByLabel('Password').fill(password);
  await Promise.all([page.waitForNavigation(), page.getByRole('button', { name: 'Log in' }).click()]);
}

test('a result is cited by a page that leads through the login to the same text', async () => {
  const program = await launch();
  const client = new Client(pgwarden);
  const consent = await program.page(client.url);
  await logIn(consent, 'ada');
  await Promise.all([consent.waitForNavigation(), consent.getByRole('button', { name: 'Allow' }).click()]);
  await client.exchange(consent.url());
  const { results } = await client.call('search', { query: await pgwarden.title() });
  const review = results.find(({ id }) => id.startsWith('row:shop:reviews:'));
  const table = (await client.call('search', { query: 'reviews' })).results[0];
  assert.equal(table.id, 'table:shop:shop.reviews');
  await program.close();

  for (const [look, options] of Object.entries({ light: {}, dark: { dark: true }, phone: { phone: true } })) {
    const browser = await launch(options);
    browser.expect(/status of 404/);
    const page = await browser.page(review.url);
    assert.match(page.url(), /\/login\?next=/);
    await logIn(page, 'grace');
    assert.equal(page.url(), review.url);
    const document = await client.call('fetch', { id: review.id });
    assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), document.title);
    const lines = await page.locator('ol.text li').allTextContents();
    assert.equal(lines.join('\n'), document.text);
    await accessible(page);
    await screenshot(page, `found-row-${look}`);
    await page.goto(table.url);
    await page.getByRole('heading', { name: 'shop.reviews' }).waitFor();
    await accessible(page);
    const [inner, whole] = await page.evaluate(() => [innerWidth, globalThis.document.documentElement.scrollWidth]);
    assert.ok(whole <= inner, `${whole} wide on ${inner}`);
    await screenshot(page, `found-table-${look}`);
    assert.equal((await page.goto(`${pgwarden.origin}/found/row:shop:reviews:0`)).status(), 404);
    await browser.close();
  }
});
