// The rows of the upload list: one per file, made once and changed in place.
import { gettext } from './words.js';

/** A number of bytes in words. */
export function size(bytes) {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e5 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.ceil(bytes / 1e3)} kB`;
}

const $ = (id) => document.getElementById(id);

export const WEIGHT = { lost: 0, up: 1, later: 2, bad: 3, part: 3, dup: 4, wait: 5, here: 6, ok: 7 };

export function row(item, retry) {
  const tr = item.tr ?? document.createElement('tr');
  if (!item.tr) {
    item.tr = tr;
    for (const name of ['', 'num nowrap hide-m', '', '']) tr.insertCell().className = name;
    const name = document.createElement('span');
    name.className = 'trunc fn row';
    name.textContent = item.path;
    name.title = item.path;
    const bar = document.createElement('progress');
    bar.className = 'pr';
    bar.max = 100;
    bar.setAttribute('aria-label', item.path);
    tr.cells[0].append(name);
    tr.cells[1].textContent = size(item.file.size);
    tr.cells[2].append(bar);
  }
  const bar = tr.cells[2].firstElementChild;
  bar.value = item.state === 'wait' ? 0 : Math.round((item.sent / Math.max(1, item.file.size)) * 100);
  bar.className = `pr ${{ ok: 'done', part: 'done', dup: 'done', here: 'done', bad: 'fail', lost: 'fail' }[item.state] ?? ''}`;
  const shown = `${item.state}|${item.message}`;
  if (item.shown !== shown) {
    item.shown = shown;
    const cell = tr.cells[3];
    cell.replaceChildren($(`i-${item.state}`).content.firstElementChild.cloneNode(true));
    if (item.message) {
      const why = document.createElement('div');
      why.className = 'why-row';
      why.textContent = item.message;
      cell.append(why);
    }
    if (item.state === 'lost') cell.append(retryButton(item, retry));
  }
  return tr;
}

function retryButton(item, retry) {
  const button = document.createElement('button');
  button.className = 'btn sm';
  button.type = 'button';
  button.textContent = gettext('Retry');
  button.addEventListener('click', () => retry(item));
  return button;
}
