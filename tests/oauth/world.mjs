// The processes behind the checks: PostgreSQL with the sample shop, pgwarden over HTTPS, and the hosts of the namespace.

import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import pg from 'pg';

const { WORK, PROGRAM, PUBLIC } = process.env;
export const tls = {
  ca: join(WORK, 'tls/ca.pem'),
  cert: join(WORK, 'tls/chain.pem'),
  key: join(WORK, 'tls/key.pem'),
  spki: readFileSync(join(WORK, 'tls/spki'), 'utf8').trim(),
};
export const origin = 'https://db.test';
export const mcp = `${origin}/mcp`;

/// A program with what it says; `until` is a pattern of its output that means it is ready.
async function started(name, args, until) {
  // All that anybody could ask to be logged: secrets must not be in it either.
  const env = { ...process.env, NO_COLOR: '1', PGWARDEN_LOG: 'trace' };
  const child = spawn(PROGRAM, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (data) => (said.out += data));
  child.stderr.setEncoding('utf8').on('data', (data) => (said.err += data));
  const process_ = {
    pid: child.pid,
    said,
    stop: async () => {
      if (child.exitCode !== null) return;
      child.kill('SIGTERM');
      await new Promise((resolve) => child.once('exit', resolve));
    },
  };
  for (let tries = 0; tries < 1800; tries += 1) {
    if (until.test(said.out) || until.test(said.err)) return process_;
    if (child.exitCode !== null) break;
    await sleep(100);
  }
  await process_.stop();
  throw new Error(`${name} did not start:\n${said.out}${said.err}`);
}

/// The sample shop, and `admin(sql, values)` as its superuser. Roles log in by password there, as they do elsewhere.
export async function database() {
  const demo = await started('pgwarden demo', ['demo', '--listen', '127.0.0.1:0', '--corner'], /^Claude Code/m);
  const url = demo.said.out.match(/--database '?(postgres[^' \n]*)/)[1];
  const socket = new URL(url.replace(/^postgres(ql)?:\/\/[^?]*/, 'http://x'));
  const host = socket.searchParams.get('host');
  const port = Number(socket.searchParams.get('port') ?? 5432);
  const pool = new pg.Pool({ host, port, user: 'postgres', database: 'shop', max: 2 });
  pool.on('error', () => {});
  const admin = async (sql, values) => (await pool.query(sql, values)).rows;
  const [{ file }] = await admin("SELECT current_setting('hba_file') AS file");
  const rules = ['local all postgres,pgwarden_demo trust', 'local all all scram-sha-256'];
  await admin(`COPY (SELECT unnest(ARRAY['${rules.join("','")}'])) TO '${file}'`);
  await admin('SELECT pg_reload_conf()');
  return {
    url,
    admin,
    /// From now on, PostgreSQL writes every statement and its parameters into its log.
    logsEverything: async () => {
      await admin("ALTER SYSTEM SET log_statement = 'all'");
      await admin('ALTER SYSTEM SET log_connections = on');
      await admin('SELECT pg_reload_conf()');
    },
    log: () => readFileSync(join(host, 'server.log'), 'utf8'),
    /// Every row of every table of a database, bytes in hexadecimal.
    dump: async (name) => {
      const client = new pg.Client({ host, port, user: 'postgres', database: name });
      await client.connect();
      const named =
        "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = 'pgwarden'";
      let text = '';
      for (const table of (await client.query(named)).rows) {
        const { rows } = await client.query(`SELECT t::text AS row FROM ${table.name} t`);
        text += `${table.name}\n${rows.map(({ row }) => row).join('\n')}\n`;
      }
      await client.end();
      return text;
    },
    stop: async () => {
      await pool.end();
      await demo.stop();
    },
  };
}

/// pgwarden at https://db.test with this configuration, besides its listening.
export async function pgwarden(database, name, configuration, files = {}) {
  const folder = join(WORK, name);
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text, { mode: 0o600 });
  const server = `[server]\nlisten = "127.0.0.1:443"\npublic_url = "${origin}"\n
[server.tls]\ncert_file = "${tls.cert}"\nkey_file = "${tls.key}"\n`;
  const entry = `[databases.shop]\nurl = "${database.url}"\nsearch_path = ["shop", "staff", "app"]\npolicy = "policy.toml"\n`;
  writeFileSync(join(folder, 'pgwarden.toml'), `${server}\n${configuration}\n${entry}`);
  return await started('pgwarden', ['serve', '--config', join(folder, 'pgwarden.toml')], /listening on/);
}

/// What a redirect to a loopback port finds there.
export async function loopback(port = 0, host = '127.0.0.1') {
  const server = http.createServer((_, response) => response.end('You may close this page.'));
  await new Promise((resolve) => server.listen(port, host, resolve));
  return { port: server.address().port, stop: () => server.close() };
}

/// The public hosts: `documents` by their URL, and an empty page elsewhere. `asked` is every URL that was asked for.
export async function hosts(documents) {
  const asked = [];
  const options = { cert: readFileSync(tls.cert), key: readFileSync(tls.key) };
  const server = https.createServer(options, (request, response) => {
    const url = `https://${request.headers.host}${request.url}`;
    asked.push(url);
    const document = documents[url];
    response.writeHead(200, { 'content-type': document ? 'application/json' : 'text/html; charset=utf-8' });
    response.end(
      document
        ? JSON.stringify(document)
        : '<!doctype html><html lang="en"><title>Done</title><link rel="icon" href="data:,">You may close this page.',
    );
  });
  await new Promise((resolve) => server.listen(443, PUBLIC, resolve));
  return { asked, stop: () => server.close() };
}
