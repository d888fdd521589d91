// The host's side of MCP Apps in a window: the specification's own bridge, and a frame for the page.

import { AppBridge, buildAllowAttribute, PostMessageTransport } from '@modelcontextprotocol/ext-apps/app-bridge';

const capabilities = { serverTools: {}, downloadFile: {} };
let bridge;

/// Shows the page and gives it a tool's arguments and result. `callTool` is the test's; `proxy` is the address of the outer
/// frame, where there are two. Without one the page has no origin.
globalThis.show = async ({ html, tool, args, result, context, permissions, proxy, can = capabilities }) => {
  globalThis.seen = { initialized: 0, sizes: [], files: [], calls: [] };
  const { seen } = globalThis;
  document.querySelector('#app')?.remove();
  const frame = document.createElement('iframe');
  Object.assign(frame, { id: 'app', title: 'App' });
  const sandbox = proxy ? 'allow-scripts allow-same-origin' : 'allow-scripts';
  frame.setAttribute('sandbox', sandbox);
  frame.allow = buildAllowAttribute(permissions);
  document.querySelector('main').append(frame);
  const options = { hostContext: { theme: 'light', toolInfo: { tool }, ...context } };
  bridge = new AppBridge(null, { name: 'host', version: '1' }, can, options);
  const ready = new Promise((resolve) => {
    bridge.oninitialized = () => {
      seen.initialized += 1;
      resolve();
    };
  });
  bridge.onsizechange = ({ height }) => {
    seen.sizes.push(height);
    frame.style.height = `${height}px`;
  };
  bridge.ondownloadfile = async ({ contents }) => {
    seen.files.push(contents);
    return {};
  };
  if (can.serverTools) {
    bridge.oncalltool = async (call) => {
      seen.calls.push(call);
      return globalThis.callTool(call);
    };
  }
  await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
  bridge.onsandboxready = () => bridge.sendSandboxResourceReady({ html, sandbox, permissions });
  if (proxy) frame.src = proxy;
  else frame.srcdoc = html;
  await ready;
  await bridge.sendToolInput({ arguments: args });
  if (result) await bridge.sendToolResult(result);
};
globalThis.give = (result) => bridge.sendToolResult(result);
globalThis.setContext = (context) => bridge.sendHostContextChange(context);
globalThis.tearDown = () => bridge.teardownResource({});

/// Another frame of the same host speaks to the page.
globalThis.forge = (message) =>
  new Promise((resolve) => {
    const frame = document.createElement('iframe');
    frame.setAttribute('sandbox', 'allow-scripts');
    const words = JSON.stringify(message).replaceAll('<', '\\u003c');
    frame.srcdoc = `<script>parent.frames[0].postMessage(${words}, '*'); parent.postMessage('sent', '*');</script>`;
    addEventListener('message', ({ data }) => data === 'sent' && resolve(frame.remove()));
    document.querySelector('main').append(frame);
  });
