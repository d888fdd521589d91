// A person gives their own login to PostgreSQL for a program on stdio: the page on loopback, with the code of the client.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';

import { accessible, launch, screenshot } from './browser.mjs';
import { database, password } from './house.mjs';

let shop;
let folder;

before(async () => {
  shop = await database();
  await shop.query('GRANT USAGE ON SCHEMA shop TO ada');
  await shop.query('GRANT SELECT ON ALL TABLES IN SCHEMA shop TO ada');
  folder = mkdtempSync(join(tmpdir(), 'pgwarden-credentials-'));
  writeFileSync(join(folder, 'policy.toml'), 'version = 1\ninclude = []\n\n[[allow]]\nselect = ["shop.*"]\n');
  writeFileSync(
    join(folder, 'pgwarden.toml'),
    `[databases.shop]\nurl = "${shop.url}"\nsearch_path = ["shop"]\npolicy = "policy.toml"\nrun_as = "own_login"\n`,
  );
});

after(async () => {
  await shop?.stop();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/// A program that has started pgwarden, and can send its person to pages.
class Program {
  said = '';
  #heard = [];
  #waiting = [];

  constructor() {
    const args = ['serve', '--stdio', '--config', join(folder, 'pgwarden.toml')];
    this.child = spawn(process.env.PROGRAM, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stderr.on('data', (data) => (this.said += data));
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      this.said += line;
      this.#heard.push(JSON.parse(line));
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  say(message) {
    this.child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  async hear(is) {
    for (;;) {
      const at = this.#heard.findIndex(is);
      if (at >= 0) return this.#heard.splice(at, 1)[0];
      await new Promise((resolve) => this.#waiting.push(resolve));
    }
  }

  async begin() {
    const capabilities = { elicitation: { url: {} } };
    const clientInfo = { name: 'program', version: '1' };
    this.say({ id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities, clientInfo } });
    await this.hear((message) => message.id === 0);
    this.say({ method: 'notifications/initialized' });
  }

  query(id, sql) {
    this.say({ id, method: 'tools/call', params: { name: 'query', arguments: { sql } } });
  }

  async stop() {
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.stdin.end();
    await ended;
  }
}

async function press(page) {
  await Promise.all([page.waitForNavigation(), page.getByRole('button', { name: 'Log in to shop' }).click()]);
}

const looks = { light: {}, dark: { dark: true }, phone: { phone: true }, plain: { scripts: false } };
for (const [look, options] of Object.entries(looks)) {
  test(`${look}: a login that is given at the page is the one that the statement runs under`, async () => {
    const browser = await launch(options);
    browser.expect(/status of 401/);
    const looked = async (page, name) => {
      if (options.scripts !== false) await accessible(page);
      const [inner, whole] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
      assert.ok(whole <= inner, `${name} is ${whole} wide on ${inner}`);
      await screenshot(page, `${name}-${look}`);
    };
    const program = new Program();
    await program.begin();
    program.query(1, 'SELECT current_user');
    const asked = await program.hear((message) => message.method === 'elicitation/create');
    const code = asked.params.message.split(' ').at(-1);
    const page = await browser.page(asked.params.url);
    await looked(page, 'credentials');
    await page.getByLabel(/^Code/).fill(code);
    await page.getByLabel('Database role').fill('ada');
    await page.getByLabel('Password').fill('wrong');
    await press(page);
    await page.getByRole('alert').waitFor();
    await looked(page, 'credentials-wrong');
    assert.equal(await page.getByLabel(/^Code/).count(), 0);
    await page.getByLabel('Password').fill(password);
    await press(page);
    assert.match(await page.locator('main').innerText(), /Go back to the program/);
    await looked(page, 'credentials-given');
    const done = await program.hear((message) => message.id === 1);
    assert.deepEqual(done.result.structuredContent?.rows, [['ada']], JSON.stringify(done));
    await program.stop();
    assert.ok(!program.said.includes(password));
    await browser.close();
  });
}
