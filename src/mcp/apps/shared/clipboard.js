// Ways out for what is shown: the clipboard, or a file where the host gives one.

/// Without the clipboard's permission an old command does it. Where the client refuses that too, the text is laid out and
/// chosen: a person's own keys copy it.
async function copy(text, what) {
  byId('by-hand')?.remove();
  try {
    await navigator.clipboard.writeText(text);
    return say(`Copied ${what}.`);
  } catch {
    // Not permitted, or there is no such thing.
  }
  const focused = document.activeElement;
  const area = element('textarea', { id: 'by-hand', readonly: true, rows: 4, 'aria-label': 'Text to copy' });
  area.value = text;
  // A text area has line ends of its own: what is copied is the text.
  area.oncopy = (event) => {
    if (area.selectionStart > 0 || area.selectionEnd < area.value.length) return;
    event.preventDefault();
    event.clipboardData.setData('text/plain', text);
    area.remove();
    focused?.focus?.();
    say(`Copied ${what}.`);
  };
  byId('said').after(area);
  area.select();
  if (document.execCommand('copy')) return;
  say('This client does not let pages copy. The text is chosen below: press Ctrl+C, on a Mac \u2318C.', true);
}

async function download(name, mimeType, text) {
  const resource = { uri: `file:///${name}`, mimeType, text };
  try {
    const { isError } = await request('ui/download-file', { contents: [{ type: 'resource', resource }] });
    say(isError ? 'The client did not take the file.' : `Gave ${name} to the client.`, Boolean(isError));
  } catch (error) {
    say(`The client did not take the file: ${error.message}`, true);
  }
}
