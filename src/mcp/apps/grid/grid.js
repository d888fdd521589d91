// The grid: rows come from the tool's result and, page by page, from the same tool through the host.

const PAGE = 50;
/// Rows that are kept here; whoever wants more asks a narrower question.
const MOST = 20_000;

const empty = () => ({
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
});
/// `database` is the one that was asked, where the question named one.
const state = { ...empty(), result: 0, database: undefined };

/// Nothing of an earlier result is left.
function begin() {
  Object.assign(state, empty(), { result: state.result + 1 });
  for (const id of ['tools', 'table', 'drawing', 'pages', 'whole', 'text', 'again']) byId(id).hidden = true;
  byId('by-hand')?.remove();
  byId('filter').value = '';
  byId('chart').setAttribute('aria-pressed', 'false');
}

function take(result) {
  const answer = answered(result);
  state.task = answer?.task_id ?? null;
  byId('again').hidden = !state.task || !host.capabilities.serverTools;
  if (result.isError || !Array.isArray(answer?.columns)) {
    const words = state.task ? String(answer.message ?? 'The query is still running.') : textOf(result);
    return say(words || 'The result has no rows.', Boolean(result.isError));
  }
  if (answer.columns.length > 0 && !answer.rows?.length && /^[^{]/.test(textOf(result))) return asText(result);
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
  byId('tools').hidden = false;
  byId('pages').hidden = byId('table').hidden = state.drawing !== null;
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
  const held = document.activeElement;
  byId('back').disabled = state.first === 0;
  byId('on').disabled = end && !mayRead;
  // What is disabled or gone loses the keyboard's place.
  if (held?.disabled) ['on', 'back', 'filter'].map(byId).find((other) => !other.disabled).focus();
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
  const { cursor, database } = state;
  const name = host.context.toolInfo?.tool?.name ?? 'query';
  if (!(await called(name, { cursor, ...(database && { database }) }))) return;
  if (state.rows.length > before && !state.filter && state.sort.column < 0) {
    state.first = Math.floor(before / PAGE) * PAGE;
  }
  show();
}

/// Whether the answer is in: not where one is awaited already, or another result came in between.
async function called(name, args) {
  if (state.busy) return false;
  const asked = state.result;
  state.busy = true;
  say('Reading\u2026');
  buttons(picked().length);
  const answer = await request('tools/call', { name, arguments: args }).catch((error) => error);
  if (asked !== state.result) return false;
  state.busy = false;
  if (answer instanceof Error) say(`The client did not read on: ${answer.message}`, true);
  else take(answer);
  return true;
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
  const room = byId('drawing').clientWidth - 22;
  byId('drawing').replaceChildren(element('div', { class: 'bar' }, ...choices), chart(kind, state.columns, rows, across, up, room));
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
  if (!(await called('task_result', { task_id: state.task })) || state.columns.length === 0) return;
  show();
  byId('table').querySelector('td')?.focus();
};

/// As spreadsheets take a row: what would end a field or the row is quoted.
const field = (text) => (/[\t\r\n"]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const cellText = () => shown(now[state.chosen[0]][state.chosen[1]]) ?? '';
byId('copy-cell').onclick = () => copy(cellText(), 'the cell');
byId('copy-row').onclick = () => copy(now[state.chosen[0]].map((value) => field(shown(value) ?? '')).join('\t'), 'the row');
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

on('tool-input', ({ arguments: args }) => (state.database = args?.database));
on('tool-result', (result) => {
  begin();
  take(result);
  if (state.columns.length > 0) show();
});
on('tool-cancelled', () => say('The call was cancelled.'));
connect('pgwarden grid').catch((error) => say(`The client does not answer: ${error.message}`, true));
