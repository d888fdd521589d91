// A write that a person approves. Where the client has URL elicitation and there is a page for it, which is on stdio, the person
// gets the page's address and its code from the client; else they type `pgwarden approve` on the host.

import { execFileSync } from 'node:child_process';

import pg from 'pg';
import { check, expect, mark } from './checks.mjs';

const { PROGRAM, CONFIG, DATABASE_URL, ADMIN_DATABASE_URL } = process.env;
const sql = 'UPDATE shop.reviews SET title = $1 WHERE id = 90002';

/** How often the client was asked to open a page. */
let opened = 0;

/** For the client's handler of `elicitation/create`. */
export async function elicited({ mode, url, message }) {
  expect(mode === 'url', `asked for a form: ${message}`);
  opened += 1;
  await approve(url, message.match(/\b\d{6}\b/)[0]);
  return { action: 'accept' };
}

async function approve(url, code) {
  const page = await fetch(url);
  const [, action, fields] = (await page.text()).match(/<form[^>]* action="([^"]*\/approve)"[^>]*>(.*?)<\/form>/s);
  const [token, shown] = ['token', 'shown'].map((name) => fields.match(new RegExp(`name="${name}" value="([^"]*)"`))[1]);
  const cookie = page.headers.getSetCookie().map((one) => one.split(';')[0]).join('; ');
  const answer = await fetch(new URL(action, url), {
    method: 'POST',
    headers: { cookie, origin: new URL(url).origin },
    body: new URLSearchParams({ token, shown, code }),
    redirect: 'manual',
  });
  expect(answer.status === 303, `the page answers ${answer.status}`);
}

/** `client.elicits`: it has declared the URL mode, with `elicited`. */
export async function checkWrite(client) {
  await check('write', () => write(client));
}

async function write(client) {
  const admin = new pg.Client({ connectionString: ADMIN_DATABASE_URL });
  await admin.connect();
  const title = async () => (await admin.query('SELECT title FROM shop.reviews WHERE id = 90002')).rows[0].title;
  try {
    await admin.query(`GRANT UPDATE (title) ON shop.reviews TO "${DATABASE_URL.match(/\/\/([^:@/?]+)/)[1]}"`);
    const before = await title();
    const wanted = `written ${mark()}`;
    const seen = opened;
    let answer = await client.callTool({ name: 'execute', arguments: { sql, params: [wanted] } });
    const asked = opened > seen;
    if (answer.structuredContent?.status === 'approval_required') {
      expect(!asked, 'the person was asked, and their word is not known');
      expect((await title()) === before, 'written before anybody approved');
      const id = answer.structuredContent.approval_id;
      execFileSync(PROGRAM, ['approve', id, '--yes', '--config', CONFIG], { stdio: 'pipe' });
      answer = await client.callTool({ name: 'execute', arguments: { approval_id: id } });
    }
    expect(answer.structuredContent?.status === 'done', JSON.stringify(answer));
    expect((await title()) === wanted, await title());
    expect(asked === (client.elicits === true && process.env.TRANSPORT === 'stdio'), `the client was asked: ${asked}`);
    if (asked) console.log('ok elicitation by URL');
    return asked ? 'by URL' : 'by CLI';
  } finally {
    await admin.end();
  }
}
