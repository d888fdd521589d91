// pgwarden with its own authorization server and a store in PostgreSQL, people who have roles, and clients' documents.

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import { bodies, look, logs, mark, remember } from './evidence.mjs';
import { Person } from './person.mjs';
import { hosts, origin, pgwarden, tls } from './world.mjs';

export const policy = `version = 1
include = []
description = "the shop, for the checks of the front door"

[[allow]]
select = ["shop.*", "staff.departments", "staff.employees", "corner.instructions", "corner.advices", "corner.odd_text",
  "corner.graffiti"]

[[allow]]
update = ["shop.reviews.helpful_votes", "shop.reviews.title"]

[[allow]]
insert = ["corner.graffiti.wall"]

[[deny]]
select = ["shop.customers.password_hash", "shop.customers.tax_number", "shop.payments.processor_token",
  "staff.employees.ssn", "staff.employees.salary", "staff.employees.bank_account"]

[writes]
approval = "requester"
rows = 10
`;

/// Redirects to programs of this machine: port and host are the program's to choose.
export const documents = {
  'https://client.test/client.json': {
    client_id: 'https://client.test/client.json',
    client_name: 'End to end',
    redirect_uris: ['http://127.0.0.1/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  },
  'https://claude.ai/oauth/claude-code-client-metadata': {
    client_id: 'https://claude.ai/oauth/claude-code-client-metadata',
    client_name: 'Claude Code',
    redirect_uris: ['http://localhost/callback', 'http://127.0.0.1/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  },
  'https://claude.ai/oauth/mcp-oauth-client-metadata': {
    client_id: 'https://claude.ai/oauth/mcp-oauth-client-metadata',
    client_name: 'Claude',
    redirect_uris: ['https://claude.ai/api/mcp/auth_callback'],
    token_endpoint_auth_method: 'none',
  },
  'https://chatgpt.com/oauth/XYZ/client.json': {
    client_id: 'https://chatgpt.com/oauth/XYZ/client.json',
    client_name: 'ChatGPT',
    redirect_uris: ['https://chatgpt.com/connector/oauth/XYZ'],
    token_endpoint_auth_method: 'none',
  },
  'https://chatgpt.com/oauth/ABC/client.json': {
    client_id: 'https://chatgpt.com/oauth/ABC/client.json',
    client_name: 'ChatGPT',
    redirect_uris: ['https://chatgpt.com/connector/oauth/ABC'],
    token_endpoint_auth_method: 'none',
  },
  'https://vscode.dev/oauth/client-metadata.json': {
    client_id: 'https://vscode.dev/oauth/client-metadata.json',
    client_name: 'Visual Studio Code',
    redirect_uris: ['http://127.0.0.1:33418', 'http://127.0.0.1:33418/', 'https://vscode.dev/redirect'],
    token_endpoint_auth_method: 'none',
  },
  'https://evil.test/client.json': {
    client_id: 'https://evil.test/client.json',
    client_name: 'Claude',
    redirect_uris: ['https://evil.test/callback'],
    token_endpoint_auth_method: 'none',
  },
};

/// Gemini CLI is known beforehand; the conformance suite calls back to a port that it is given.
export const known = { gemini: 'gemini-cli', suite: 'conformance' };
const trusted = ['client.test', 'chatgpt.com', 'claude.ai', 'claude.com', 'vscode.dev'];

const configuration = (store, key) => `
[auth]
methods = ["embedded"]

[auth.embedded]
database = "shop"
trusted_hosts = [${trusted.map((host) => `"${host}"`).join(', ')}]
registration = true
ca_file = "${tls.ca}"

[[auth.embedded.clients]]
id = "${known.gemini}"
name = "Gemini CLI"
redirect_uris = ["http://localhost:7777/oauth/callback"]

[[auth.embedded.clients]]
id = "${known.suite}"
name = "Conformance suite"
redirect_uris = ["http://127.0.0.1/callback"]

[store]
url = "${store}"
key_file = "${key}"
`;

/// Makes roles with passwords that nobody else has.
export async function people(shop) {
  shop.people = {};
  for (const name of ['ada', 'grace', 'joan']) {
    const password = `canary-${randomBytes(12).toString('hex')}`;
    remember(`password of ${name}`, password);
    await shop.admin(`CREATE ROLE ${name} LOGIN PASSWORD '${password}'`);
    await shop.admin(`GRANT CONNECT ON DATABASE shop TO ${name}`);
    shop.people[name] = password;
  }
  await shop.admin('GRANT UPDATE (helpful_votes, title) ON shop.reviews TO pgwarden_demo');
  const marker = `canary-row-${randomBytes(8).toString('hex')}`;
  mark('row marker', marker);
  await shop.admin('UPDATE shop.reviews SET body = $1 WHERE id = 90003', [marker]);
  shop.marker = marker;
}

/// A database of its own for what is kept between requests.
async function store(shop) {
  await shop.admin("CREATE ROLE keeper LOGIN PASSWORD 'keeper'");
  await shop.admin('CREATE DATABASE store OWNER keeper');
  const url = shop.url.replace('pgwarden_demo@', 'keeper:keeper@').replace('/shop?', '/store?');
  const key = join(process.env.WORK, 'store-key');
  execFileSync('sh', ['-c', `openssl rand -hex 32 >'${key}' && chmod 600 '${key}'`]);
  execFileSync(process.env.PROGRAM, ['migrate', '--store', url], { stdio: 'pipe' });
  return { url, key };
}

/// { server, outside, ada, grace, joan, leave } for the parts that share them; after `leave`, what they saw is evidence.
export async function front(shop) {
  const { url, key } = await store(shop);
  const outside = await hosts(documents);
  const files = { 'policy.toml': policy };
  const [server, ...persons] = await Promise.all([
    pgwarden(shop, 'front', configuration(url, key), files),
    ...Object.entries(shop.people).map(([name, password]) => Person.arrives(name, name, password)),
  ]);
  const leave = async () => {
    look('pgwarden', server.pid);
    for (const person of persons) {
      for (const cookie of await person.cookies()) remember(`cookie of ${person.name}`, cookie.value);
    }
    const left = await Promise.allSettled(persons.map((person) => person.leaves()));
    for (const person of persons) bodies.push(...person.bodies);
    outside.stop();
    await server.stop();
    logs.push(['pgwarden, output', server.said.out], ['pgwarden, errors', server.said.err]);
    for (const { reason } of left) if (reason) throw reason;
  };
  return { server, outside, leave, ...Object.fromEntries(persons.map((person) => [person.name, person])) };
}
