// npm @google/gemini-cli: `gemini mcp list` in a folder that is trusted.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { runListing } from './listing.mjs';

const modules = fileURLToPath(new URL('node_modules/', import.meta.url));

await runListing({
  command: [`${modules}node/bin/node`, `${modules}@google/gemini-cli/bundle/gemini.js`],
  revision: '2025-06-18',
  prepare: (home) => {
    mkdirSync(join(home, '.gemini'));
    writeFileSync(join(home, '.gemini/trustedFolders.json'), JSON.stringify({ [home]: 'TRUST_FOLDER' }));
  },
  added: (target, headers) => {
    const header = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
    const at = typeof target === 'string' ? ['--transport', 'http', ...header, 'pgwarden', target] : ['pgwarden', ...target];
    return ['--scope', 'user', ...at];
  },
});
