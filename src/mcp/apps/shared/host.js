// The conversation with the host: JSON-RPC 2.0 in messages between windows, with the parent of this one and nobody else.

const PATIENCE_MS = 120_000;
const waiting = new Map();
const heard = new Map();
let lastId = 0;

/// What the host said of itself; complete once `connect` is through.
const host = { capabilities: {}, context: {} };

function post(message) {
  parent.postMessage({ jsonrpc: '2.0', ...message }, '*');
}

/// Resolves to the result, or rejects with the host's words.
function request(method, params) {
  const id = (lastId += 1);
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => settle(id, { error: { message: 'no answer came' } }), PATIENCE_MS);
    waiting.set(id, { resolve, reject, late });
    post({ id, method, params });
  });
}

function settle(id, { result, error }) {
  const asked = waiting.get(id);
  if (!asked) return;
  waiting.delete(id);
  clearTimeout(asked.late);
  if (error) asked.reject(new Error(String(error.message ?? 'refused')));
  else asked.resolve(result ?? {});
}

function notify(method, params = {}) {
  post({ method, params });
}

/// Calls `hear` with the parameters of each notification of that name.
function on(notification, hear) {
  heard.set(`ui/notifications/${notification}`, hear);
}

function answer(id, method) {
  if (method === 'ui/resource-teardown') {
    measuring.disconnect();
    post({ id, result: {} });
  } else if (method === 'ping') {
    post({ id, result: {} });
  } else {
    post({ id, error: { code: -32601, message: `${method} is unknown` } });
  }
}

addEventListener('message', ({ source, data }) => {
  if (source !== parent || data === null || typeof data !== 'object' || data.jsonrpc !== '2.0') return;
  if (typeof data.method !== 'string') settle(data.id, data);
  else if (data.id !== undefined) answer(data.id, data.method);
  else heard.get(data.method)?.(data.params ?? {});
});

/// The host's colours and fonts, its theme, and how much room there is.
function wear(context) {
  Object.assign(host.context, context);
  const { theme, styles, safeAreaInsets: insets, containerDimensions: room, displayMode } = host.context;
  const { dataset, style } = document.documentElement;
  if (theme === 'light' || theme === 'dark') dataset.theme = theme;
  dataset.mode = displayMode ?? 'inline';
  for (const [name, value] of Object.entries(styles?.variables ?? {})) {
    if (/^--[a-z0-9-]+$/.test(name) && typeof value === 'string') style.setProperty(name, value);
  }
  if (insets) style.padding = ['top', 'right', 'bottom', 'left'].map((side) => `${Number(insets[side]) || 0}px`).join(' ');
  const most = Number(room?.height ?? room?.maxHeight);
  if (most > 0) style.setProperty('--room', `${most}px`);
}

let said = '';
const measuring = new ResizeObserver(() => {
  const { width, height } = document.documentElement.getBoundingClientRect();
  const size = { width: Math.ceil(width), height: Math.ceil(height) };
  if (said === JSON.stringify(size)) return;
  said = JSON.stringify(size);
  notify('ui/notifications/size-changed', size);
});

async function connect(name) {
  on('host-context-changed', wear);
  const told = await request('ui/initialize', {
    protocolVersion: '2026-01-26',
    appInfo: { name, version },
    appCapabilities: { availableDisplayModes: ['inline', 'fullscreen'] },
  });
  host.capabilities = told.hostCapabilities ?? {};
  wear(told.hostContext ?? {});
  notify('ui/notifications/initialized');
  measuring.observe(document.documentElement);
}
