// Stands between a client and pgwarden and keeps what both say: for clients that say little of it themselves.
//
// `record(url)` listens on HTTP before `url`, until `end()`. As a program, `recorder.mjs FILE COMMAND..` runs the command over stdio.
// Either way `said` and `answered` are JSON-RPC messages in order; over stdio they come from FILE, by `read(FILE)`.

import { spawn } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A reply in JSON, or as events. */
function messages(text) {
  const events = text.split('\n').filter((line) => line.startsWith('data:') && line.length > 6);
  const texts = events.length ? events.map((line) => line.slice(5)) : text.trim() ? [text] : [];
  return texts.map((one) => JSON.parse(one));
}

export async function record(url) {
  const said = [];
  const answered = [];
  const server = createServer(async (request, response) => {
    const { host: _, connection: __, 'content-length': ___, ...headers } = request.headers;
    let body = '';
    for await (const part of request) body += part;
    if (body) said.push(...messages(body));
    const answer = await fetch(url, { method: request.method, headers, body: body || undefined });
    const shown = Object.fromEntries([...answer.headers].filter(([name]) => name !== 'content-length'));
    response.writeHead(answer.status, shown);
    let text = '';
    for await (const part of answer.body ?? []) {
      text += Buffer.from(part).toString();
      response.write(part);
    }
    response.end();
    if (answer.ok && request.method === 'POST') answered.push(...messages(text));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const end = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}${new URL(url).pathname}`, said, answered, end };
}

export function read(file) {
  const lines = readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  const of = (wanted) => lines.filter(([who]) => who === wanted).map(([, message]) => message);
  return { said: of('client'), answered: of('server') };
}

function between(file, command) {
  const child = spawn(command[0], command.slice(1), { stdio: ['pipe', 'pipe', 'ignore'] });
  const pass = (who, from, to) => {
    const lines = createInterface({ input: from });
    lines.on('line', (line) => {
      appendFileSync(file, `${JSON.stringify([who, JSON.parse(line)])}\n`);
      to.write(`${line}\n`);
    });
    lines.on('close', () => to === child.stdin && to.end());
  };
  pass('client', process.stdin, child.stdin);
  pass('server', child.stdout, process.stdout);
  child.on('exit', () => process.exit());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) between(process.argv[2], process.argv.slice(3));
