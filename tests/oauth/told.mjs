// A client in a process of its own, told what to do (see clients/line.mjs).

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { bodies, remember } from './evidence.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const node = (file) => [process.execPath, [join(here, file)]];
const python = (name, file = name) => [join(here, name, 'bin/python'), [join(here, name, `${file}.py`)]];

/// The SDKs with OAuth clients of their own, each with what it calls itself.
export const kinds = {
  'npm sdk 1.32.2': { program: node('sdk.mjs') },
  'npm client 2.4.0, legacy': { program: node('client.mjs'), mode: 'legacy' },
  'npm client 2.4.0, auto': { program: node('client.mjs'), mode: 'auto' },
  'PyPI mcp 1.30.0': { program: python('mcp_1') },
  'PyPI mcp 2.3.0, legacy': { program: python('mcp_2'), mode: 'legacy' },
  'PyPI mcp 2.3.0, auto': { program: python('mcp_2'), mode: 'auto' },
};

/// Those that come with a token.
export const others = {
  'PyPI fastmcp 3.4.10': { program: python('fastmcp_3', 'fast') },
  'PyPI fastmcp 4.1.2': { program: python('fastmcp_4', 'fast') },
  'PyPI langchain-mcp-adapters 0.3.2': { program: python('langchain', 'adapters') },
};

export class Told {
  #child;
  #lines;
  #errors = '';
  #ended;
  #asked;

  /// `settings`: url, redirect, and document, information or neither, or a token; elicits. `person` has open(url, redirect), which gives
  /// the address that came back, and elicited(params), which gives an action.
  constructor(kind, settings, person) {
    const { program, mode } = kinds[kind] ?? others[kind];
    const client = { name: 'pgwarden end to end', elicits: false, mode, ...settings };
    this.#asked = { person, redirect: settings.redirect };
    this.#child = spawn(program[0], program[1], {
      env: { ...process.env, CLIENT: JSON.stringify(client), PYTHONDONTWRITEBYTECODE: '1' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.stderr.on('data', (data) => (this.#errors += data));
    this.#child.stdin.on('error', () => {}); // it has ended: its lines have, too
    this.#ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /// Of the process, for those who look at what it shows.
  get pid() {
    return this.#child.pid;
  }

  #say(object) {
    this.#child.stdin.write(`${JSON.stringify(object)}\n`);
  }

  async #ask(command) {
    const { person, redirect } = this.#asked;
    this.#say(command);
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error(`the client ended: ${this.#errors.slice(-2000)}`);
      const said = JSON.parse(value);
      if (said.body) {
        bodies.push(said.body);
      } else if (said.open) {
        this.opened = said.open;
        const callback = await person.open(said.open, redirect);
        remember('authorization code', new URL(callback).searchParams.get('code'));
        this.#say({ callback });
      } else if (said.elicit) {
        this.#say({ action: await person.elicited(said.elicit) });
      } else if ('failed' in said) {
        throw Object.assign(new Error(`${said.kind}: ${said.failed}`), { status: said.status });
      } else {
        return said.done;
      }
    }
  }

  connect() {
    return this.#ask({ do: 'connect' });
  }

  tools() {
    return this.#ask({ do: 'tools' });
  }

  tokens() {
    return this.#ask({ do: 'tokens' });
  }

  stale() {
    return this.#ask({ do: 'stale' });
  }

  /// The tool's structured answer; a tool error throws with its text.
  async call(name, given) {
    const answer = await this.#ask({ do: 'call', name, arguments: given });
    const text = answer.content?.map((part) => part.text ?? '').join('\n');
    if (answer.isError) throw Object.assign(new Error(text), { tool: true });
    return answer.structuredContent ?? JSON.parse(text);
  }

  async close() {
    const timer = setTimeout(() => this.#child.kill(), 10_000);
    this.#say({ do: 'close' });
    this.#child.stdin.end();
    await this.#ended;
    clearTimeout(timer);
  }
}
