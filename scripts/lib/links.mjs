// Makes the symbolic links that an npm package cannot carry: node links.mjs LIST FOLDER
// LIST is JSON: [{"source": "native/lib/libpq.so.5.17", "target": "native/lib/libpq.so.5"}, ..], within FOLDER.

import { mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { dirname, relative, resolve, sep } from "node:path";

const [list, folder] = process.argv.slice(2);
const root = resolve(folder) + sep;

const inside = (path) => {
  const whole = resolve(root, path);
  if (!whole.startsWith(root)) throw new Error(`\`${path}\` leaves the package`);
  return whole;
};

for (const { source, target } of JSON.parse(readFileSync(list, "utf8"))) {
  const link = inside(target);
  mkdirSync(dirname(link), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(relative(dirname(link), inside(source)), link);
}
