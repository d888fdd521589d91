// The grid: rows come from the tool's result and, page by page, from the same tool through the host.

const PAGE = 50;
/// Rows that are kept here; whoever wants more asks a narrower question.
const MOST = 20_000;

const state = {
  columns: [],
  rows: [],
  cursor: null,
  task: null,
  truncated: '',
  sort: { column: -1, down: false },
  filter: '',
  within: -1,
  first: 0,
  chosen: null,
  drawing: null,
  busy: false,
};

function take(result) {
  const answer = answered(result);
  state.task = answer?.task_id ?? null;
  byId('again').hidden = !state.task || !host.capabilities.serverTools;
  if (result.isError || !Array.isArray(answer?.columns)) {
    return say(textOf(result) || String(answer?.message ?? 'The result has no rows.'), Boolean(result.isError));
  }
  if (answer.columns.length > 0 && !answer.rows?.length && !textOf(result).startsWith('{')) return asText(result);
  if (state.columns.length === 0) {
    state.columns = answer.columns.map(({ name, type }) => ({ name, type, kind: kindOf(type) }));
    byId('within').replaceChildren(
      element('option', { value: -1 }, 'All columns'),
      ...state.columns.map(({ name }, at) => element('option', { value: at }, visible(name))),
    );
  }
  state.rows.push(...answer.rows);
  state.cursor = answer.next_cursor ?? null;
  state.truncated = answer.next_cursor ? '' : (answer.truncated_reason ?? '');
  const notices = (answer.notices ?? []).join('\n');
  say([state.truncated && `Not all is here: ${state.truncated}.`, notices].filter(Boolean).join('\n'));
  for (const id of ['tools', 'pages', 'table']) byId(id).hidden = false;
  byId('chart').hidden = charts(state.columns).length === 0;
  byId('save-csv').hidden = !host.capabilities.downloadFile;
}

/// Rows that were asked for as CSV or Markdown are in the text only.
function asText(result) {
  byId('text').hidden = false;
  byId('text').textContent = visible(beginning(textOf(result), WHOLE)[0], true);
  say('The rows were asked for as text.');
}

/// What the filter leaves, in the order that was chosen.
function picked() {
  const words = state.filter.toLowerCase();
  const fits = (cell) => (shown(cell) ?? 'NULL').toLowerCase().includes(words);
  const left = words
    ? state.rows.filter((row) => (state.within < 0 ? row.some(fits) : fits(row[state.within])))
    : [...state.rows];
  const { column, down } = state.sort;
  if (column < 0) return left;
  const compare = state.columns[column].kind === 'number' ? compareNumbers : order;
  return left.sort((one, other) => {
    const [a, b] = [shown(one[column]), shown(other[column])];
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    return down ? compare(b, a) : compare(a, b);
  });
}

let now = [];

function show() {
  const all = picked();
  state.first = Math.max(0, Math.min(state.first, Math.floor((all.length - 1) / PAGE) * PAGE));
  now = all.slice(state.first, state.first + PAGE);
  state.chosen = null;
  byId('whole').hidden = true;
  byId('table').replaceChildren(table(state.columns, now, state.sort, { sorted, chosen }));
  if (state.drawing) draw(all);
  const more = state.cursor ? '+' : '';
  const range = all.length === 0 ? 'No rows' : `Rows ${state.first + 1}\u2013${state.first + now.length} of ${all.length}`;
  const loaded = all.length === state.rows.length ? more : ` (${state.rows.length}${more} loaded)`;
  byId('count').textContent = `${range}${loaded}`;
  buttons(all.length);
}

function buttons(count) {
  const end = state.first + PAGE >= count;
  const mayRead = state.cursor !== null && Boolean(host.capabilities.serverTools) && state.rows.length < MOST;
  byId('back').disabled = state.busy || state.first === 0;
  byId('on').disabled = state.busy || (end && !mayRead);
  byId('on').textContent = state.busy ? 'Reading\u2026' : end && mayRead ? 'Read more' : 'Next';
  for (const id of ['copy-cell', 'copy-row']) byId(id).disabled = state.chosen === null;
  if (end && state.cursor && !mayRead && !state.busy) {
    say(state.rows.length < MOST ? 'There are more rows: ask for them in the conversation.' : 'There are more rows than a page holds.');
  }
}

function sorted(column) {
  const { sort } = state;
  if (sort.column !== column) state.sort = { column, down: false };
  else state.sort = sort.down ? { column: -1, down: false } : { column, down: true };
  state.first = 0;
  show();
  byId('table').querySelectorAll('th button')[column].focus();
}

