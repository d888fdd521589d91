// What must stay secret, and everything that was said where it must not be said.

import { readFileSync } from 'node:fs';

/// Passwords, tokens, codes and cookies: in no log, no page, no table, no argument.
export const secrets = new Map();
/// Values of rows, and parameters: in answers and on pages to whom they belong, and nowhere else.
export const markers = new Map();
/// Name of a place, and what stood there.
export const logs = [];
export const bodies = [];

export function remember(name, value) {
  if (value) secrets.set(value, name);
}

export function mark(name, value) {
  markers.set(value, name);
}

/// The arguments and the environment that others on this machine could look at.
export function look(name, pid) {
  const read = (file) => readFileSync(`/proc/${pid}/${file}`, 'utf8').replaceAll('\0', ' ');
  logs.push([`${name}, arguments`, read('cmdline')], [`${name}, environment`, read('environ')]);
}

/// Which of `values` stand in `text`, also as URLs, base64 and hexadecimal digits have them.
export function found(values, text) {
  const hits = [];
  for (const [value, name] of values) {
    const bytes = Buffer.from(value);
    const forms = [
      value,
      encodeURIComponent(value),
      bytes.toString('hex'),
      bytes.toString('base64').replace(/=+$/, ''),
    ];
    if (forms.some((form) => text.includes(form))) hits.push(name);
  }
  return hits;
}
