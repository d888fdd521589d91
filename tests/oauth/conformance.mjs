// The conformance suite's scenarios for authorization servers. It names a page for somebody to open; here somebody does.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { known } from './front.mjs';
import { mcp, origin } from './world.mjs';

const suite = join(
  dirname(fileURLToPath(import.meta.url)),
  'node_modules/@modelcontextprotocol/conformance/dist/index.js',
);
const port = 4711;

async function scenarios(person) {
  const what = [
    'authorization',
    '--url',
    origin,
    '--client-id',
    known.suite,
    '--resource',
    mcp,
    '--port',
    String(port),
  ];
  const child = spawn(process.execPath, [suite, ...what], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  let opened;
  const hear = (data) => {
    said += data;
    const page = said.match(/^(https:\/\/\S+\/authorize\?\S+)\s/m);
    if (page && !opened) opened = person.open(page[1], `http://127.0.0.1:${port}/callback`);
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const status = await new Promise((resolve) => child.once('exit', resolve));
  await opened;
  return { said, status };
}

export default (t, _, { ada }) =>
  t.test('authorization-server-metadata-endpoint, authorization-code-grant', async () => {
    const { said, status } = await scenarios(ada);
    assert.match(said, /authorization-server-metadata-endpoint: 2 passed, 0 failed/);
    assert.match(said, /authorization-code-grant: 1 passed, 0 failed/);
    assert.equal(status, 0, said);
  });
