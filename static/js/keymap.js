// One table of keys. It drives the bindings, the hints on buttons, aria-keyshortcuts and the ? dialog, so that a listed key
// can't do nothing and a working key can't go unlisted. A row with `when` works while that is going on, before all others
// (reasons: their list is open; pen: it is on); `shown` stands for its keys in the ? dialog.
import { gettext } from './words.js';

const REASONS = ['1', '2', '3', '4', '5', '6', '7', '8'];

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
  { id: 'reason', when: 'reasons', keys: [...REASONS], shown: ['1–8'], group: gettext('Reject'), label: gettext('Reject for this reason') },
  { id: 'several', when: 'reasons', keys: REASONS.map((key) => `Shift+${key}`), shown: ['Shift+1–8'], group: gettext('Reject'), label: gettext('Choose one of several reasons') },
  { id: 'take', when: 'reasons', keys: ['Enter'], group: gettext('Reject'), label: gettext('Reject for the chosen reasons, or the outlined one') },
  { id: 'less', when: 'reasons', keys: ['-'], group: gettext('Reject'), label: gettext('Too little of it: before the reason') },
  { id: 'more', when: 'reasons', keys: ['+', '='], group: gettext('Reject'), label: gettext('Too much of it: before the reason') },
  { id: 'ring', when: 'pen', keys: ['Enter'], group: gettext('Pen'), label: gettext('Ring round the middle') },
  { id: 'ringBack', when: 'pen', keys: ['Backspace'], group: gettext('Pen'), label: gettext('Take the last ring away'), repeat: true },
  { id: 'penDown', when: 'pen', keys: ['Escape'], group: gettext('Pen'), label: gettext('Put the pen down') },
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

const isSingle = (key) => key.length === 1 && key !== ' ';
const worksWith = (singles) => (key) => singles || !isSingle(key.replace('Shift+', ''));

/** Names the keys of a button to whoever can't see its hint. */
export function setShortcuts(button, keys) {
  button.setAttribute('aria-keyshortcuts', keys.map((key) => ARIA[key] ?? key).join(' '));
}

/** Writes hints and aria-keyshortcuts onto [data-key="id"] buttons of `root`; `usable` filters the table. Without `singles`
 *  only the keys that work then. */
export function markButtons(root, usable, { singles = true } = {}) {
  for (const entry of KEYMAP.filter(usable)) {
    const keys = entry.keys.filter(worksWith(singles));
    for (const button of root.querySelectorAll(`[data-key="${entry.id}"]`)) {
      // A mouse that rests on a tool learns its name and key, also where the bar is too narrow for words.
      const name = (button.ariaLabel ?? button.textContent).trim();
      if (!button.title && button.closest('.rv-tools, .cmp-tools')) button.title = keys.length ? `${name} (${keyName(keys[0])})` : name;
      if (!keys.length) continue;
      setShortcuts(button, keys);
      if (!button.matches('.icon, select')) {
        const hint = kbd(keyName(keys[0]));
        hint.setAttribute('aria-hidden', 'true');
        button.append(hint);
      }
    }
  }
}

/** Fills the ? dialog: one list per group, in the order of the table, with the keys that work. */
export function fillHelp(host, usable, { singles = true } = {}) {
  const working = (entry) => (singles && entry.shown) || entry.keys.filter(worksWith(singles));
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

/** The digit of a key, wherever the layout has it and whatever Shift makes of it; '' where it has none. */
export const digitOf = (event) => /^(?:Digit|Numpad)([1-8])$/.exec(event.code)?.[1] ?? (/^[1-8]$/.test(event.key) ? event.key : '');

/** Letters go by what they type, so they follow the keyboard's layout. `now` is what is going on, first what counts first. */
function find(event, usable, now) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const isModified = event.ctrlKey || event.metaKey;
  const wanted = isModified ? `Ctrl+${key}` : key;
  const among = (rows, name) => rows.find((entry) => entry.keys.includes(name) && usable(entry));
  for (const when of isModified ? [] : now) {
    const rows = KEYMAP.filter((entry) => entry.when === when);
    const typed = among(rows, wanted); // a minus is one, also where it shares its key with a digit
    const digit = digitOf(event);
    const found = typed && !/^\d$/.test(wanted) ? typed : (event.shiftKey && among(rows, `Shift+${digit}`)) || among(rows, digit);
    if (found) return found;
  }
  const rows = KEYMAP.filter((entry) => !entry.when);
  return (event.shiftKey && among(rows, `Shift+${wanted}`)) || among(rows, wanted);
}

/**
 * Binds the table to `handlers` (id -> function). `singles` false switches single characters off (WCAG 2.1.4).
 * `before(event)` sees each key first and returns true where it has used it; `now()` lists what is going on, for rows with
 * `when`. Keys are dead in fields and behind dialogs, and a held key acts once unless its entry repeats.
 */
export function bindKeys(handlers, { singles = true, before = () => false, now = () => [] } = {}) {
  const usable = (entry) => entry.id in handlers;
  addEventListener('keydown', (event) => {
    if (event.altKey || document.querySelector('dialog[open]')) return;
    if (isField(event.target) && event.key !== 'Escape') return; // Esc always leads out of a field
    const modified = event.ctrlKey || event.metaKey;
    if (!modified && !singles && isSingle(event.key)) return;
    if (!modified && before(event)) return;
    const entry = find(event, usable, now());
    if (!entry) return;
    if (isField(event.target)) event.target.blur();
    if ((event.key === 'Enter' || event.key === ' ') && isControl(event.target)) return;
    event.preventDefault();
    if (event.repeat && !entry.repeat) return;
    handlers[entry.id](event);
  });
  return usable;
}
