// One table of keys. It drives the bindings, the hints on buttons, aria-keyshortcuts and the ? dialog, so that a listed key
// can't do nothing and a working key can't go unlisted.
import { gettext } from './words.js';

export const KEYMAP = [
  { id: 'approve', keys: ['a', 'Enter'], group: gettext('Decide'), label: gettext('Approve') },
  { id: 'colour', keys: ['v'], group: gettext('Decide'), label: gettext('Tick: colour checked against the product, where it is asked for') },
  { id: 'reject', keys: ['x'], group: gettext('Decide'), label: gettext('Reject, then 1 to 8; X again takes the outlined reason') },
  { id: 'again', keys: ['.'], group: gettext('Decide'), label: gettext('Reject again as last: same reasons, same note') },
  { id: 'hold', keys: ['h'], group: gettext('Decide'), label: gettext('Hold for a second look') },
  { id: 'skip', keys: ['s'], group: gettext('Decide'), label: gettext('Skip, back to the queue') },
  { id: 'escalate', keys: ['d'], group: gettext('Decide'), label: gettext('Escalate to a senior') },
  { id: 'note', keys: ['n'], group: gettext('Decide'), label: gettext('Write a note that goes with the decision') },
  { id: 'mark', keys: ['p'], group: gettext('Decide'), label: gettext('Pen: draw rings on the result') },
  { id: 'adjust', keys: ['o'], group: gettext('Decide'), label: gettext('Adjust edge or shadow of this photo') },
  { id: 'undo', keys: ['z', 'u', 'Ctrl+z'], group: gettext('Decide'), label: gettext('Undo the last decision, repeatable') },
  { id: 'peek', keys: [' '], group: gettext('Compare'), label: gettext('Hold: show the original') },
  { id: 'side', keys: ['q'], group: gettext('Compare'), label: gettext('Side by side') },
  { id: 'swipe', keys: ['w'], group: gettext('Compare'), label: gettext('Swipe') },
  { id: 'blink', keys: ['e'], group: gettext('Compare'), label: gettext('Blink') },
  { id: 'diff', keys: ['r'], group: gettext('Compare'), label: gettext('Difference') },
  { id: 'mask', keys: ['t'], group: gettext('Compare'), label: gettext('Mask: what was removed, tinted') },
  { id: 'white', keys: ['y'], group: gettext('Compare'), label: gettext('White check') },
  { id: 'fit', keys: ['f'], group: gettext('View'), label: gettext('Fit, or actual pixels at the pointer') },
  { id: 'zoomIn', keys: ['+', '='], group: gettext('View'), label: gettext('Zoom in'), repeat: true },
  { id: 'zoomOut', keys: ['-'], group: gettext('View'), label: gettext('Zoom out'), repeat: true },
  { id: 'zoomFit', keys: ['0'], group: gettext('View'), label: gettext('Fit') },
  { id: 'lock', keys: ['l'], group: gettext('View'), label: gettext('Keep zoom, place and mode for the next photo') },
  { id: 'channel', keys: ['c'], group: gettext('View'), label: gettext('Next channel: the file it gets') },
  { id: 'surround', keys: ['b'], group: gettext('View'), label: gettext('Next background') },
  { id: 'panel', keys: ['i'], group: gettext('View'), label: gettext('Details') },
  { id: 'beside', keys: ['k'], group: gettext('View'), label: gettext('Other photos of this product, and references') },
  { id: 'why', keys: ['m'], group: gettext('View'), label: gettext('Why this score: lost points on the picture') },
  { id: 'flag', keys: ['g'], group: gettext('View'), label: gettext('Next flagged place') },
  { id: 'flagBack', keys: ['Shift+g'], group: gettext('View'), label: gettext('Flagged place before') },
  { id: 'left', keys: ['ArrowLeft'], group: gettext('Move'), label: gettext('Pan when zoomed, else the photo before'), repeat: true },
  { id: 'right', keys: ['ArrowRight'], group: gettext('Move'), label: gettext('Pan when zoomed, else the next photo'), repeat: true },
  { id: 'up', keys: ['ArrowUp'], group: gettext('Move'), label: gettext('Pan up'), repeat: true },
  { id: 'down', keys: ['ArrowDown'], group: gettext('Move'), label: gettext('Pan down'), repeat: true },
  { id: 'help', keys: ['?'], group: gettext('Move'), label: gettext('This list') },
  { id: 'cancel', keys: ['Escape'], group: gettext('Move'), label: gettext('Cancel, then fit') },
];

