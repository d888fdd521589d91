// The rows on a page of the table, and moving among its cells.

/// Characters of a value that its cell holds; the chosen cell is shown below it.
const CELL = 200;
const WHOLE = 20_000;

/// `chosen` is called with the row and column, counted on this page.
function table(columns, rows, sort, { sorted, chosen }) {
  const head = columns.map((column, at) => {
    const by = sort.column === at ? (sort.down ? 'descending' : 'ascending') : 'none';
    const name = element('span', { class: 'name', dir: 'auto' }, visible(column.name) || '\u00a0');
    const button = element('button', { onclick: () => sorted(at) }, name, element('small', {}, visible(column.type)));
    return element('th', { scope: 'col', 'aria-sort': by, class: column.kind }, button);
  });
  const body = rows.map((row, y) =>
    element('tr', {}, ...columns.map(({ kind }, x) => cell(row[x], kind, { onclick: () => chosen(y, x), onfocus: () => chosen(y, x) }))),
  );
  const grid = element(
    'table',
    { role: 'grid', 'aria-label': 'Rows', onkeydown: move },
    element('thead', {}, element('tr', {}, ...head)),
    element('tbody', {}, ...body),
  );
  grid.querySelector('td')?.setAttribute('tabindex', '0');
  return grid;
}

function cell(value, kind, events) {
  const text = shown(value);
  const attributes = { tabindex: '-1', 'aria-selected': 'false', class: kind, dir: 'auto', ...events };
  if (text === null) return element('td', { ...attributes, class: `${kind} null` }, 'NULL');
  if (text === '') return element('td', { ...attributes, class: `${kind} empty` }, 'empty');
  const mark = CUT.find((ending) => text.endsWith(ending));
  const [start, all] = beginning(mark ? text.slice(0, -mark.length) : text, CELL);
  const words = all ? visible(start) : `${visible(start)}\u2026`;
  const parts = mark ? [words, element('span', { class: 'cut', title: 'The server cut this value.' }, ` ${mark}`)] : [words];
  return element('td', attributes, ...parts);
}

function choose(grid, y, x) {
  for (const old of grid.querySelectorAll('td[tabindex="0"]')) old.tabIndex = -1;
  for (const old of grid.querySelectorAll('td[aria-selected="true"]')) old.setAttribute('aria-selected', 'false');
  const cell = grid.tBodies[0].rows[y]?.cells[x];
  if (!cell) return;
  cell.tabIndex = 0;
  cell.setAttribute('aria-selected', 'true');
}

function move(event) {
  const from = event.target.closest('td');
  if (!from) return;
  const { rows } = from.closest('tbody');
  const [y, x] = [from.parentNode.sectionRowIndex, from.cellIndex];
  const [lastRow, lastCell] = [rows.length - 1, rows[0].cells.length - 1];
  const to = {
    ArrowUp: [y - 1, x],
    ArrowDown: [y + 1, x],
    ArrowLeft: [y, x - 1],
    ArrowRight: [y, x + 1],
    Home: [event.ctrlKey ? 0 : y, 0],
    End: [event.ctrlKey ? lastRow : y, lastCell],
    PageUp: [0, x],
    PageDown: [lastRow, x],
  }[event.key];
  if (!to) return;
  event.preventDefault();
  rows[to[0]]?.cells[to[1]]?.focus();
}

/// The chosen cell's value with its lines, as far as a page bears it.
function whole(value) {
  const text = shown(value);
  if (text === null) return 'NULL';
  const [start, all] = beginning(text, WHOLE);
  return all ? visible(start, true) : `${visible(start, true)}\u2026 (${text.length} characters: copy the cell to read on)`;
}
