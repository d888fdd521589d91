// Elements, and text that is to be seen as it is. Text becomes text nodes: no string is ever read as HTML.

const byId = (id) => document.getElementById(id);

/// `{ class: 'x', onclick: f, 'aria-label': 'y' }`, then children: nodes or strings.
function element(name, attributes = {}, ...children) {
  return furnished(document.createElement(name), attributes, children);
}

function drawn(name, attributes = {}, ...children) {
  return furnished(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children);
}

function furnished(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'function') node.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) node.setAttribute(key, value === true ? '' : value);
  }
  node.append(...children);
  return node;
}

const INVISIBLE =
  /[\p{Cc}\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;

/// Writes out what nobody would see and what turns text around; with `lines`, line ends and tabs stay.
function visible(text, lines = false) {
  return text.replace(INVISIBLE, (c) => {
    if (c === '\n' || c === '\t') return lines ? c : c === '\n' ? '\\n' : '\\t';
    return `\\u{${c.codePointAt(0).toString(16)}}`;
  });
}

/// The first `most` characters, and whether that is all.
function beginning(text, most) {
  if (text.length <= most) return [text, true];
  const end = /[\ud800-\udbff]/.test(text[most - 1]) ? most - 1 : most;
  return [text.slice(0, end), false];
}

function say(words, wrong = false) {
  const place = byId('said');
  place.textContent = visible(words, true);
  place.classList.toggle('wrong', wrong);
}

/// The text of a result, for what is no rows or no plan.
function textOf(result) {
  const blocks = Array.isArray(result.content) ? result.content : [];
  return blocks.flatMap(({ type, text }) => (type === 'text' && typeof text === 'string' ? [text] : [])).join('\n');
}
