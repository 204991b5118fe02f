// The filmstrip: the last four decided photos, the current one, the next seven.
import { gettext } from './words.js';

const BEHIND = 4;
const AHEAD = 8;
const AHEAD_NARROW = 6;
const NARROW = 760;

export const MARKS = {
  approve: { icon: 'check', word: gettext('Approved'), tone: 'approve' },
  reject: { icon: 'x', word: gettext('Rejected'), tone: 'reject' },
  hold: { icon: 'pause', word: gettext('On hold'), tone: 'hold' },
  skip: { icon: 'skip-forward', word: gettext('Skipped'), tone: 'neutral' },
  escalate: { icon: 'arrow-up', word: gettext('Escalated'), tone: 'hold' },
  conflict: { icon: 'users', word: gettext('Decided by someone else'), tone: 'conflict' },
  gone: { icon: 'hourglass', word: gettext('Back in the queue'), tone: 'hold' },
};

/** A fresh copy of an icon the page holds in a <template id="ic-name">. */
export function iconNode(name) {
  return document.getElementById(`ic-${name}`).content.cloneNode(true);
}

function frame(entry, at, index, isWarm) {
  const button = document.createElement('button');
  const picture = new Image(60, 60);
  const { state } = entry;
  const mark = state && MARKS[state.verdict];
  const place = at === index ? 'cur' : at > index ? 'next' : '';
  button.type = 'button';
  button.className = `fr ${place}`;
  button.classList.toggle('pending', Boolean(state?.isPending));
  button.classList.toggle('cold', at > index && !isWarm);
  button.dataset.entry = entry.key;
  button.tabIndex = -1;
  button.setAttribute('aria-label', `${entry.sku}${mark ? `, ${mark.word}` : at === index ? `, ${gettext('current')}` : ''}`);
  picture.addEventListener('error', () => { picture.hidden = true; });
  picture.src = entry.thumb;
  picture.alt = '';
  button.append(picture);
  if (mark) {
    const badge = document.createElement('span');
    badge.className = `mk ${mark.tone}`;
    badge.append(iconNode(mark.icon));
    button.append(badge);
  }
  return button;
}

/** Draws the strip; `isWarm(entry)` says whether its pictures are decoded, `go(at)` moves there. */
export function drawFilm(host, queue, isWarm, go) {
  const ahead = innerWidth < NARROW ? AHEAD_NARROW : AHEAD;
  const from = Math.max(0, queue.index - BEHIND);
  const shown = queue.entries.slice(from, queue.index + ahead);
  host.replaceChildren(...shown.map((entry, n) => {
    const button = frame(entry, from + n, queue.index, isWarm(entry));
    button.addEventListener('click', () => go(from + n));
    return button;
  }));
}
