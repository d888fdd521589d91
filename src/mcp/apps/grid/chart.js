// Charts of the loaded rows. A number becomes a coordinate here and nowhere else; its words stay the text that came.

/// As wide as there is room for, so that words keep their size.
let wide = 640;
const HIGH = 300;
const ROOM = { left: 64, right: 16, top: 12, bottom: 44 };
const BARS = 30;
const POINTS = 3000;
const BINS = 20;

/// The kinds that these columns allow, the best first, each with the columns for x and y.
function charts(columns) {
  const of = (kind) => columns.flatMap((column, at) => (column.kind === kind ? [at] : []));
  const [numbers, times, texts] = [of('number'), of('time'), of('text')];
  const kinds = [];
  if (times.length > 0 && numbers.length > 0) kinds.push({ kind: 'Line', x: times, y: numbers });
  if (texts.length > 0 && numbers.length > 0) kinds.push({ kind: 'Bar', x: texts, y: numbers });
  if (numbers.length > 1) kinds.push({ kind: 'Scatter', x: numbers, y: numbers });
  if (numbers.length > 0) kinds.push({ kind: 'Histogram', x: numbers, y: [] });
  return kinds;
}

function coordinate(value, kind) {
  const text = shown(value);
  if (text === null || text === '') return NaN;
  if (kind === 'number') return Number(text.replace(/^[^\d.+-]+/, '').replaceAll(',', ''));
  const zoned = text.replace(' ', 'T').replace(/(T.*[+-]\d\d)$/, '$1:00');
  return Date.parse(/T.*([+-]\d\d:\d\d|Z)$/.test(zoned) ? zoned : `${zoned}${zoned.includes('T') ? '' : 'T00:00'}Z`);
}

function chart(kind, columns, rows, x, y, room) {
  wide = Math.max(240, Math.min(640, room));
  if (kind === 'Bar') return bars(columns, rows, x, y);
  if (kind === 'Histogram') return histogram(columns, rows, x);
  const at = (row) => ({ x: coordinate(row[x], columns[x].kind), y: coordinate(row[y], 'number'), row });
  const all = rows.map(at).filter((point) => Number.isFinite(point.x) && Number.isFinite(point.y));
  const points = all.slice(0, POINTS);
  if (points.length === 0) return nothing();
  if (kind === 'Line') points.sort((a, b) => a.x - b.x);
  const across = scale(points.map((point) => point.x), ROOM.left, wide - ROOM.right, columns[x].kind);
  const up = scale(points.map((point) => point.y), HIGH - ROOM.bottom, ROOM.top, 'number');
  const marks = points.map((point) => {
    const words = `${shown(point.row[x])}, ${shown(point.row[y])}`;
    const dot = { class: 'mark', cx: across.at(point.x), cy: up.at(point.y), r: kind === 'Line' && points.length > 60 ? 1 : 3 };
    return drawn('circle', dot, drawn('title', {}, visible(words)));
  });
  if (kind === 'Line') {
    const line = points.map((point) => `${across.at(point.x).toFixed(1)},${up.at(point.y).toFixed(1)}`).join(' ');
    marks.unshift(drawn('polyline', { class: 'stroke', points: line }));
  }
  const left = rows.length - points.length;
  return picture(kind, columns[x].name, columns[y].name, across.ticks, up.ticks, marks, left);
}

function bars(columns, rows, x, y) {
  const some = rows.slice(0, BARS).map((row) => ({ row, value: coordinate(row[y], 'number') }));
  const known = some.filter(({ value }) => Number.isFinite(value));
  if (known.length === 0) return nothing();
  const up = scale([0, ...known.map(({ value }) => value)], HIGH - ROOM.bottom, ROOM.top, 'number');
  const step = (wide - ROOM.left - ROOM.right) / known.length;
  const ticks = [];
  const marks = known.map(({ row, value }, at) => {
    const left = ROOM.left + at * step;
    const name = shown(row[x]) ?? 'NULL';
    ticks.push([left + step / 2, beginning(visible(name), Math.max(3, Math.floor((step * Math.ceil(known.length / side())) / 6.5)))[0]]);
    const [top, bottom] = [up.at(value), up.at(0)];
    const place = { x: left + step * 0.1, width: step * 0.8, y: Math.min(top, bottom), height: Math.max(1, Math.abs(bottom - top)) };
    return drawn('rect', { class: 'mark', ...place }, drawn('title', {}, visible(`${name}: ${shown(row[y])}`)));
  });
  return picture('Bar', columns[x].name, columns[y].name, thinned(ticks), up.ticks, marks, rows.length - known.length);
}

