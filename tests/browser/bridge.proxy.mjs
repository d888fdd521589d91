// The outer frame of two, on an origin of its own: holds the page, and hands messages on both ways.

const inner = document.createElement('iframe');
inner.title = 'Page';

addEventListener('message', ({ source, data }) => {
  if (source === inner.contentWindow) return parent.postMessage(data, '*');
  if (source !== parent) return;
  if (data.method !== 'ui/notifications/sandbox-resource-ready') return inner.contentWindow.postMessage(data, '*');
  const { html, sandbox, permissions } = data.params;
  inner.setAttribute('sandbox', sandbox);
  if (permissions?.clipboardWrite) inner.allow = 'clipboard-write';
  inner.srcdoc = html;
  document.body.append(inner);
});
parent.postMessage({ jsonrpc: '2.0', method: 'ui/notifications/sandbox-proxy-ready', params: {} }, '*');
