// A plan as a tree of nodes, from the lines of `explain` or from EXPLAIN's own document. Times are of all loops together.

const LINE =
  /^( *)(.*?) \(rows (\d+), cost ([\d.]+)(?:; came (\d+)(?: x (\d+))?(?:, ([\d.]+) ms)?)?\)(.*)$/;
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
    const [, indent, title, rows, cost, came, loops, time, condition] = match;
    const node = {
      depth: indent.length / 2,
      title,
      relation: / on ((?:"[^"]*"|[^\s"])+)/.exec(title)?.[1],
      condition: condition.trim(),
      rows: Number(rows),
      cost: Number(cost),
      came: number(came),
      loops: number(loops) ?? 1,
      time: number(time),
      children: [],
    };
    while (path.at(-1).depth >= node.depth) path.pop();
    path.at(-1).children.push(node);
    path.push(node);
  }
  return top.children;
}

const CONDITIONS = ['Index Cond', 'Recheck Cond', 'Hash Cond', 'Merge Cond', 'Filter', 'Join Filter', 'Sort Key', 'Group Key'];

function fromDocument(document) {
  const join = document['Join Type'];
  const named = document['Relation Name'] ?? document['CTE Name'];
  const alias = document.Alias;
  const words = [
    document['Subplan Name'] && `${document['Subplan Name']}:`,
    document['Node Type'],
    join !== 'Inner' && join,
    named && `on ${named}`,
    alias !== named && alias,
    document['Index Name'] && `using ${document['Index Name']}`,
  ];
  const loops = document['Actual Loops'] ?? 1;
  const time = document['Actual Total Time'];
  return {
    title: words.filter(Boolean).join(' '),
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

/// Every node, outer before inner.
function every(nodes) {
  return nodes.flatMap((node) => [node, ...every(node.children)]);
}

/// Gives each node what is its own: cost and time without those of the nodes below it. The inner side of a nested loop costs
/// as often as the outer has rows.
function divide(roots) {
  const nodes = every(roots).filter(({ cost }) => cost !== undefined);
  for (const node of nodes) {
    const sides = node.children.filter(({ title }) => !/^(SubPlan|InitPlan|CTE) /.test(title));
    const times = (child) => (/^(\S+ \d+.*: )?Nested Loop/.test(node.title) && child === sides[1] ? Math.max(1, sides[0].rows) : 1);
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

/// A finding of the server's speaks of this node.
function isAbout(finding, { title, relation }) {
  const words = finding.split(/[\s,:()]+/);
  const named = (word) => word === relation || word.startsWith(`${relation}.`) || word.endsWith(`.${relation}`) || word.includes(`.${relation}.`);
  if (relation && words.some(named)) return true;
  const kinds = [[/^the sort /, /^(Incremental )?Sort/], [/^a hash of /, /^Hash$/], [/^a nested loop /, /^Nested Loop/]];
  return kinds.some(([words, kind]) => words.test(finding) && kind.test(title));
}
