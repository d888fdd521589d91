// The plan: a tree that folds, a bar for each share, and what the server found beside it.

/// Estimates that are off by this factor lead to other plans.
const OFF = 10;
/// A node with this share of the whole is where the cost is.
const HOT = 0.4;

let text = '';

function show(answer) {
  const isText = typeof answer.plan === 'string';
  text = isText ? answer.plan : JSON.stringify(answer.plan, null, 2);
  const roots = isText ? fromLines(answer.plan) : [fromDocument(answer.plan.Plan ?? answer.plan)];
  const nodes = divide(roots);
  const timed = nodes.some(({ time }) => time !== undefined);
  const findings = Array.isArray(answer.findings) ? answer.findings.map(String) : [];
  byId('fold').hidden = nodes.every(({ children }) => children.length === 0);
  byId('fold').textContent = 'Fold all';
  byId('summary').replaceChildren(...summary(answer));
  byId('tree').style.setProperty('--depth', Math.max(1, ...nodes.map(({ level }) => level)));
  byId('tree').replaceChildren(list(roots, findings, timed));
  byId('findings').replaceChildren(...found(findings, answer.indexes ?? []));
  byId('findings').hidden = findings.length === 0 && !answer.indexes;
  byId('tree').hidden = byId('tools').hidden = false;
  say(answer.truncated ? 'The plan is longer than an answer may be: its end is missing.' : '');
}

function summary(answer) {
  const fact = (words, value) => element('span', { class: 'quiet' }, `${words} `, element('b', {}, visible(String(value))));
  const facts = [];
  if (answer.rows !== undefined) facts.push(fact('Rows expected', grouped(answer.rows)));
  if (answer.cost !== undefined) facts.push(fact('Cost', decimal(answer.cost)));
  if (answer.cost_before !== undefined) facts.push(fact('Cost without the indexes', decimal(answer.cost_before)));
  if (answer.milliseconds !== undefined) facts.push(fact('Time', `${answer.milliseconds} ms`));
  if (answer.parameters) facts.push(element('span', { class: 'quiet' }, visible(String(answer.parameters))));
  return facts;
}

const grouped = (value) => Number(value).toLocaleString('en-US', { maximumFractionDigits: 2 });
const decimal = (value) => Number(value).toLocaleString('en-US', { maximumFractionDigits: 1 });

function list(nodes, findings, timed) {
  const items = nodes.map((node) => {
    const line = described(node, findings, timed);
    if (node.children.length === 0) return element('li', {}, element('div', { class: 'leaf' }, line));
    return element('li', {}, element('details', { open: true }, element('summary', {}, line), list(node.children, findings, timed)));
  });
  return element('ul', {}, ...items);
}

function described(node, findings, timed) {
  const about = findings.flatMap((finding, at) => (isAbout(finding, node) ? [at + 1] : []));
  const badges = about.map((at) => element('span', { class: 'badge', title: visible(findings[at - 1]) }, element('span', { class: 'aside' }, 'finding '), String(at)));
  const condition = node.condition ? [element('span', { class: 'condition' }, visible(node.condition))] : [];
  const title = element('span', { class: 'title', dir: 'auto' }, visible(node.title), ...badges, ...condition);
  if (!node.shares) return element('span', { class: 'node untimed' }, title);
  const { shares } = node;
  const metrics = [metric(`cost ${percent(shares.cost)}`, shares.cost), metric(rows(node), shares.rows, ...off(node))];
  if (timed) metrics.push(metric(shares.time === undefined ? '' : `${decimal(node.ownTime)} ms, ${percent(shares.time)}`, shares.time));
  const hot = (shares.time ?? shares.cost) >= HOT;
  metrics.at(timed ? 2 : 0).classList.toggle('hot', hot);
  return element('span', { class: timed ? 'node' : 'node untimed' }, title, ...metrics);
}

function metric(words, share, ...more) {
  const bar = element('span');
  bar.style.width = `${Math.round((share ?? 0) * 100)}%`;
  return element('span', { class: 'metric' }, words, ...more, element('span', { class: 'track', 'aria-hidden': 'true' }, bar));
}

const percent = (share) => (share > 0 && share < 0.01 ? '<1%' : `${Math.round(share * 100)}%`);

function rows({ rows, came, loops }) {
  if (came === undefined) return `rows ${grouped(rows)}`;
  if (loops === 0) return `never ran, rows ${grouped(rows)}`;
  const times = loops > 1 ? ` \u00d7 ${grouped(loops)}` : '';
  return `rows ${grouped(came)}${times} of ${grouped(rows)}`;
}

function off({ rows, came, loops }) {
  if (came === undefined || loops === 0) return [];
  const factor = Math.max(rows, came, 1) / Math.max(1, Math.min(rows, came));
  if (factor < OFF) return [];
  return [element('span', { class: 'off' }, `${grouped(Math.round(factor))}\u00d7 ${came > rows ? 'more' : 'fewer'} than expected`)];
}

function found(findings, indexes) {
  const supposed = indexes.map(({ index, used, kilobytes }) =>
    element('p', {}, element('code', {}, visible(String(index))), ` ${used ? 'is used' : 'is not used'}, about ${grouped(kilobytes)} kB`),
  );
  const items = findings.map((finding) => element('li', {}, visible(finding)));
  return [
    ...(items.length > 0 ? [element('h2', {}, 'Findings'), element('ol', {}, ...items)] : []),
    ...(supposed.length > 0 ? [element('h2', {}, 'Supposed indexes'), ...supposed] : []),
  ];
}

byId('fold').onclick = ({ target }) => {
  const all = [...byId('tree').querySelectorAll('details')];
  const open = !all.some((details) => details.open);
  for (const details of all) details.open = open;
  target.textContent = open ? 'Fold all' : 'Unfold all';
};
byId('copy').onclick = () => copy(text, 'the plan');

on('tool-result', (result) => {
  let answer = result.structuredContent;
  try {
    answer ??= JSON.parse(textOf(result));
  } catch {
    answer = null;
  }
  const isPlan = typeof answer?.plan === 'string' || (typeof answer?.plan === 'object' && answer.plan !== null);
  for (const id of ['summary', 'tree', 'findings']) byId(id).replaceChildren();
  for (const id of ['tree', 'findings', 'tools']) byId(id).hidden = true;
  byId('by-hand')?.remove();
  if (result.isError || !isPlan) return say(textOf(result) || 'The result has no plan.', Boolean(result.isError));
  show(answer);
});
on('tool-cancelled', () => say('The call was cancelled.'));
connect('pgwarden plan').catch((error) => say(`The client does not answer: ${error.message}`, true));
