// npm @anthropic-ai/claude-code: `claude mcp list`.

import { fileURLToPath } from 'node:url';

import { runListing } from './listing.mjs';

await runListing({
  command: [fileURLToPath(new URL('node_modules/.bin/claude', import.meta.url))],
  revision: '2025-11-25',
  lists: true,
  environment: { DISABLE_AUTOUPDATER: '1', CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1' },
  added: (target, headers) => {
    const header = Object.entries(headers).flatMap(([name, value]) => ['--header', `${name}: ${value}`]);
    const at = typeof target === 'string' ? ['--transport', 'http', 'pgwarden', target, ...header] : ['pgwarden', '--', ...target];
    return ['--scope', 'user', ...at];
  },
});
