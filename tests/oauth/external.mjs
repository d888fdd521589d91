// npm oidc-provider as the provider: its access tokens for our tools, its login for our approvals.

import assert from 'node:assert/strict';

import { bodies, look, logs, remember } from './evidence.mjs';
import { policy } from './front.mjs';
import { Person } from './person.mjs';
import { client, issuer, pgwarden as ours, provider } from './provider.mjs';
import { Told } from './told.mjs';
import { loopback, mcp, pgwarden, tls } from './world.mjs';

const configuration = `
[auth]
methods = ["external"]

[auth.external.idp]
issuer = "${issuer}"
ca_file = "${tls.ca}"
claims = { role = "role" }
client_id = "${ours.id}"
client_secret_file = "secret"
`;

export default async function external(t, shop) {
  const back = await loopback();
  const redirect = `http://127.0.0.1:${back.port}/callback`;
  const idp = await provider({ ada: 'ada', grace: 'grace' }, redirect);
  remember('client secret', ours.secret);
  const files = { 'policy.toml': policy, secret: ours.secret };
  const server = await pgwarden(shop, 'external', configuration, files);
  const ada = await Person.arrives('ada-idp', 'ada', 'any password');
  try {
    for (const kind of ['npm sdk 1.32.2', 'npm client 2.4.0, auto', 'PyPI mcp 1.30.0', 'PyPI mcp 2.3.0, auto']) {
      await t.test(`${kind}: a token of the provider, and a write approved by its login`, async () => {
        const told = new Told(kind, { url: mcp, redirect, information: client, elicits: true }, ada);
        try {
          await told.connect();
          const { rows } = await told.call('query', { sql: 'SELECT count(*) FROM shop.orders' });
          assert.deepEqual(rows, [[36000]]);
          const tokens = await told.tokens();
          assert.equal(tokens.access_token.split('.').length, 3);
          remember('access token of the provider', tokens.access_token);
          const text = `approved by ${kind}, provider`;
          const sql = 'UPDATE shop.reviews SET title = $1 WHERE id = 90002';
          const done = await told.call('execute', { sql, params: [text] });
          await ada.decided;
          assert.equal(done.status, 'done', JSON.stringify(done));
          assert.equal((await shop.admin('SELECT title FROM shop.reviews WHERE id = 90002'))[0].title, text);
        } finally {
          await told.close();
        }
      });
    }
    await t.test('the provider had no faults', () => assert.deepEqual(idp.faults, []));
  } finally {
    look('pgwarden, external', server.pid);
    const [left] = await Promise.allSettled([ada.leaves()]);
    bodies.push(...ada.bodies);
    await server.stop();
    logs.push(['pgwarden, external', server.said.out + server.said.err]);
    idp.stop();
    back.stop();
    if (left.reason) throw left.reason;
  }
}
