// pgwarden with its own authorization server over the sample shop, and a client that a person can let in.

import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import pg from 'pg';

const { PROGRAM } = process.env;
export const password = `canary-${randomBytes(12).toString('hex')}`;

const policy = `version = 1
include = []

[[allow]]
select = ["shop.*"]

[[allow]]
update = ["shop.reviews.title"]

[writes]
approval = "requester"
rows = 10
`;

export async function started(args, until) {
  const child = spawn(PROGRAM, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1' } });
  const said = { out: '', err: '' };
  child.stdout.on('data', (data) => (said.out += data));
  child.stderr.on('data', (data) => (said.err += data));
  const stop = async () => {
    if (child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  };
  for (let tries = 0; tries < 1800; tries += 1) {
    if (until.test(said.out + said.err)) return { said, stop };
    if (child.exitCode !== null) break;
    await sleep(100);
  }
  await stop();
  throw new Error(`pgwarden ${args[0]} did not start:\n${said.out}${said.err}`);
}

/// Listens on a free port of loopback.
export async function listening(server) {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server.address().port;
}

async function freePort() {
  const server = createServer();
  const port = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/// The roles `ada` and `grace`, who log in by `password`.
export async function database() {
  const demo = await started(['demo', '--listen', '127.0.0.1:0'], /^Claude Code/m);
  const url = demo.said.out.match(/--database '?(postgres[^' \n]*)/)[1];
  const socket = new URL(url.replace(/^postgres(ql)?:\/\/[^?]*/, 'http://x'));
  const [host, port] = [socket.searchParams.get('host'), Number(socket.searchParams.get('port') ?? 5432)];
  const admin = new pg.Pool({ host, port, user: 'postgres', database: 'shop', max: 1 });
  admin.on('error', () => {});
  const [{ file }] = (await admin.query("SELECT current_setting('hba_file') AS file")).rows;
  const rules = ['local all postgres,pgwarden_demo trust', 'local all all scram-sha-256'];
  await admin.query(`COPY (SELECT unnest(ARRAY['${rules.join("','")}'])) TO '${file}'`);
  await admin.query('SELECT pg_reload_conf()');
  for (const role of ['ada', 'grace']) {
    await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD '${password}'`);
    await admin.query(`GRANT CONNECT ON DATABASE shop TO ${role}`);
  }
  await admin.query('GRANT UPDATE (title) ON shop.reviews TO pgwarden_demo');
  return {
    url,
    query: (sql) => admin.query(sql),
    title: async () => (await admin.query('SELECT title FROM shop.reviews WHERE id = 90002')).rows[0].title,
    stop: async () => {
      await admin.end();
      await demo.stop();
    },
  };
}

export async function house() {
  const shop = await database();
  const folder = mkdtempSync(join(tmpdir(), 'pgwarden-pages-'));
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const icon = '<!doctype html><html lang="en"><title>Done</title><link rel="icon" href="data:,">You may close this page.';
  const client = createServer((_, response) => response.end(icon));
  const redirect = `http://127.0.0.1:${await listening(client)}/callback`;
  writeFileSync(join(folder, 'policy.toml'), policy);
  writeFileSync(
    join(folder, 'pgwarden.toml'),
    `[server]\nlisten = "127.0.0.1:${port}"\npublic_url = "${origin}"\n
[tools]\nsearch_and_fetch = true\n
[auth.embedded]\nscopes = ["read", "write"]\n
[[auth.embedded.clients]]\nid = "app"\nname = "The App"\nredirect_uris = ["${redirect}"]\n
[databases.shop]\nurl = "${shop.url}"\nsearch_path = ["shop"]\npolicy = "policy.toml"\n
[[databases.shop.documents]]\nname = "reviews"\nrelation = "shop.reviews"\nid = ["id"]\ntitle = "title"\ntext = ["body"]\n`,
  );
  const server = await started(['serve', '--config', join(folder, 'pgwarden.toml')], /listening on/);
  return {
    origin,
    redirect,
    said: server.said,
    title: shop.title,
    stop: async () => {
      await server.stop();
      await shop.stop();
      client.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/// What a client does: asks, and exchanges the code that it got.
export class Client {
  #verifier = randomBytes(32).toString('base64url');

  constructor(house) {
    this.house = house;
  }

  get url() {
    const { origin, redirect } = this.house;
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: 'app',
      redirect_uri: redirect,
      scope: 'read write',
      state: 'state-1',
      code_challenge: createHash('sha256').update(this.#verifier).digest('base64url'),
      code_challenge_method: 'S256',
      resource: `${origin}/mcp`,
    });
    return `${origin}/authorize?${query}`;
  }

  /// `answer` is where the browser came to.
  async exchange(answer) {
    const body = new URLSearchParams({
      grant_type: 'authorization_code',
      code: new URL(answer).searchParams.get('code'),
      redirect_uri: this.house.redirect,
      client_id: 'app',
      code_verifier: this.#verifier,
    });
    const response = await fetch(`${this.house.origin}/token`, { method: 'POST', body });
    const tokens = await response.json();
    if (!response.ok) throw new Error(JSON.stringify(tokens));
    this.token = tokens.access_token;
  }

  async call(name, args) {
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'pages', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    const response = await fetch(`${this.house.origin}/mcp`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${this.token}`,
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/call',
        'mcp-name': name,
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args, _meta } }),
    });
    const text = await response.text();
    this.status = response.status;
    const line = text.split('\n').findLast((part) => part.startsWith('data:'));
    const answer = text ? JSON.parse(line ? line.slice(5) : text) : {};
    return answer.result?.structuredContent ?? answer.result ?? answer;
  }
}
