// npm @modelcontextprotocol/inspector: its command line, a process for each request (MODE: legacy or modern).

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { expect, overStdio, run, stdio } from './checks.mjs';
import { handle } from './tasks.mjs';

const modules = fileURLToPath(new URL('node_modules/', import.meta.url));
const node = `${modules}node/bin/node`;
const program = `${modules}@modelcontextprotocol/inspector/clients/launcher/build/index.js`;
const modern = process.env.MODE === 'modern';

function open({ url, headers }) {
  const server = overStdio ? ['--', stdio.command, ...stdio.args] : ['--server-url', url, '--transport', 'http'];
  const header = Object.entries(headers).flatMap(([name, value]) => ['--header', `${name}: ${value}`]);
  // Without a person there is no login, and nothing is kept.
  const quiet = ['--format', 'json', '--quiet', '--stored-auth-only', '--protocol-era', process.env.MODE];
  const ask = (method, ...words) =>
    new Promise((resolve, reject) => {
      const given = [program, '--cli', ...header, ...quiet, '--method', method, ...words, ...server];
      execFile(node, given, { maxBuffer: 10_000_000 }, (_, out, errors) =>
        out ? resolve(JSON.parse(out).result) : reject(new Error(JSON.parse(errors.trim().split('\n').at(-1)).error.message)),
      );
    });
  const callTool = ({ name, arguments: given }) =>
    ask('tools/call', '--tool-name', name, '--tool-args-json', JSON.stringify(given));
  let revision;
  return {
    connect: async () => {
      revision = (await ask('initialize')).protocolVersion;
    },
    revision: () => revision,
    listTools: () => ask('tools/list'),
    listResources: () => ask('resources/list'),
    listResourceTemplates: () => ask('resources/templates/list'),
    readResource: ({ uri }) => ask('resources/read', '--uri', uri),
    listPrompts: () => ask('prompts/list'),
    getPrompt: ({ name, arguments: given }) => {
      const pairs = Object.entries(given).map(([key, value]) => `${key}=${value}`);
      return ask('prompts/get', '--prompt-name', name, ...(pairs.length ? ['--prompt-args', ...pairs] : []));
    },
    callTool,
    hidesCodes: true,
    // What was begun in a process over stdio ends with it.
    onceOnly: overStdio,
    ...tasks(callTool),
    close: () => expect(revision, 'never connected'),
  };
}

function tasks(callTool) {
  if (modern) return { tasks: { form: 'SEP-2663', waits: (sql) => callTool({ name: 'query', arguments: { sql } }) } };
  return overStdio ? {} : { tasks: { ...handle(callTool), starts: true } };
}

await run(open, modern ? '2026-07-28' : '2025-11-25');