function histogram(columns, rows, x) {
  const values = rows.map((row) => coordinate(row[x], 'number')).filter(Number.isFinite);
  if (values.length === 0) return nothing();
  const across = scale(values, ROOM.left, wide - ROOM.right, 'number');
  const [low, high] = across.ends;
  const counts = new Array(BINS).fill(0);
  for (const value of values) counts[Math.min(BINS - 1, Math.floor(((value - low) / (high - low)) * BINS))] += 1;
  const up = scale([0, ...counts], HIGH - ROOM.bottom, ROOM.top, 'number');
  const step = (wide - ROOM.left - ROOM.right) / BINS;
  const marks = counts.map((count, at) => {
    const place = { x: ROOM.left + at * step + 0.5, width: step - 1, y: up.at(count), height: up.at(0) - up.at(count) };
    return drawn('rect', { class: 'mark', ...place }, drawn('title', {}, `${count} rows`));
  });
  return picture('Histogram', columns[x].name, 'rows', across.ticks, up.ticks, marks, rows.length - values.length);
}

/// From values to places between `from` and `to`, with ticks at round ones.
function scale(values, from, to, kind) {
  let [low, high] = values.reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)], [Infinity, -Infinity]);
  if (low === high) [low, high] = [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2];
  const at = (value) => from + ((value - low) / (high - low)) * (to - from);
  const parts = from < to ? Math.max(kind === 'time' ? 2 : 3, Math.round((to - from) / 110)) : 5;
  const rough = (high - low) / parts;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = kind === 'time' ? rough : unit * [1, 2, 5, 10].find((factor) => unit * factor >= rough);
  const ticks = [];
  const first = kind === 'time' ? low : Math.ceil(low / step) * step;
  for (let tick = first; tick <= high + step / 1e6 && ticks.length < 12; tick += step) {
    ticks.push([at(tick), kind === 'time' ? instant(tick, high - low) : measure(tick, step)]);
  }
  return { at, ticks, ends: [low, high] };
}

function instant(time, span) {
  const text = new Date(time).toISOString();
  return span > 4 * 86_400_000 ? text.slice(0, 10) : text.slice(5, 16).replace('T', ' ');
}

function measure(value, step) {
  if (Math.abs(value) >= 1e7 || step < 1e-4) return value.toExponential(1);
  return String(Number(value.toFixed(Math.max(0, Math.ceil(-Math.log10(step))))));
}

/// So many labels stand beside each other.
const side = () => Math.floor(wide / 50);

function thinned(ticks) {
  const every = Math.ceil(ticks.length / side());
  return ticks.filter((_, at) => at % every === 0);
}

function nothing() {
  return element('p', { class: 'quiet' }, 'There is nothing to draw: no row has a value in both columns.');
}

function picture(kind, x, y, across, up, marks, left) {
  const base = HIGH - ROOM.bottom;
  const lines = up.map(([place]) => drawn('line', { class: 'axis', x1: ROOM.left, x2: wide - ROOM.right, y1: place, y2: place }));
  const rows = up.map(([place, words]) => drawn('text', { x: ROOM.left - 6, y: place + 4, 'text-anchor': 'end' }, words));
  const columns = across.map(([place, words]) => drawn('text', { x: place, y: base + 16, 'text-anchor': place > wide - 30 ? 'end' : 'middle' }, words));
  const names = [
    drawn('text', { x: (ROOM.left + wide - ROOM.right) / 2, y: HIGH - 8, 'text-anchor': 'middle' }, visible(x)),
    drawn('text', { x: 12, y: (ROOM.top + base) / 2, 'text-anchor': 'middle', transform: `rotate(-90 12 ${(ROOM.top + base) / 2})` }, visible(y)),
  ];
  const label = `${kind} chart: ${visible(y)} by ${visible(x)}`;
  const svg = drawn('svg', { viewBox: `0 0 ${wide} ${HIGH}`, role: 'img', 'aria-label': label }, ...lines, ...rows, ...columns, ...names, ...marks);
  if (left === 0) return svg;
  return element('div', {}, svg, element('p', { class: 'quiet' }, `${left} of the loaded rows are not drawn.`));
}
