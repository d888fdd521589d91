// Ways out for what is shown: the clipboard, or a file where the host gives one.

/// Without the clipboard's permission an old command does it.
async function copy(text, what) {
  let done = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const focused = document.activeElement;
    const area = element('textarea', { 'aria-hidden': 'true', class: 'aside' });
    area.value = text;
    document.body.append(area);
    area.select();
    done = document.execCommand('copy');
    area.remove();
    focused?.focus?.();
  }
  say(done ? `Copied ${what}.` : 'This client does not let pages copy.', !done);
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