const NAMES = { ' ': 'Space', ArrowLeft: '←', ArrowRight: '→', ArrowUp: '↑', ArrowDown: '↓', Escape: 'Esc' };
const ARIA = { ' ': 'Space', '+': 'Plus', 'Ctrl+z': 'Control+Z', 'Shift+g': 'Shift+G' };

export const keyName = (key) => NAMES[key] ?? (key.length === 1 ? key.toUpperCase() : key.replace(/\+(.)$/, (_, letter) => `+${letter.toUpperCase()}`));

const isField = (target) => target.matches('input:not([type=checkbox]):not([type=radio]), textarea, select');
const isControl = (target) => Boolean(target.closest('button, a, summary'));

function kbd(text) {
  const element = document.createElement('kbd');
  element.textContent = text;
  return element;
}

/** Writes hints and aria-keyshortcuts onto [data-key="id"] buttons of `root`; `usable` filters the table. */
export function markButtons(root, usable) {
  for (const entry of KEYMAP.filter(usable)) {
    for (const button of root.querySelectorAll(`[data-key="${entry.id}"]`)) {
      // A mouse that rests on a tool learns its name and key, also where the bar is too narrow for words.
      const name = (button.ariaLabel ?? button.textContent).trim();
      if (!button.title && button.closest('.rv-tools, .cmp-tools')) button.title = `${name} (${keyName(entry.keys[0])})`;
      button.setAttribute('aria-keyshortcuts', entry.keys.map((key) => ARIA[key] ?? key).join(' '));
      if (!button.matches('.icon, select')) {
        const hint = kbd(keyName(entry.keys[0]));
        hint.setAttribute('aria-hidden', 'true');
        button.append(hint);
      }
    }
  }
}

const isSingle = (key) => key.length === 1 && key !== ' ';

/** Fills the ? dialog: one list per group, in the order of the table, with the keys that work. */
export function fillHelp(host, usable, { singles = true } = {}) {
  const working = (entry) => entry.keys.filter((key) => singles || !isSingle(key.replace('Shift+', '')));
  const groups = groupByHand((entry) => usable(entry) && working(entry).length > 0);
  for (const [group, entries] of groups) {
    const section = document.createElement('section');
    const title = document.createElement('h3');
    const list = document.createElement('dl');
    title.textContent = group;
    for (const entry of entries) {
      const term = document.createElement('dt');
      const text = document.createElement('dd');
      working(entry).forEach((key) => term.append(kbd(keyName(key))));
      text.textContent = entry.label;
      list.append(term, text);
    }
    section.append(title, list);
    host.append(section);
  }
}

function groupByHand(usable) {
  const groups = new Map();
  for (const entry of KEYMAP.filter(usable)) groups.set(entry.group, [...(groups.get(entry.group) ?? []), entry]);
  return groups;
}

/** Letters go by what they type, so they follow the keyboard's layout. */
function find(event, usable) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const wanted = event.ctrlKey || event.metaKey ? `Ctrl+${key}` : key;
  const bound = (name) => KEYMAP.find((entry) => entry.keys.includes(name) && usable(entry));
  return (event.shiftKey && bound(`Shift+${wanted}`)) || bound(wanted);
}

/**
 * Binds the table to `handlers` (id -> function). `singles` false switches single characters off (WCAG 2.1.4).
 * `before(event)` sees each key first and returns true where it has used it. Keys are dead in fields and behind dialogs,
 * and a held key acts once unless its entry repeats.
 */
export function bindKeys(handlers, { singles = true, before = () => false } = {}) {
  const usable = (entry) => entry.id in handlers;
  addEventListener('keydown', (event) => {
    if (event.altKey || document.querySelector('dialog[open]')) return;
    if (isField(event.target) && event.key !== 'Escape') return; // Esc always leads out of a field
    const modified = event.ctrlKey || event.metaKey;
    if (!modified && !singles && isSingle(event.key)) return;
    if (!modified && before(event)) return;
    const entry = find(event, usable);
    if (!entry) return;
    if (isField(event.target)) event.target.blur();
    if ((event.key === 'Enter' || event.key === ' ') && isControl(event.target)) return;
    event.preventDefault();
    if (event.repeat && !entry.repeat) return;
    handlers[entry.id](event);
  });
  return usable;
}
