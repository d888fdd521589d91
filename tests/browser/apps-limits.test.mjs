// Results as large as clients hand over, how soon they are seen, and that nothing comes from or goes elsewhere.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';

import { made, opened, servedTwice, ShowingClient } from './apps.mjs';
import { screenshot } from './browser.mjs';
import { listening, started } from './house.mjs';

/// Bytes of a result that clients hand to a page, of a page itself, and milliseconds that a person waits without noticing.
const RESULT = 130_000;
const PAGE = 60_000;
const SOON = 1_000;

let demo;
let server;
let client;

before(async () => {
  demo = await started(['demo', '--listen', '127.0.0.1:0'], /^Claude Code/m);
  server = await servedTwice(demo, `[limits]\ncharacters = ${RESULT}\nrows = 20000\n`);
  client = await ShowingClient.of(server);
});

after(async () => {
  client?.stop();
  await server?.stop();
  await demo?.stop();
});

test('a page is small', () => {
  assert.deepEqual(Object.keys(client.pages).sort(), ['explain', 'query']);
  for (const [name, { html }] of Object.entries(client.pages)) assert.ok(Buffer.byteLength(html) < PAGE, `${name}: ${html.length}`);
});

/// Milliseconds from the host's message until the page has drawn something that fits.
const drawn = (page, frame, result, wanted) =>
  Promise.all([
    frame.evaluate(async (selector) => {
      const got = new Promise((resolve) => addEventListener('message', () => resolve(performance.now()), { capture: true, once: true }));
      const start = await got;
      while (!document.querySelector(selector)) await new Promise(requestAnimationFrame);
      await new Promise(requestAnimationFrame);
      return performance.now() - start;
    }, wanted),
    page.evaluate((given) => globalThis.give(given), result),
  ]).then(([took]) => took);

const LARGE = {
  rows: `SELECT g AS id, md5(g::text) AS hash, now() AS at, g / 7.0 AS part FROM generate_series(1, 20000) AS g`,
  columns: `SELECT ${Array.from({ length: 200 }, (_, at) => `g + ${at} AS c${at}`).join(', ')} FROM generate_series(1, 2000) AS g`,
  values: `SELECT g AS id, repeat('long value ', 360) AS words FROM generate_series(1, 2000) AS g`,
};

for (const [shape, sql] of Object.entries(LARGE)) {
  test(`an answer at the limit is drawn soon: many ${shape}`, async (t) => {
    const browser = await opened(t);
    const result = await client.call({ name: 'query', arguments: { sql, database: 'shop' } });
    const length = result.content[0].text.length;
    assert.ok(length > RESULT * 0.9 && length <= RESULT, `${length} characters`);
    const { page, app, frame } = await client.shown(browser, 'query', { database: 'shop' }, undefined);
    const took = await drawn(page, frame, result, 'tbody tr');
    assert.ok(took < SOON, `${took} ms`);
    const { rows } = JSON.parse(result.content[0].text);
    assert.match(await app.locator('#count').textContent(), new RegExp(`of ${rows.length}\\+`));
    assert.equal(await app.locator('tbody tr').count(), Math.min(50, rows.length));
    const sorted = await frame.evaluate(() => {
      const start = performance.now();
      document.querySelector('th button').click();
      document.querySelector('th button').click();
      document.body.getBoundingClientRect();
      return performance.now() - start;
    });
    assert.ok(sorted < 2 * SOON, `sorted twice in ${sorted} ms`);
    assert.equal(await app.locator('tbody td').first().textContent(), String(Math.max(...rows.map(([id]) => id))));
    const over = await app.locator(':root').evaluate((root) => root.scrollWidth - root.clientWidth);
    assert.ok(over <= 0, `${over} pixels too wide`);
    await screenshot(page, `apps-large-${shape}`);
    await browser.close();
  });
}

test('a page that holds all it may is filtered and drawn soon', async (t) => {
  const browser = await opened(t);
  const rows = Array.from({ length: 20_000 }, (_, at) => [at, `name ${at}`, (at * 7919) % 1000, null]);
  const full = made([['id', 'integer'], ['name', 'text'], ['part', 'numeric'], ['nothing', 'text']], rows, { next_cursor: 'next' });
  const { page, app, frame } = await client.shown(browser, 'query', {}, undefined);
  const took = await drawn(page, frame, full, 'tbody tr');
  assert.ok(took < 2 * SOON, `${took} ms`);
  const typed = await frame.evaluate(() => {
    const filter = document.querySelector('#filter');
    const start = performance.now();
    filter.value = '1999';
    filter.dispatchEvent(new Event('input'));
    document.querySelector('#chart').click();
    document.body.getBoundingClientRect();
    return performance.now() - start;
  });
  assert.ok(typed < SOON, `${typed} ms`);
  await app.getByRole('img').waitFor();
  await app.getByRole('button', { name: 'Chart' }).click();
  assert.match(await app.locator('#count').textContent(), /^Rows 1\u201312 of 12 \(20000\+ loaded\)/);
  assert.ok(await app.locator('#on').isDisabled());
  await app.getByText('There are more rows than a page holds.').waitFor();
  await browser.close();
});

for (const [name, frames] of Object.entries({ 'alone': {}, 'under the client\'s policy too': { proxied: true } })) {
  test(`nothing comes from elsewhere and nothing goes there: the page's own policy ${name}`, async (t) => {
    let reached = 0;
    const elsewhere = createServer((_, response) => {
      reached += 1;
      response.writeHead(200, { 'access-control-allow-origin': '*' });
      response.end();
    });
    const address = `http://127.0.0.1:${await listening(elsewhere)}/`;
    t.after(() => elsewhere.close());
    await fetch(address);
    assert.equal(reached, 1, 'it can be reached, by others');
    const browser = await opened(t);
    // What was refused is in the console; each is asserted below.
    browser.expect(/Content.Security.Policy|violates the following/i);
    const asked = [];
    browser.context.on('request', (request) => asked.push(request));
    const sql = 'SELECT id, full_name FROM shop.customers ORDER BY id';
    const { app, frame } = await client.queried(browser, sql, { ...frames, args: { database: 'shop' } });
    await app.getByRole('grid').waitFor();
    await app.getByRole('button', { name: 'Next' }).click();
    const own = asked.filter((request) => request.frame() === frame && !request.isNavigationRequest()).map((request) => request.url());
    assert.deepEqual(own, [], 'the page asks for nothing');
    const refused = await frame.evaluate(async (url) => {
      const seen = new Set();
      document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => seen.add(effectiveDirective));
      await fetch(url, { mode: 'no-cors' }).catch(() => {});
      new Image().src = url;
      navigator.sendBeacon(url, 'rows');
      const put = (name, attributes) => document.body.append(Object.assign(document.createElement(name), attributes));
      put('script', { src: url });
      put('link', { rel: 'stylesheet', href: url });
      put('iframe', { src: url });
      put('object', { data: url });
      put('video', { src: url });
      const style = document.createElement('style');
      style.textContent = `@font-face { font-family: far; src: url(${url}) } body { font-family: far }`;
      document.head.append(style);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      return [...seen].sort();
    }, address);
    for (const directive of ['connect-src', 'font-src', 'frame-src', 'img-src', 'media-src', 'object-src', 'script-src-elem', 'style-src-elem']) {
      assert.ok(refused.includes(directive), `${directive} of ${refused}`);
    }
    assert.equal(reached, 1);
    await browser.close();
  });
}
