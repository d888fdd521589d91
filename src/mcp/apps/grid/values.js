// Values of PostgreSQL as they were printed: a number keeps its digits, NULL is no empty text.

const NUMBERS = /^(smallint|integer|bigint|numeric|decimal|real|double precision|money|oid)\b/;
const TIMES = /^(date|timestamp)\b/;
const CUT = ['\u2026[cut]', '\u2026[too large]'];

/// A number by the text that it came as.
class Digits {
  constructor(text) {
    this.text = text;
  }
}

/// JSON whose numbers become `Digits`: a reader's own would round them and drop zeros.
function exact(json) {
  const mark = '\u0000';
  const marked = json.replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, (token) => (token[0] === '"' ? token : `"\\u0000${token}"`));
  return JSON.parse(marked, (_, value) =>
    typeof value === 'string' && value.startsWith(mark) ? new Digits(value.slice(1)) : value,
  );
}

/// The answer in a tool's result. Its text has the digits; its structure is the same to whoever needs no more.
function answered(result) {
  const structured = result.structuredContent ?? null;
  let read = null;
  try {
    read = exact(result.content[0].text);
  } catch {
    // The text is no JSON: rows as CSV, a refusal, or a host that keeps the structure only.
  }
  return Array.isArray(read?.rows) || structured === null ? read : structured;
}

/// A cell as text; `null` for NULL.
function shown(value) {
  if (value === null || value === undefined) return null;
  if (value instanceof Digits) return value.text;
  return typeof value === 'object' ? printed(value) : String(value);
}

/// A document as JSON, its numbers as they came.
function printed(value) {
  if (value instanceof Digits) return value.text;
  if (Array.isArray(value)) return `[${value.map(printed).join(', ')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  return `{${Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}: ${printed(inner)}`).join(', ')}}`;
}

/// What a column holds: `number`, `time` or `text`.
function kindOf(type) {
  if (NUMBERS.test(type) && !type.endsWith('[]')) return 'number';
  return TIMES.test(type) && !type.endsWith('[]') ? 'time' : 'text';
}

const DECIMAL = /^([+-]?)0*(\d*)(?:\.(\d*?)0*)?$/;

/// By all digits; NaN is the largest, as in PostgreSQL.
function compareNumbers(a, b) {
  const [x, y] = [DECIMAL.exec(a), DECIMAL.exec(b)];
  if (!x || !y) {
    const [p, q] = [Number(a), Number(b)];
    if (Number.isNaN(p) || Number.isNaN(q)) return Number.isNaN(p) - Number.isNaN(q);
    return p < q ? -1 : Number(p > q);
  }
  const sign = (match) => (match[2] || match[3] ? (match[1] === '-' ? -1 : 1) : 0);
  if (sign(x) !== sign(y)) return sign(x) - sign(y);
  const larger = x[2].length - y[2].length || order(x[2], y[2]) || order(x[3] ?? '', y[3] ?? '');
  return sign(x) * larger;
}

function order(a, b) {
  return a < b ? -1 : Number(a > b);
}

/// As PostgreSQL's COPY writes it: NULL is nothing, an empty text is `""`.
function csv(columns, rows) {
  const field = (text) => {
    if (text === null) return '';
    return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = [columns.map(({ name }) => field(name)), ...rows.map((row) => row.map((cell) => field(shown(cell))))];
  return lines.map((line) => `${line.join(',')}\r\n`).join('');
}
