// How well-known clients name themselves and where they want to be called back; and those who only say that they are.

import assert from 'node:assert/strict';

import { known } from './front.mjs';
import { Told } from './told.mjs';
import { loopback, mcp, origin } from './world.mjs';

const kind = 'npm sdk 1.32.2';
const code = 'https://claude.ai/oauth/claude-code-client-metadata';
const vscode = 'https://vscode.dev/oauth/client-metadata.json';

const askFor = (client, redirect, more = {}) => {
  const parameters = {
    response_type: 'code',
    client_id: client,
    redirect_uri: redirect,
    state: 's',
    scope: 'read',
    resource: mcp,
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    ...more,
  };
  return `${origin}/authorize?${new URLSearchParams(parameters)}`;
};

async function works(t, person, name, settings, listener) {
  await t.test(name, async () => {
    const told = new Told(kind, { url: mcp, ...settings }, person);
    try {
      await told.connect();
      assert.deepEqual((await told.call('query', { sql: 'SELECT 1 AS one' })).rows, [[1]]);
    } finally {
      await told.close();
      listener?.stop();
    }
  });
}

export default async function quirks(t, _, { ada, grace, outside }) {
  for (const host of ['localhost', '127.0.0.1']) {
    const port = await loopback(0, host);
    const redirect = `http://${host}:${port.port}/callback`;
    await works(t, ada, `Claude Code: a port of its own on ${host}`, { document: code, redirect }, port);
  }
  const claude = { document: 'https://claude.ai/oauth/mcp-oauth-client-metadata' };
  await works(t, ada, 'Claude', { ...claude, redirect: 'https://claude.ai/api/mcp/auth_callback' });
  const chatgpt = { document: 'https://chatgpt.com/oauth/XYZ/client.json' };
  await works(t, ada, 'ChatGPT: a callback for each connector', {
    ...chatgpt,
    redirect: 'https://chatgpt.com/connector/oauth/XYZ',
  });
  const fixed = await loopback(33418);
  await works(t, ada, 'VS Code: its fixed port', { document: vscode, redirect: 'http://127.0.0.1:33418' }, fixed);
  await works(t, ada, 'VS Code: its redirect on the web', {
    document: vscode,
    redirect: 'https://vscode.dev/redirect',
  });
  const gemini = { information: { client_id: known.gemini }, redirect: 'http://localhost:7777/oauth/callback' };
  await works(t, ada, 'Gemini CLI: known beforehand', gemini, await loopback(7777, 'localhost'));
  const registers = await loopback(0, 'localhost');
  const itself = { redirect: `http://localhost:${registers.port}/oauth/callback` };
  await works(t, ada, 'Gemini CLI: registers itself, where that is on', itself, registers);

  // From here on, a person who has not logged in yet.
  grace.expects(/status of 40[03]/);
  const unseen = 'https://chatgpt.com/oauth/ABC/client.json';
  const other = askFor(unseen, 'https://chatgpt.com/connector/oauth/ABC');
  await t.test('no document is fetched before the login', async () => {
    const page = await grace.fresh(other);
    assert.equal(new URL(page.url()).origin, origin);
    assert.ok(!outside.asked.includes(unseen), String(outside.asked));
    await page.close();
  });
  const refused = {
    'a host that nobody trusts': askFor('https://evil.test/client.json', 'https://evil.test/callback'),
    'a document of the right host, and a redirect of another': askFor(
      chatgpt.document,
      'https://evil.test/callback',
    ),
    "another connector's callback": askFor(chatgpt.document, 'https://chatgpt.com/connector/oauth/ABC'),
    'another path on loopback': askFor(code, 'http://127.0.0.1:9/other'),
    'another port where the port is part of it': askFor(known.gemini, 'http://localhost:7777/oauth/callback/x'),
  };
  for (const [name, url] of Object.entries(refused)) {
    await t.test(`refused on a page of ours: ${name}`, async () => {
      await assert.rejects(grace.open(url, 'https://evil.test/'));
      assert.ok(!outside.asked.some((asked) => asked.startsWith('https://evil.test')), String(outside.asked));
      assert.doesNotMatch(grace.said, /allow/i);
    });
  }
  await t.test('after the login it is', async () => {
    await grace.open(other, 'https://chatgpt.com/connector/oauth/ABC');
    assert.ok(outside.asked.includes(unseen), String(outside.asked));
  });
  // Where a client is known only by its document, nothing is redirected before the login, errors neither.
  const plain = { code_challenge_method: 'plain' };
  await t.test('plain PKCE of a client with a document: refused on a page of ours', async () => {
    await assert.rejects(grace.open(askFor(code, 'http://127.0.0.1:9/callback', plain), 'http://127.0.0.1'));
    assert.match(grace.said, /S256/);
  });
  await t.test('plain PKCE of a client that is known beforehand: its error, with this issuer', async () => {
    const back = await loopback();
    const redirect = `http://127.0.0.1:${back.port}/callback`;
    try {
      const answer = new URL(await grace.open(askFor(known.suite, redirect, plain), redirect));
      assert.equal(answer.searchParams.get('error'), 'invalid_request');
      assert.equal(answer.searchParams.get('iss'), origin);
      assert.equal(answer.searchParams.get('code'), null);
    } finally {
      back.stop();
    }
  });
}
