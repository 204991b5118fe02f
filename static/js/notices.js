// What the desk says without interrupting: a note over the stage, and the states that take the stage over. Text only ever enters
// through textContent.
import { iconNode } from './film.js';
import { hints } from './hint.js';
import { gettext } from './words.js';

/** `stage` holds #note, #hint and #full; `say(text)` reaches the live region; `onFull(name)` hears which state took the stage
 *  over, null none. */
export function notices(stage, say, onFull = () => {}) {
  const box = stage.querySelector('#note');
  const hint = hints(stage);
  let said = '';
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
    close.setAttribute('aria-keyshortcuts', 'Escape');
    close.title = gettext('Dismiss (Esc)');
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

  /** Takes the banner away, whatever it says; false where there is none. */
  function dismiss() {
    if (box.hidden) return false;
    box.hidden = true;
    return true;
  }

  /** Shows one state over the whole stage, null none; `text` and `title` stand in for its own words. */
  function full(name, text, title) {
    const was = { name: shown(), said };
    host.hidden = name === null;
    for (const part of host.querySelectorAll('[data-full]')) part.hidden = part.dataset.full !== name;
    if (name && text) host.querySelector(`[data-full="${name}"] p`).textContent = text;
    if (name && title) host.querySelector(`[data-full="${name}"] h2`).textContent = title;
    if (name) stage.classList.remove('loading');
    onFull(name);
    tell(was);
  }

  /** Who can't see the stage hears what took it over, and its button is at hand. */
  function tell(was) {
    const name = shown();
    const part = name && host.querySelector(`[data-full="${name}"]`);
    said = part ? `${part.querySelector('h2').textContent}. ${part.querySelector('p').textContent}` : '';
    if (said && said !== was.said) say(said);
    if (part && name !== was.name && !document.querySelector('dialog[open]')) (part.querySelector('button') ?? stage).focus({ preventScroll: true });
  }

  /** The state that is over the stage, null none. */
  function shown() {
    return host.hidden ? null : host.querySelector('[data-full]:not([hidden])').dataset.full;
  }

  return { note, full, quiet, dismiss, hint, isFull: () => !host.hidden, shown };
}
