// Nothing is written before a person said so, whichever client asks.

import assert from 'node:assert/strict';

import { mark } from './evidence.mjs';
import { front } from './front.mjs';
import { Told, kinds, others } from './told.mjs';
import { loopback, mcp } from './world.mjs';

const document = 'https://client.test/client.json';
const sql = 'UPDATE shop.reviews SET title = $1 WHERE id = 90002';

const title = async (shop) => (await shop.admin('SELECT title FROM shop.reviews WHERE id = 90002'))[0].title;

async function approved(shop, person, told, text) {
  const done = await told.call('execute', { sql, params: [text] });
  const shown = await person.decided;
  assert.equal(done.status, 'done', JSON.stringify(done));
  assert.equal(await title(shop), text);
  for (const part of ['UPDATE', 'shop', 'reviews', text]) assert.ok(shown.includes(part), shown);
  assert.ok(!person.elicitation.url.includes(encodeURIComponent(text)), person.elicitation.url);
}

/// A token that may write: the client asks for more when it is refused, and the person consents again.
async function writing(told, person) {
  const waiting = await told.call('execute', { sql, params: ['not yet'] });
  await person.decides(waiting.url, { approve: false, reason: 'only to have the token' });
  return (await told.tokens()).access_token;
}

async function withClient(kind, person, elicits, work) {
  const back = await loopback();
  const told = new Told(
    kind,
    { url: mcp, redirect: `http://127.0.0.1:${back.port}/callback`, document, elicits },
    person,
  );
  try {
    await told.connect();
    await work(told);
  } finally {
    await told.close();
    back.stop();
  }
}

export default (t, shop) =>
  front(shop, async ({ ada, grace }) => {
    for (const kind of Object.keys(kinds)) {
      await t.test(`${kind}: writes what a person approved in the browser`, async () => {
        await withClient(kind, ada, true, (told) => approved(shop, ada, told, `approved by ${kind}`));
      });
    }
    await withClient('npm sdk 1.32.2', ada, false, async (first) => {
      const token = await writing(first, ada);
      for (const kind of Object.keys(others)) {
        await t.test(`${kind}: writes what a person approved in the browser`, async () => {
          const told = new Told(kind, { url: mcp, token, elicits: true }, ada);
          try {
            await told.connect();
            await approved(shop, ada, told, `approved by ${kind}`);
          } finally {
            await told.close();
          }
        });
      }
    });

    await t.test('a client without URL mode gets the link, and calls again', async () => {
      await withClient('npm sdk 1.32.2', ada, false, async (told) => {
        const before = await title(shop);
        const given = { sql, params: ['approved without URL mode'] };
        const waiting = await told.call('execute', given);
        assert.equal(waiting.status, 'approval_required', JSON.stringify(waiting));
        assert.equal(await title(shop), before);
        await ada.decides(waiting.url);
        const done = await told.call('execute', { approval_id: waiting.approval_id });
        assert.equal(done.status, 'done', JSON.stringify(done));
        assert.equal(await title(shop), 'approved without URL mode');
        await assert.rejects(told.call('execute', { approval_id: waiting.approval_id }), /used/i);
      });
    });

    await t.test('refused with a reason: nothing is written, the client hears the reason', async () => {
      await withClient('npm sdk 1.32.2', ada, false, async (told) => {
        const marker = 'canary-parameter-never-written';
        mark('parameter', marker);
        const before = await title(shop);
        const waiting = await told.call('execute', { sql, params: [marker] });
        await ada.decides(waiting.url, { approve: false, reason: 'ask me tomorrow' });
        await assert.rejects(told.call('execute', { approval_id: waiting.approval_id }), /ask me tomorrow/);
        assert.equal(await title(shop), before);
      });
    });

    await t.test("somebody else's browser does not see it, and cannot approve it", async () => {
      await withClient('npm sdk 1.32.2', ada, false, async (told) => {
        const waiting = await told.call('execute', { sql, params: ['for the eyes of ada'] });
        grace.expects(/status of 404/);
        const page = await grace.page(new URL(waiting.url).pathname);
        const text = await page.locator('body').innerText();
        assert.doesNotMatch(text, /for the eyes|reviews|UPDATE/);
        assert.equal(await page.getByRole('button', { name: /approve/i }).count(), 0);
        await page.close();
        assert.notEqual(await title(shop), 'for the eyes of ada');
      });
    });
  });
