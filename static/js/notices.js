// What the desk says without interrupting: a note over the stage, and the states that take the stage over. Text only ever enters
// through textContent.
import { iconNode } from './film.js';
import { gettext } from './words.js';

/** `stage` holds #note and #full; `onFull(name)` hears which state took the stage over, null none. */
export function notices(stage, onFull = () => {}) {
  const box = stage.querySelector('#note');
  const host = stage.querySelector('#full');

  function button(label, className, run) {
    const made = document.createElement('button');
    made.type = 'button';
    made.className = className;
    if (label) made.textContent = label;
    made.addEventListener('click', () => { box.hidden = true; run?.(); });
    return made;
  }

  /** A banner: tone, icon, what it is about, what happened; `action` {label, run} is a way out. */
  function note(tone, icon, strong, text, action) {
    const words = document.createElement('span');
    const lead = document.createElement('b');
    const close = button('', 'btn sm quiet icon');
    lead.textContent = `${strong} `;
    words.append(lead, text);
    close.setAttribute('aria-label', gettext('Dismiss'));
    close.append(iconNode('x'));
    box.className = `rv-note ${tone}`;
    box.replaceChildren(iconNode(icon), words, ...(action ? [button(action.label, 'btn sm', action.run)] : []), close);
    box.dataset.kind = icon;
    box.hidden = false;
  }

  /** Takes away a banner with that icon. */
  function quiet(icon) {
    if (box.dataset.kind === icon) box.hidden = true;
  }

  /** Shows one state over the whole stage, null none; `text` and `title` stand in for its own words. */
  function full(name, text, title) {
    host.hidden = name === null;
    for (const part of host.querySelectorAll('[data-full]')) part.hidden = part.dataset.full !== name;
    if (name && text) host.querySelector(`[data-full="${name}"] p`).textContent = text;
    if (name && title) host.querySelector(`[data-full="${name}"] h2`).textContent = title;
    if (name) stage.classList.remove('loading');
    onFull(name);
  }

  return { note, full, quiet, isFull: () => !host.hidden, shown: () => (host.hidden ? null : host.querySelector('[data-full]:not([hidden])').dataset.full) };
}
