// Asks for the panels anew every two seconds, while somebody looks. The page is whole without it.
'use strict';
(() => {
  const live = document.getElementById('live');
  const watching = document.getElementById('watching');
  if (!live || !watching) return;
  let paused = false;
  let running = false;

  const said = document.createElement('span');
  said.className = 'quiet small';
  const pause = document.createElement('button');
  pause.type = 'button';
  pause.className = 'plain tight';
  const say = (words) => {
    said.textContent = words;
    pause.textContent = paused ? 'Go on' : 'Pause';
  };
  pause.addEventListener('click', () => {
    paused = !paused;
    say(paused ? 'It stands still.' : 'It is brought up to date every two seconds.');
    if (!paused) look();
  });
  watching.append(pause, said);
  say('It is brought up to date every two seconds.');

  // Only what has changed is replaced; whoever stands on a button stays on it.
  function replace(html) {
    const fresh = new DOMParser().parseFromString(html, 'text/html').body;
    const focused = document.activeElement;
    for (const next of [...fresh.children]) {
      const old = next.id && document.getElementById(next.id);
      if (!old || !live.contains(old) || old.outerHTML === next.outerHTML) continue;
      const held = old.contains(focused) ? focused : null;
      const scrolled = [...old.querySelectorAll('.scroll')].map((box) => box.scrollLeft);
      old.replaceWith(next);
      next.querySelectorAll('.scroll').forEach((box, at) => { box.scrollLeft = scrolled[at] ?? 0; });
      if (!held) continue;
      const same = [...next.querySelectorAll(held.tagName)].find(
        (one) => one.value === held.value && one.getAttribute('aria-label') === held.getAttribute('aria-label'),
      );
      (same ?? next.querySelector('.scroll'))?.focus({ preventScroll: true });
    }
  }

  async function look() {
    if (paused || running || document.hidden) return;
    running = true;
    try {
      const answer = await fetch(live.dataset.part, { cache: 'no-store', redirect: 'error' });
      if (answer.status === 401) return location.reload();
      if (!answer.ok) throw new Error(answer.status);
      const html = await answer.text();
      if (paused) return;
      replace(html);
      say('It is brought up to date every two seconds.');
    } catch {
      say('The server does not answer: what stands here is old.');
    } finally {
      running = false;
    }
  }

  setInterval(look, 2000);
  document.addEventListener('visibilitychange', look);
})();
