// A plan as a tree of nodes, from the lines of `explain` or from EXPLAIN's own document. Times are of all loops together.

const LINE =
  /^( *)(.*?) \(rows (\d+), cost ([\d.]+)(?:; (never ran)|; came (\d+)(?: x (\d+))?(?:, ([\d.]+) ms)?)?\)(.*)$/;
/// Words before a node that say what asks for it.
const ASKS = /^(?:SubPlan|InitPlan|CTE) .*?: /;
const number = (text) => (text === undefined ? undefined : Number(text));

/// Lines that are no node stay as they are, at the root.
function fromLines(text) {
  const top = { depth: -1, children: [] };
  const path = [top];
  for (const line of text.split('\n')) {
    const match = LINE.exec(line);
    if (!match) {
      top.children.push({ title: line, condition: '', children: [] });
      continue;
    }
    const [, indent, title, rows, cost, never, came, loops, time, condition] = match;
    const node = {
      depth: indent.length / 2,
      title,
      kind: title.replace(ASKS, ''),
      relation: / on ((?:"[^"]*"|[^\s"])+)/.exec(title)?.[1],
      condition: condition.trim(),
      rows: Number(rows),
      cost: Number(cost),
      came: never ? 0 : number(came),
      loops: never ? 0 : (number(loops) ?? 1),
      time: never ? 0 : number(time),
      children: [],
    };
    while (path.at(-1).depth >= node.depth) path.pop();
    path.at(-1).children.push(node);
    path.push(node);
  }
  return top.children;
}

const CONDITIONS = [
  'Index Cond',
  'Recheck Cond',
  'TID Cond',
  'Hash Cond',
  'Merge Cond',
  'Filter',
  'Join Filter',
  'One-Time Filter',
  'Run Condition',
  'Order By',
  'Sort Key',
  'Presorted Key',
  'Group Key',
  'Cache Key',
];

function fromDocument(document) {
  const join = document['Join Type'];
  const names = ['Relation Name', 'CTE Name', 'Function Name', 'Table Function Name', 'Tuplestore Name'];
  const named = names.map((key) => document[key]).find((name) => name !== undefined);
  const alias = document.Alias;
  const part = document['Partial Mode'];
  const way = document.Strategy;
  const words = [
    part !== 'Simple' && part,
    document['Node Type'],
    way !== 'Plain' && way && `(${way.toLowerCase()})`,
    document.Command,
    join !== 'Inner' && join,
    named && `on ${named}`,
    alias !== named && alias,
    document['Index Name'] && `using ${document['Index Name']}`,
  ];
  const kind = words.filter(Boolean).join(' ');
  const asks = document['Subplan Name'];
  const loops = document['Actual Loops'] ?? 1;
  const time = document['Actual Total Time'];
  return {
    title: asks ? `${asks}: ${kind}` : kind,
    kind,
    relation: document['Relation Name'],
    condition: CONDITIONS.flatMap((key) => (document[key] ? [`${key}: ${[document[key]].flat().join(', ')}`] : [])).join('; '),
    rows: document['Plan Rows'],
    cost: document['Total Cost'],
    came: document['Actual Rows'],
    loops,
    time: time === undefined ? undefined : time * loops,
    children: (document.Plans ?? []).map(fromDocument),
  };
}

/// Every node, outer before inner, told its level.
function every(nodes, level) {
  return nodes.flatMap((node) => [Object.assign(node, { level }), ...every(node.children, level + 1)]);
}

/// Gives each node what is its own: cost and time without those of the nodes below it. The inner side of a nested loop costs
/// as often as the outer has rows.
function divide(roots) {
  const nodes = every(roots, 1).filter(({ cost }) => cost !== undefined);
  for (const node of nodes) {
    const sides = node.children.filter(({ title }) => !ASKS.test(title));
    const times = (child) => (/^Nested Loop/.test(node.kind) && child === sides[1] ? Math.max(1, sides[0].rows) : 1);
    const below = (of) => node.children.reduce((sum, child) => sum + of(child), 0);
    node.ownCost = Math.max(0, node.cost - below((child) => (child.cost ?? 0) * times(child)));
    if (node.time !== undefined) node.ownTime = Math.max(0, node.time - below((child) => child.time ?? 0));
  }
  const total = (key) => nodes.reduce((sum, node) => sum + (node[key] ?? 0), 0) || 1;
  const [cost, time] = [total('ownCost'), total('ownTime')];
  const most = Math.max(1, ...nodes.map((node) => (node.came ?? node.rows) * (node.came === undefined ? 1 : node.loops)));
  for (const node of nodes) {
    node.shares = {
      cost: node.ownCost / cost,
      rows: ((node.came ?? node.rows) * (node.came === undefined ? 1 : node.loops)) / most,
      time: node.ownTime === undefined ? undefined : node.ownTime / time,
    };
  }
  return nodes;
}

const GUESS = /^(.*): (\d+) rows were expected and (\d+) came/;
const KINDS = [
  [/^the sort /, /^(Incremental )?Sort/],
  [/^a hash of /, /^Hash$/],
  [/^a nested loop /, /^Nested Loop/],
];

/// A finding of the server's speaks of this node.
function isAbout(finding, { kind, relation, rows, came }) {
  if (kind === undefined) return false;
  const guess = GUESS.exec(finding);
  if (guess && (Number(guess[2]) !== Math.round(rows) || Number(guess[3]) !== Math.round(came))) return false;
  if (relation && mentions(finding, relation)) return true;
  if (guess) return kind.toLowerCase().startsWith(guess[1]);
  return KINDS.some(([words, of]) => words.test(finding) && of.test(kind));
}

/// By its whole name, with or without a schema or a column.
function mentions(finding, name) {
  const inName = (character) => /[\w$]/.test(character ?? ' ');
  for (let at = finding.indexOf(name); at >= 0; at = finding.indexOf(name, at + 1)) {
    if (!inName(finding[at - 1]) && !inName(finding[at + name.length])) return true;
  }
  return false;
}
