// The parts, over one database. PARTS names some of them. Those of a line wait for each other; the agent, which mostly waits
// for a person who never comes, does so beside the first line, in which nothing is written either.

import { after, before, test } from 'node:test';

import { front, people } from './front.mjs';
import { database } from './world.mjs';

const FRONT = [[['embedded', 'quirks', 'conformance'], ['agent']], [['writes']]];
const AFTER = ['external', 'canary'];
const parts = [...FRONT.flat(2), ...AFTER];
const wanted = (process.env.PARTS || parts.join(' ')).split(' ');
const unknown = wanted.filter((part) => !parts.includes(part));
if (unknown.length > 0) throw new Error(`there is no part ${unknown}; there are ${parts}`);
const timeout = 900_000;

let shop;
before(async () => {
  shop = await database();
  await people(shop);
  await shop.logsEverything();
});
after(() => shop?.stop());

const is = (name) => wanted.includes(name);
const load = async (name) => (await import(`./${name}.mjs`)).default;

if (FRONT.flat(2).some(is)) {
  test('front', { timeout, concurrency: true }, async (t) => {
    const house = await front(shop);
    const line = async (names) => {
      for (const name of names.filter(is)) {
        const part = await load(name);
        await t.test(name, { timeout, concurrency: true }, (inner) => part(inner, shop, house));
      }
    };
    try {
      for (const lines of FRONT) await Promise.all(lines.map(line));
    } finally {
      await house.leave();
    }
  });
}

for (const name of AFTER.filter(is)) {
  const part = await load(name);
  test(name, { timeout }, (t) => part(t, shop));
}