function chosen(y, x) {
  state.chosen = [y, x];
  choose(byId('table').querySelector('table'), y, x);
  byId('whole').hidden = false;
  byId('whole').firstElementChild.textContent = whole(now[y][x]);
  for (const id of ['copy-cell', 'copy-row']) byId(id).disabled = false;
}

async function readOn() {
  const count = picked().length;
  if (state.first + PAGE < count) {
    state.first += PAGE;
    return show();
  }
  const before = state.rows.length;
  await called(host.context.toolInfo?.tool?.name ?? 'query', { cursor: state.cursor });
  if (state.rows.length > before && !state.filter && state.sort.column < 0) {
    state.first = Math.floor(before / PAGE) * PAGE;
  }
  show();
}

async function called(name, args) {
  if (state.busy) return;
  state.busy = true;
  buttons(picked().length);
  try {
    take(await request('tools/call', { name, arguments: args }));
  } catch (error) {
    say(`The client did not read on: ${error.message}`, true);
  }
  state.busy = false;
}

function draw(rows) {
  const kinds = charts(state.columns);
  const { kind, x, y } = kinds.find((known) => known.kind === state.drawing.kind) ?? kinds[0];
  const use = (columns, wanted, but) => (columns.includes(wanted) ? wanted : (columns.find((at) => at !== but) ?? columns[0]));
  const across = use(x, state.drawing.x);
  const up = use(y, state.drawing.y, across);
  const pick = (label, values, chosen, set) =>
    element(
      'label',
      {},
      label,
      element(
        'select',
        { onchange: (event) => (set(event.target.value), draw(picked())) },
        ...values.map(([value, words]) => element('option', { value, selected: value === chosen }, words)),
      ),
    );
  const named = (columns) => columns.map((at) => [at, visible(state.columns[at].name)]);
  const choices = [
    pick('Chart', kinds.map((known) => [known.kind, known.kind]), kind, (value) => (state.drawing = { kind: value })),
    pick('x', named(x), across, (value) => (state.drawing = { kind, x: Number(value), y: up })),
  ];
  if (y.length > 0) choices.push(pick('y', named(y), up, (value) => (state.drawing = { kind, x: across, y: Number(value) })));
  byId('drawing').replaceChildren(element('div', { class: 'bar' }, ...choices), chart(kind, state.columns, rows, across, up));
}

byId('chart').onclick = () => {
  state.drawing = state.drawing ? null : {};
  byId('chart').setAttribute('aria-pressed', String(state.drawing !== null));
  byId('drawing').hidden = state.drawing === null;
  byId('table').hidden = state.drawing !== null;
  byId('pages').hidden = state.drawing !== null;
  show();
};
byId('filter').oninput = ({ target }) => {
  Object.assign(state, { filter: target.value, first: 0 });
  show();
};
byId('within').onchange = ({ target }) => {
  Object.assign(state, { within: Number(target.value), first: 0 });
  show();
};
byId('back').onclick = () => {
  state.first -= PAGE;
  show();
};
byId('on').onclick = readOn;
byId('again').onclick = async () => {
  await called('task_result', { task_id: state.task });
  if (state.columns.length > 0) show();
};

const cellText = () => shown(now[state.chosen[0]][state.chosen[1]]) ?? '';
byId('copy-cell').onclick = () => copy(cellText(), 'the cell');
byId('copy-row').onclick = () => copy(now[state.chosen[0]].map((value) => shown(value) ?? '').join('\t'), 'the row');
byId('copy-csv').onclick = () => {
  const rows = picked();
  copy(csv(state.columns, rows), `${rows.length} rows as CSV`);
};
byId('save-csv').onclick = () => download('result.csv', 'text/csv', csv(state.columns, picked()));
byId('table').addEventListener('copy', (event) => {
  if (!state.chosen || !getSelection().isCollapsed) return;
  event.preventDefault();
  event.clipboardData.setData('text/plain', cellText());
  say('Copied the cell.');
});

on('tool-result', (result) => {
  Object.assign(state, { columns: [], rows: [], first: 0, sort: { column: -1, down: false } });
  take(result);
  if (state.columns.length > 0) show();
});
on('tool-cancelled', () => say('The call was cancelled.'));
connect('pgwarden grid').catch((error) => say(`The client does not answer: ${error.message}`, true));
