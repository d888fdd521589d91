// Chromium for tests. A page that logs an error, throws, breaks its own Content-Security-Policy or asks another host for
// something is a fault, and closing the browser with a fault fails the test.

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

import { chromium } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const screenshots = process.env.SCREENSHOTS ?? '.';
const open = new Set();

// A test that fails leaves its browser open, and node would wait for it for ever. What it saw last is told.
after(async () => {
  for (const browser of open) {
    for (const page of browser.context.pages()) {
      const seen = await page.locator('body').innerText({ timeout: 5_000 }).catch(String);
      console.error(`left open: ${page.url()}\n${seen}`);
    }
    await browser.quit();
  }
});

/// `spki`: the SHA-256 (base64) of public keys whose certificates are taken; `dark`, `phone`, `scripts: false`, and
/// whatever else playwright's `newContext` takes.
export async function launch({ spki = [], dark = false, phone = false, scripts = true, ...others } = {}) {
  const profile = mkdtempSync(join(tmpdir(), 'pgwarden-browser-'));
  const args = ['--disable-background-networking', '--disable-component-update', '--no-first-run'];
  if (process.getuid?.() === 0) args.push('--no-sandbox');
  if (spki.length > 0) args.push(`--ignore-certificate-errors-spki-list=${spki.join(',')}`);
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM,
    headless: true,
    args,
    colorScheme: dark ? 'dark' : 'light',
    javaScriptEnabled: scripts,
    reducedMotion: 'reduce',
    viewport: phone ? { width: 360, height: 740 } : { width: 1024, height: 768 },
    ...others,
  });
  context.setDefaultTimeout(60_000);
  return new Browser(context, profile);
}

export class Browser {
  #context;
  #profile;
  #expected = [];
  /// What went wrong so far, each with the address of its page.
  faults = [];

  constructor(context, profile) {
    this.#context = context;
    this.#profile = profile;
    open.add(this);
    for (const page of context.pages()) this.#watch(page);
    context.on('page', (page) => this.#watch(page));
  }

  /// playwright's BrowserContext, for cookies, routes and requests.
  get context() {
    return this.#context;
  }

  #watch(page) {
    page.on('console', (message) => {
      // Chromium has no type of its own for what a policy refused: errors of `security`, in the console like others.
      if (message.type() === 'error' || /Content.Security.Policy/i.test(message.text())) {
        this.#fault(page, message.text());
      }
    });
    page.on('pageerror', (error) => this.#fault(page, String(error)));
    page.on('crash', () => this.#fault(page, 'the page crashed'));
  }

  #fault(page, text) {
    const fault = `${page.url()}: ${text}`;
    if (!this.#expected.some((pattern) => pattern.test(fault))) this.faults.push(fault);
  }

  /// Takes what is like this, `URL: text`, for no fault: Chromium logs an error for each answer of 400 and above, for instance.
  expect(pattern) {
    this.#expected.push(pattern);
  }

  async page(url) {
    const page = await this.#context.newPage();
    if (url) await page.goto(url);
    return page;
  }

  /// Closes the browser and forgets its profile.
  async quit() {
    open.delete(this);
    await this.#context.close();
    rmSync(this.#profile, { recursive: true, force: true });
  }

  /// Closes the browser, forgets its profile and throws what went wrong.
  async close() {
    await this.quit();
    if (this.faults.length > 0) throw new Error(`faults in the browser:\n${this.faults.join('\n')}`);
  }
}

/// The whole page, into SCREENSHOTS/NAME.png.
export async function screenshot(page, name) {
  mkdirSync(screenshots, { recursive: true });
  await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
}

/// Throws where axe-core finds a violation (WCAG 2.2 AA and best practices). Runs beside the page's own policy.
export async function accessible(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document));
  if (violations.length === 0) return;
  const lines = violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.html}`));
  throw new Error(`${page.url()} is not accessible:\n${lines.join('\n')}`);
}
