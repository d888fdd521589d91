// The parts in their order, over one database. PARTS names some of them.

import { after, before, test } from 'node:test';

import { database } from './world.mjs';

const ORDER = ['embedded', 'quirks', 'writes', 'agent', 'conformance', 'external', 'canary'];
const wanted = (process.env.PARTS || ORDER.join(' ')).split(' ');
const unknown = wanted.filter((part) => !ORDER.includes(part));
if (unknown.length > 0) throw new Error(`there is no part ${unknown}; there are ${ORDER}`);

let shop;
before(async () => {
  shop = await database();
});
after(() => shop?.stop());

for (const name of ORDER.filter((part) => wanted.includes(part))) {
  const { default: part } = await import(`./${name}.mjs`);
  test(name, { timeout: 300_000 }, (t) => part(t, shop));
}
