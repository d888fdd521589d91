// After everything: where do the passwords, tokens, cookies and rows of the run stand?

import assert from 'node:assert/strict';

import { bodies, found, logs, markers, secrets } from './evidence.mjs';

export default async function canary(t, shop) {
  const everything = new Map([...secrets, ...markers]);

  await t.test('there is something to find, and it would be found', () => {
    assert.ok(secrets.size >= 10 && markers.size >= 1, `${secrets.size} secrets`);
    assert.ok(logs.map(([, text]) => text).join('').length > 100_000, 'the logs are short');
    assert.ok(bodies.length > 20, `${bodies.length} bodies`);
    const [value] = [...secrets.keys()];
    for (const form of [value, Buffer.from(value).toString('base64'), Buffer.from(value).toString('hex')]) {
      assert.deepEqual(found(secrets, `before ${form} after`), [secrets.get(value)]);
    }
  });
  await t.test('not in the logs, the arguments and the environment', () => {
    for (const [place, text] of logs) assert.deepEqual(found(everything, text), [], place);
  });
  await t.test("no secret in PostgreSQL's log, which has every statement with its parameters", () => {
    const text = shop.log();
    assert.ok(/execute .*shop\.reviews/.test(text) && /Parameters: /i.test(text), `${text.length} bytes`);
    assert.deepEqual(found(secrets, text), []);
    const lines = text.split('\n');
    const named = [...markers.values()].filter((name) => found(markers, text).includes(name));
    t.diagnostic(`PostgreSQL's log: ${lines.length} lines; values of rows and parameters in it: ${named}`);
  });
  await t.test('not in the store', async () => {
    const text = await shop.dump('store');
    assert.ok(text.length > 1000, 'the store is empty');
    assert.deepEqual(found(everything, text), []);
  });
  await t.test('not in any page or answer; rows in answers and on the pages of approvals only', () => {
    for (const { url, text } of bodies) {
      assert.deepEqual(found(secrets, text), [], url);
      if (!/\/(approvals\/|mcp$)/.test(url)) assert.deepEqual(found(markers, text), [], url);
    }
  });
}
