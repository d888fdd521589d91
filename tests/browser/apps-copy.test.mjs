// What is copied reaches the clipboard, as it came from the server, in the frames that clients make.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { opened, ShowingClient } from './apps.mjs';
import { screenshot } from './browser.mjs';
import { started } from './house.mjs';

const SQL = `SELECT n AS id, E'tab\\there' AS "a, b", E'two\\nlines' AS lines, 'say "x"' AS quoted, NULL::text AS nothing, ''::text AS blank,
  1234567890123456789.10::numeric AS exact FROM (VALUES (1), (2)) AS v(n) ORDER BY n`;
const ROW = (id) => [id, 'tab\there', '"two\nlines"', '"say ""x"""', '', '""', '1234567890123456789.10'].join(',');
const CSV = ['id,"a, b",lines,quoted,nothing,blank,exact', ROW(1), ROW(2), ''].join('\r\n');
const TABBED = ['1', '"tab\there"', '"two\nlines"', '"say ""x"""', '', '', '1234567890123456789.10'].join('\t');

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

/// A browser whose clipboard the test may read, from the host's window.
async function reading(t, options) {
  const browser = await opened(t, options);
  // Chromium logs each refusal of the permission.
  browser.expect(/The Clipboard API has been blocked because of a permissions policy/);
  await browser.context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: client.origin });
  return browser;
}

const clipboard = (page) => page.evaluate(() => navigator.clipboard.readText());

const FRAMES = {
  'without an origin, permitted': { permitted: true },
  'without an origin, not permitted': {},
  'within a frame of another origin, permitted': { proxied: true, permitted: true },
  'within a frame of another origin, not permitted': { proxied: true },
};

for (const [name, frames] of Object.entries(FRAMES)) {
  test(`cells, rows and CSV are copied: a frame ${name}`, async (t) => {
    const browser = await reading(t);
    const { page, app, frame } = await client.queried(browser, SQL, frames);
    const may = await frame.evaluate(() => document.featurePolicy.allowsFeature('clipboard-write'));
    assert.equal(may, Boolean(frames.permitted), 'the frame is what its name says');
    const copied = async (button, wanted, words) => {
      await app.getByRole('button', { name: button }).click();
      await app.getByText(words).waitFor();
      assert.equal(await clipboard(page), wanted, button);
    };
    await app.locator('tbody td').nth(2).click();
    await copied('Copy cell', 'two\nlines', 'Copied the cell.');
    await copied('Copy row', TABBED, 'Copied the row.');
    await copied('Copy CSV', CSV, 'Copied 2 rows as CSV.');
    assert.equal(await app.locator('#by-hand').count(), 0);
    await app.locator('tbody td').nth(6).focus();
    await page.keyboard.press('Control+C');
    await app.getByText('Copied the cell.').waitFor();
    assert.equal(await clipboard(page), '1234567890123456789.10');
    const plan = await client.explained(browser, { sql: 'SELECT id FROM shop.customers WHERE id = 3' }, frames);
    await plan.app.getByRole('button', { name: 'Copy plan' }).click();
    await plan.app.getByText('Copied the plan.').waitFor();
    assert.match(await clipboard(plan.page), /^Index .*shop\.customers.*\(rows 1, cost [\d.]+\)/);
    await browser.close();
  });
}

for (const look of ['light', 'dark']) {
  test(`where no page may copy, the text is chosen and a key copies it: ${look}`, async (t) => {
    const browser = await reading(t, { dark: look === 'dark' });
    const { page, app, frame } = await client.queried(browser, SQL, { context: { theme: look } });
    // As where the old command is gone, too; Chromium has it.
    await frame.evaluate(() => (document.execCommand = () => false));
    const button = app.getByRole('button', { name: 'Copy CSV' });
    await button.click();
    await app.getByText('This client does not let pages copy').waitFor();
    const area = app.getByRole('textbox', { name: 'Text to copy' });
    assert.match(await app.locator('#said').textContent(), /press Ctrl\+C/);
    assert.ok(await area.evaluate((node) => document.activeElement === node && node.selectionEnd === node.value.length));
    await screenshot(page, `apps-by-hand-${look}`);
    await page.keyboard.press('Control+C');
    await app.getByText('Copied 2 rows as CSV.').waitFor();
    assert.equal(await clipboard(page), CSV);
    assert.equal(await area.count(), 0);
    assert.ok(await button.evaluate((node) => document.activeElement === node), 'the keyboard is where it was');
    await browser.close();
  });
}
