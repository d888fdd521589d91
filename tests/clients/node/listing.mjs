// What a command line of a vendor does with a server that a person has added: it connects, and says whether it could. More of it
// needs the vendor's model.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { check, expect, overStdio, stdio } from './checks.mjs';
import { read, record } from './recorder.mjs';

const { MCP_URL, LOGIN_URL, TOKEN, TOOLS } = process.env;
const recorder = fileURLToPath(new URL('recorder.mjs', import.meta.url));

/**
 * `client` has: `command`, the program and its first words; `prepare(home)`, which makes `home` one in which this folder is
 * trusted, and `environment`; `added(target, headers)`, the words after `mcp add` for a URL or for the words of a command;
 * `revision`, which it asks for; `lists`: it asks for the tools, too.
 */
export async function runListing(client) {
  const home = mkdtempSync(join(tmpdir(), 'pgwarden-home-'));
  client.prepare?.(home);
  const failed = [];
  const checked = (name, work) => check(name, () => work().catch((error) => Promise.reject(failed.push(error) && error)));
  try {
    await rows(client, home, checked);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
  process.exit(failed.length ? 1 : 0);
}

async function rows(client, home, checked) {
  let seen;
  await checked('connect', async () => {
    seen = await connected(client, home, MCP_URL, {});
    const revision = seen.answered.find((one) => one.result?.protocolVersion)?.result.protocolVersion;
    expect(seen.shown.includes('Connected'), seen.shown);
    expect(revision === client.revision, `negotiated ${revision}, not ${client.revision}`);
    return revision;
  });
  if (client.lists) {
    await checked('list', async () => {
      const asked = seen.said.find((one) => one.method === 'tools/list');
      const { tools } = seen.answered.find((one) => one.id === asked.id).result;
      const names = tools.map((tool) => tool.name).join(' ');
      expect(names === TOOLS, names);
      return names;
    });
  }
  await checked('close', async () => 'each process has ended');
  if (!overStdio) {
    await checked('login', async () => {
      const without = await connected(client, home, LOGIN_URL, {});
      expect(!without.shown.includes('Connected'), without.shown);
      const { shown } = await connected(client, home, LOGIN_URL, { Authorization: `Bearer ${TOKEN}` });
      expect(shown.includes('Connected'), shown);
      return 'token';
    });
  }
}

/** The server is added, asked after and removed; gives what was shown, said and answered. */
async function connected(client, home, url, headers) {
  const run = (...words) =>
    new Promise((resolve) => {
      const options = { cwd: home, env: { ...process.env, HOME: home, ...client.environment }, timeout: 60_000 };
      execFile(client.command[0], [...client.command.slice(1), 'mcp', ...words], options, (_, out, errors) =>
        resolve(`${out}${errors}`),
      );
    });
  const file = join(home, 'said');
  const between = overStdio ? undefined : await record(url);
  const command = [process.execPath, recorder, file, stdio.command, ...stdio.args];
  await run('add', ...client.added(overStdio ? command : between.url, headers));
  const shown = await run('list');
  await run('remove', '--scope', 'user', 'pgwarden');
  between?.end();
  // The word that is looked for is part of another.
  const status = shown.replaceAll('Disconnected', 'none');
  return { shown: status, ...(overStdio ? read(file) : between) };
}
