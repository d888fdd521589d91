// A client of a real pgwarden that shows the pages of MCP Apps: the specification's own bridge in a window, and the page in
// a frame without an origin, or as large clients have it: in a frame within a frame of another origin, under the policy
// that the page's resource asks for.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { buildSync } from 'esbuild';

import { launch } from './browser.mjs';
import { listening, started } from './house.mjs';

const EXTENSION = 'io.modelcontextprotocol/ui';
const MIME_TYPE = 'text/html;profile=mcp-app';
const HOST = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Host</title>
<link rel="icon" href="data:,"><style>body { margin: 0 } main > iframe { border: 0; width: 100%; display: block }</style>
<main></main><script type="module" src="/host.mjs"></script>`;
const PROXY = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Sandbox</title>
<style>html, body, iframe { margin: 0; border: 0; width: 100%; height: 100%; display: block }</style>
<body><script type="module" src="/proxy.mjs"></script>`;
/// What the specification has clients send where a page names no domain.
const POLICY = `default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;
  media-src 'self' data:; connect-src 'none'; frame-src 'none'; object-src 'none'; base-uri 'none'`.replaceAll('\n', ' ');

const bundled = (name) =>
  buildSync({ entryPoints: [new URL(name, import.meta.url).pathname], bundle: true, format: 'esm', write: false }).outputFiles[0].text;

/// Serves a document at `/` and a script beside it.
async function site(html, script, headers = {}) {
  const text = bundled(script);
  const server = createServer((request, response) => {
    const isScript = request.url.endsWith('.mjs');
    response.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html; charset=utf-8', ...headers });
    response.end(isScript ? text : html);
  });
  const origin = `http://127.0.0.1:${await listening(server)}`;
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { origin, stop };
}

export class ShowingClient {
  #last = 0;
  #mcp;
  #sites = [];
  tools = {};
  /// Of each tool that has a page, its document and `_meta.ui`.
  pages = {};

  /// `server` was `started` and has said its address.
  static async of(server) {
    const client = new ShowingClient();
    client.#mcp = (server.said.out + server.said.err).match(/http:\/\/127\.0\.0\.1:\d+\/mcp/)[0];
    for (const tool of (await client.#ask('tools/list', {})).tools) {
      client.tools[tool.name] = tool;
      const uri = tool._meta?.ui?.resourceUri;
      if (!uri) continue;
      const [{ text, _meta }] = (await client.#ask('resources/read', { uri }, uri)).contents;
      client.pages[tool.name] = { html: text, ...(_meta?.ui ?? {}) };
    }
    client.#sites = [await site(HOST, 'bridge.host.mjs'), await site(PROXY, 'bridge.proxy.mjs', { 'content-security-policy': POLICY })];
    return client;
  }

  get origin() {
    return this.#sites[0].origin;
  }

  stop() {
    for (const { stop } of this.#sites) stop();
  }

  async #ask(method, params, name) {
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'apps', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': { extensions: { [EXTENSION]: { mimeTypes: [MIME_TYPE] } } },
    };
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(name && { 'mcp-name': name }),
    };
    const body = JSON.stringify({ jsonrpc: '2.0', id: (this.#last += 1), method, params: { ...params, _meta } });
    const response = await fetch(this.#mcp, { method: 'POST', headers, body });
    const text = await response.text();
    const line = text.split('\n').findLast((part) => part.startsWith('data:'));
    const answer = JSON.parse(line ? line.slice(5) : text);
    assert.ok(answer.result, text);
    return answer.result;
  }

  call({ name, arguments: args }) {
    return this.#ask('tools/call', { name, arguments: args }, name);
  }

  /// A host that shows this result of this tool, and the page within it. `proxied`: in the frame of another origin;
  /// `permitted`: with the permissions that the page asks for; `calls`: who answers the page's own calls.
  async shown(browser, name, args, result, { proxied = false, permitted = false, calls, ...more } = {}) {
    const page = await browser.page(this.origin);
    await page.waitForFunction(() => globalThis.show);
    await page.exposeFunction('callTool', calls ?? ((call) => this.call(call)));
    const { html, permissions } = this.pages[name];
    const given = { html, tool: this.tools[name], args, result, permissions: permitted ? permissions : undefined, ...more };
    if (proxied) given.proxy = this.#sites[1].origin;
    await page.evaluate((all) => globalThis.show(all), given);
    const frame = page.frameLocator('#app');
    return { page, app: proxied ? frame.frameLocator('iframe') : frame, frame: page.frames().at(-1) };
  }

  async queried(browser, sql, more) {
    const args = { sql, ...more?.args };
    return this.shown(browser, 'query', args, await this.call({ name: 'query', arguments: args }), more);
  }

  async explained(browser, args, more) {
    return this.shown(browser, 'explain', args, await this.call({ name: 'explain', arguments: args }), more);
  }
}

/// Closed even where the test fails; closed by the test, it tells faults.
export async function opened(t, options) {
  const browser = await launch(options);
  t.after(() => browser.context.close());
  return browser;
}

export const cells = (app, column) => app.locator(`tbody td:nth-child(${column})`).allTextContents();

/// A result of `query` as the server would give it.
export const made = (columns, rows, more = {}) => {
  const answer = { columns: columns.map(([name, type]) => ({ name, type })), rows, ...more };
  return { content: [{ type: 'text', text: JSON.stringify(answer) }], structuredContent: answer };
};

const POLICY_FILE = `version = 1
include = []
explain_analyze = true

[[allow]]
select = ["shop.*"]
`;

/// pgwarden over the demo's database, served twice: as `shop` and as `copy`. `more` is for its configuration.
export async function servedTwice(demo, more = '') {
  const url = demo.said.out.match(/--database '?(postgres[^' \n]*)/)[1];
  const folder = mkdtempSync(join(tmpdir(), 'pgwarden-apps-'));
  const databases = ['shop', 'copy'].map((name) => `[databases.${name}]\nurl = "${url}"\npolicy = "policy.toml"\n`);
  writeFileSync(join(folder, 'policy.toml'), POLICY_FILE);
  writeFileSync(join(folder, 'pgwarden.toml'), `[server]\ncontrol_directory = "${folder}/control"\n${more}\n${databases.join('\n')}`);
  const server = await started(['serve', '--listen', '127.0.0.1:0', '--config', join(folder, 'pgwarden.toml')], /listening on/);
  const stop = async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return { said: server.said, stop };
}
