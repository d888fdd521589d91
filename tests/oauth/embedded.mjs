// Each SDK with the embedded authorization server: from nothing to a tool's answer, then new tokens, then none.

import assert from 'node:assert/strict';

import { remember } from './evidence.mjs';
import { Told, kinds } from './told.mjs';
import { loopback, mcp } from './world.mjs';

const document = 'https://client.test/client.json';

async function keep(told) {
  const tokens = await told.tokens();
  remember('access token', tokens.access_token);
  remember('refresh token', tokens.refresh_token);
  return tokens;
}

export default async function embedded(t, shop, { ada, outside }) {
  await t.test('without a token, a challenge says where to go', async () => {
    const answer = await fetch(mcp, {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json' },
    });
    assert.equal(answer.status, 401);
    const challenge = answer.headers.get('www-authenticate');
    const metadata = challenge.match(/resource_metadata="([^"]+)"/)[1];
    const resource = await (await fetch(metadata)).json();
    assert.equal(resource.resource, mcp);
    assert.deepEqual(resource.authorization_servers, [new URL(mcp).origin]);
  });

  for (const kind of Object.keys(kinds)) {
    const back = await loopback();
    const redirect = `http://127.0.0.1:${back.port}/callback`;
    const told = new Told(kind, { url: mcp, redirect, document }, ada);
    let first;
    await t.test(`${kind}: discovers, a person logs in and consents, a tool answers`, async () => {
      await told.connect();
      const answer = await told.call('query', { sql: `SELECT body FROM shop.reviews WHERE id = 90003` });
      assert.deepEqual(answer.rows, [[shop.marker]]);
      first = await keep(told);
      assert.ok(first.refresh_token);
      assert.equal(new URL(told.opened).searchParams.get('resource'), mcp);
    });
    await t.test(`${kind}: gets new tokens without the person`, async () => {
      told.opened = undefined;
      await told.stale();
      await told.call('query', { sql: 'SELECT 1' });
      const second = await keep(told);
      assert.notEqual(second.access_token, first.access_token);
      assert.notEqual(second.refresh_token, first.refresh_token);
      assert.equal(told.opened, undefined);
    });
    await t.test(`${kind}: revoked on the account page, its tokens are worth nothing`, async () => {
      const { access_token, refresh_token } = await told.tokens();
      assert.ok((await ada.revokesAll()) >= 1);
      const headers = { authorization: `Bearer ${access_token}`, 'content-type': 'application/json' };
      const refused = await fetch(mcp, { method: 'POST', body: '{}', headers });
      assert.equal(refused.status, 401);
      assert.match(refused.headers.get('www-authenticate'), /error="invalid_token"/);
      const body = new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token,
        client_id: document,
        resource: mcp,
      });
      const token = await fetch(`${new URL(mcp).origin}/token`, { method: 'POST', body });
      assert.equal(token.status, 400);
      assert.equal((await token.json()).error, 'invalid_grant');
      // The client itself finds that out, too, and would have to ask the person again.
      told.opened = undefined;
      await told.call('query', { sql: 'SELECT 1' });
      assert.ok(told.opened);
      await keep(told);
      await ada.revokesAll();
    });
    await told.close();
    back.stop();
  }

  await t.test('the client document was fetched, and only it', () => {
    assert.ok(outside.asked.includes(document));
    const others = outside.asked.filter((url) => url !== document);
    assert.deepEqual(others, []);
  });
}
