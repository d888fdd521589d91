// Nothing is written before a person said so, whichever client asks. Two people do so at the same time, each to a row.

import assert from 'node:assert/strict';

import { mark } from './evidence.mjs';
import { Told, kinds, others } from './told.mjs';
import { loopback, mcp } from './world.mjs';

const document = 'https://client.test/client.json';

/// A statement for one row of the reviews, and what stands there.
function review(shop, id) {
  return {
    sql: `UPDATE shop.reviews SET title = $1 WHERE id = ${id}`,
    title: async () => (await shop.admin('SELECT title FROM shop.reviews WHERE id = $1', [id]))[0].title,
  };
}

async function approved(row, person, told, text) {
  const done = await told.call('execute', { sql: row.sql, params: [text] });
  const shown = await person.decided;
  assert.equal(done.status, 'done', JSON.stringify(done));
  assert.equal(await row.title(), text);
  for (const part of ['UPDATE', 'shop', 'reviews', text]) assert.ok(shown.includes(part), shown);
  assert.ok(!person.elicitation.url.includes(encodeURIComponent(text)), person.elicitation.url);
}

/// A token that may write: the client asks for more when it is refused, and the person consents again.
async function writing(row, told, person) {
  const waiting = await told.call('execute', { sql: row.sql, params: ['not yet'] });
  await person.decides(waiting.url, { approve: false, reason: 'only to have the token' });
  return (await told.tokens()).access_token;
}

async function withClient(kind, person, elicits, work) {
  const back = await loopback();
  const redirect = `http://127.0.0.1:${back.port}/callback`;
  const told = new Told(kind, { url: mcp, redirect, document, elicits }, person);
  try {
    await told.connect();
    await work(told);
  } finally {
    await told.close();
    back.stop();
  }
}

const plain = 'npm sdk 1.32.2';
const name = (kind) => `${kind}: writes what a person approved in the browser`;

/// With tokens that the clients got themselves.
async function ours(t, row, ada) {
  for (const kind of Object.keys(kinds)) {
    await t.test(name(kind), () =>
      withClient(kind, ada, true, (told) => approved(row, ada, told, `approved by ${kind}`)),
    );
  }
}

/// With the token of another.
async function theirs(t, row, joan) {
  await withClient(plain, joan, false, async (first) => {
    const token = await writing(row, first, joan);
    for (const kind of Object.keys(others)) {
      await t.test(name(kind), async () => {
        const told = new Told(kind, { url: mcp, token, elicits: true }, joan);
        try {
          await told.connect();
          await approved(row, joan, told, `approved by ${kind}`);
        } finally {
          await told.close();
        }
      });
    }
  });
}

/// A client that cannot ask a person to open something.
async function byLink(t, row, joan, grace) {
  await t.test('a client without URL mode gets the link, and calls again', () =>
    withClient(plain, joan, false, async (told) => {
      const before = await row.title();
      const waiting = await told.call('execute', { sql: row.sql, params: ['approved without URL mode'] });
      assert.equal(waiting.status, 'approval_required', JSON.stringify(waiting));
      assert.equal(await row.title(), before);
      await joan.decides(waiting.url);
      const done = await told.call('execute', { approval_id: waiting.approval_id });
      assert.equal(done.status, 'done', JSON.stringify(done));
      assert.equal(await row.title(), 'approved without URL mode');
      await assert.rejects(told.call('execute', { approval_id: waiting.approval_id }), /used/i);
    }),
  );

  await t.test('refused with a reason: nothing is written, the client hears the reason', () =>
    withClient(plain, joan, false, async (told) => {
      const marker = 'canary-parameter-never-written';
      mark('parameter', marker);
      const before = await row.title();
      const waiting = await told.call('execute', { sql: row.sql, params: [marker] });
      await joan.decides(waiting.url, { approve: false, reason: 'ask me tomorrow' });
      await assert.rejects(told.call('execute', { approval_id: waiting.approval_id }), /ask me tomorrow/);
      assert.equal(await row.title(), before);
    }),
  );

  await t.test("somebody else's browser does not see it, and cannot approve it", () =>
    withClient(plain, joan, false, async (told) => {
      const waiting = await told.call('execute', { sql: row.sql, params: ['for the eyes of joan'] });
      grace.expects(/status of 404/);
      const page = await grace.page(new URL(waiting.url).pathname);
      const text = await page.locator('body').innerText();
      assert.doesNotMatch(text, /for the eyes|reviews|UPDATE/);
      assert.equal(await page.getByRole('button', { name: /approve/i }).count(), 0);
      await page.close();
      assert.notEqual(await row.title(), 'for the eyes of joan');
    }),
  );
}

export default async function writes(t, shop, { ada, grace, joan }) {
  const second = review(shop, 90001);
  await Promise.all([
    ours(t, review(shop, 90002), ada),
    theirs(t, second, joan).then(() => byLink(t, second, joan, grace)),
  ]);
}
