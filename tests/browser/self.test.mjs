// The harness itself, against pages of its own: what is sound passes, and each kind of fault is found.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { join } from 'node:path';

import { accessible, launch, screenshot } from './browser.mjs';

const page = (body) => `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Test</title>
<link rel="icon" href="data:,"></head><body><main><h1>Test</h1>${body}</main></body></html>`;

const pages = {
  '/good': page('<form><label>Name <input name="name" autocomplete="username"></label><button>Go</button></form>'),
  '/unlabelled': page('<input name="name">'),
  '/inline': page('<p id="said">nothing</p><script>document.getElementById("said").textContent = "ran"</script>'),
  '/missing': page('<img alt="none" src="/nowhere.png">'),
};

let server;
let origin;

before(async () => {
  server = createServer((request, response) => {
    const body = pages[request.url];
    response.writeHead(body ? 200 : 404, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': "default-src 'none'; img-src 'self' data:; form-action 'self'",
    });
    response.end(body ?? '');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${server.address().port}`;
});

after(() => server.close());

test('a sound page is accessible and has no faults', async () => {
  const browser = await launch();
  const page = await browser.page(`${origin}/good`);
  await accessible(page);
  await page.getByLabel('Name').fill('Ada');
  await screenshot(page, 'self');
  await browser.close();
  assert.ok(existsSync(join(process.env.SCREENSHOTS, 'self.png')));
});

test('dark and phone are what the page sees', async () => {
  const browser = await launch({ dark: true, phone: true });
  const page = await browser.page(`${origin}/good`);
  const seen = await page.evaluate(() => [matchMedia('(prefers-color-scheme: dark)').matches, innerWidth]);
  assert.deepEqual(seen, [true, 360]);
  await browser.close();
});

test('a field without a label is found', async () => {
  const browser = await launch();
  const page = await browser.page(`${origin}/unlabelled`);
  await assert.rejects(accessible(page), /label/);
  await browser.close();
});

test("a script against the page's policy does not run and is a fault", async () => {
  const browser = await launch();
  const page = await browser.page(`${origin}/inline`);
  assert.equal(await page.locator('#said').textContent(), 'nothing');
  await assert.rejects(browser.close(), /Content Security Policy/);
});

test('an answer of 404 is a fault, unless it was expected', async () => {
  const browser = await launch();
  await browser.page(`${origin}/missing`);
  await assert.rejects(browser.close(), /404/);
  const tolerant = await launch();
  tolerant.expect(/404/);
  await tolerant.page(`${origin}/missing`);
  await tolerant.close();
});
