// A person with a browser: logs in, consents, revokes, approves. Knows the pages by what they say, as a person does.

import { launch, screenshot } from './browser.mjs';
import { origin, tls } from './world.mjs';

const LOG_IN = /^(log in|sign-in)$/i;
const CONSENT = /^(allow|continue)$/i;

export class Person {
  #browser;
  #shots = 0;
  /// Bodies of all answers that this browser got, each with its address.
  bodies = [];
  /// What a client was refused by, or what a page said instead of going on.
  said = '';

  constructor(name, role, password, browser) {
    Object.assign(this, { name, role, password });
    this.#browser = browser;
    // What others' pages lack is no fault of ours.
    browser.expect(/^(?!https:\/\/db\.test)/);
    browser.context.on('response', (response) => {
      const kept = response.text().then(
        (text) => ({ url: response.url(), text }),
        () => undefined, // a redirect has none
      );
      this.bodies.push(kept);
    });
  }

  static async arrives(name, role, password) {
    return new Person(name, role, password, await launch({ spki: [tls.spki] }));
  }

  async leaves() {
    this.bodies = (await Promise.all(this.bodies)).filter(Boolean);
    await this.#browser.close();
  }

  async cookies() {
    return await this.#browser.context.cookies(origin);
  }

  expects(pattern) {
    this.#browser.expect(pattern);
  }

  async shot(page, what) {
    this.#shots += 1;
    await screenshot(page, `${this.name}-${this.#shots}-${what}`);
  }

  async press(page, button) {
    await Promise.all([page.waitForNavigation(), button.click()]);
  }

  /// Fills in the login page, of pgwarden or of the provider.
  async logIn(page) {
    const role = page.getByLabel('Database role');
    if (await role.count()) {
      await role.fill(this.role);
      await page.getByLabel('Password').fill(this.password);
    } else {
      await page.locator('input[name=login]').fill(this.role);
      await page.locator('input[name=password]').fill(this.password);
    }
    await this.press(page, page.getByRole('button', { name: LOG_IN }));
  }

  /// Goes through whatever pages stand between `url` and an address that begins with `end`: that is the answer.
  async passes(page, url, end) {
    await page.goto(url);
    for (let step = 0; step < 8; step += 1) {
      const here = page.url();
      if (here.startsWith(end)) return here;
      const login = page.getByRole('button', { name: LOG_IN });
      const consent = page.getByRole('button', { name: CONSENT });
      const provider = page.getByRole('link', { name: /^continue with/i });
      if (await login.count()) {
        await this.logIn(page);
      } else if (await consent.count()) {
        await this.shot(page, 'consent');
        await this.press(page, consent.first());
      } else if (await provider.count()) {
        await this.press(page, provider.first());
      } else {
        break;
      }
    }
    await this.shot(page, 'stuck');
    this.said = (await page.locator('body').innerText()).replaceAll(/\s+/g, ' ');
    throw new Error(`${page.url()} is not ${end}: ${this.said.slice(0, 400)}`);
  }

  /// What an SDK's client asks for: the address that the browser ends at.
  async open(url, redirect) {
    const page = await this.#browser.page();
    try {
      return await this.passes(page, url, redirect);
    } finally {
      await page.close();
    }
  }

  /// Where `url` leads, and no further.
  async fresh(url) {
    return await this.#browser.page(url);
  }

  /// A page of pgwarden's, after logging in where it asks for it.
  async page(path) {
    const page = await this.#browser.page();
    await this.passes(page, `${origin}${path}`, `${origin}${path}`);
    return page;
  }

  /// Ends every grant on the account page.
  async revokesAll() {
    const page = await this.page('/account');
    await this.shot(page, 'account');
    let ended = 0;
    for (;;) {
      const revoke = page.getByRole('button', { name: /^revoke/i });
      if (!(await revoke.count())) break;
      await this.press(page, revoke.first());
      ended += 1;
    }
    await page.close();
    return ended;
  }

  /// Looks at an approval and decides. Gives the page's text.
  async decides(url, { approve = true, reason = '' } = {}) {
    const page = await this.page(new URL(url).pathname);
    const text = await page.locator('main').innerText();
    await this.shot(page, 'approval');
    if (!approve) await page.getByLabel(/reason/i).fill(reason);
    await this.press(page, page.getByRole('button', { name: approve ? /^approve/i : /^refuse/i }));
    await this.shot(page, 'decided');
    await page.close();
    return text;
  }

  /// What a person does with a URL elicitation: agrees to open it, then looks and approves.
  async elicited(params) {
    this.elicitation = params;
    this.decided = this.decides(params.url);
    this.decided.catch(() => {});
    return 'accept';
  }
}
