// Upload page: files go by tus, three at a time, on from their last confirmed byte, and are skipped when they are here already.
// Without this script the plain form below does the same in one request.
import { dropped } from './dropped.js';
import { headers, sessionOver } from './session.js';
import { Sheets } from './sheet.js';
import { sendFile } from './tus.js';
import { row, size, WEIGHT } from './upload_rows.js';
import { gettext, ngettext, number } from './words.js';

const PARALLEL = 3;
const RETRY_S = [1, 2, 4, 8, 16];
const SHOWN = 12;
const LOOK_MS = 2000;
const PHOTO = /\.(jpe?g|png|webp|tiff?|avif|hei[cf]|zip)$/i;
const SHEET = /\.(csv|tsv)$/i;
const LITTER = /(^|\/)(\.|__MACOSX\/|thumbs\.db$|desktop\.ini$)/i;

const page = document.getElementById('upload');
const $ = (id) => document.getElementById(id);

class Queue {
  constructor() {
    this.items = [];
    this.paused = false;
    this.active = 0;
    this.known = null;
    this.hasSheet = Boolean(page.dataset.hasSheet);
    this.asked = '';
    this.sentBytes = 0;
    this.startedAt = 0;
    this.counts = { ready: Number($('n-ready').textContent), dup: Number($('n-dup').textContent), bad: Number($('n-bad').textContent), here: 0 };
  }

  async add(files) {
    const fresh = files.filter(({ path }) => !LITTER.test(path));
    const sheet = fresh.find(({ path, file }) => SHEET.test(path) || file.type === 'text/csv');
    const photos = fresh.filter((one) => one !== sheet);
    if (sheet && (await sheets.offer(sheet.file)) === 'bad') return; // no photo before its list can be read
    this.known ??= await knownFiles();
    for (const { file, path } of photos) {
      const here = this.items.find((one) => one.path === path && one.file.size === file.size);
      if (here) { this.addAgain(here, file); continue; }
      const item = { file, path, sent: 0, tries: 0, state: 'wait', message: '' };
      if (this.known.has(`${path}|${file.size}`)) this.settle(item, 'here', gettext('Already here, skipped.'));
      this.items.push(item);
    }
    this.startedAt ||= performance.now();
    paint();
    this.pump();
  }

  /** The same file once more: what was refused or not sent has its chance, what is in or on its way needs none. */
  addAgain(item, file) {
    if (!['bad', 'lost'].includes(item.state)) return;
    if (item.state === 'bad') this.counts.bad -= item.inside ? item.inside.filter((line) => line.status === 'rejected').length : 1;
    Object.assign(item, { file, inside: null, sent: 0, tries: 0, state: 'wait', message: '' });
  }

  pump() {
    while (!this.paused && this.active < PARALLEL) {
      const item = this.items.find((one) => one.state === 'wait');
      if (!item) break;
      this.active += 1;
      item.state = 'up';
      send(item).then((answer) => this.answered(item, answer)).finally(() => {
        this.active -= 1;
        paint();
        this.pump();
      });
    }
    paint();
  }

  answered(item, { code, body }) {
    const lines = body.lines ?? [];
    if (code === 507 || code === 401) {
      this.paused = true;
      this.requeue(item, body.message);
      if (code === 401) sessionOver(() => { this.paused = false; this.pump(); });
    } else if (code === 0 || code >= 500 || code === 429) {
      this.retryLater(item);
    } else if (lines.length) {
      const sheet = lines.find((line) => line.status === 'sheet');
      if (sheet) { this.hasSheet = true; sheets.say('approve', `${sheet.path}: ${sheet.message}`); }
      for (const line of lines) this.count(line.status);
      item.inside = lines;
      item.sent = item.file.size;
      describeArchive(item);
      this.lookLater();
    } else {
      this.settle(item, { accepted: 'ok', duplicate: 'dup', already_here: 'here' }[body.status] ?? 'bad', body.message);
    }
  }

  requeue(item, message) {
    item.state = 'wait';
    item.sent = 0;
    item.message = message ?? '';
    say(message ?? '');
  }

  retryLater(item) {
    const wait = RETRY_S[item.tries];
    item.sent = 0;
    item.tries += 1;
    if (wait === undefined) {
      item.state = 'lost';
      item.message = gettext('The connection failed several times. Nothing is lost; retry this file.');
      return;
    }
    item.state = 'later';
    item.message = gettext('Connection lost, trying again in {wait} s.', { wait });
    setTimeout(() => {
      if (item.state !== 'later') return;
      item.state = 'wait';
      item.message = '';
      this.pump();
    }, wait * 1000);
  }

  settle(item, state, message) {
    item.state = state;
    item.message = state === 'ok' ? '' : message;
    if (state === 'ok') this.lookLater();
    item.sent = item.file.size;
    this.count({ ok: 'accepted', dup: 'duplicate', here: 'already_here', bad: 'rejected' }[state]);
  }

  count(status) {
    const key = { accepted: 'ready', duplicate: 'dup', rejected: 'bad', already_here: 'here' }[status];
    if (key) this.counts[key] += 1; // a list is no photo
  }

  /** Rows find their photos as these arrive, so how the list stands is asked for once everything is answered. */
  async askSheet() {
    const state = `${this.items.length}`;
    if (!this.hasSheet || this.asked === state) return;
    this.asked = state;
    const found = await standing();
    if (found?.message) {
      showList(found.message);
      if ($('csv-said').firstChild) sheets.say('approve', found.message);
    } else this.asked = '';
  }

  /** Arrived is not yet looked at: a worker opens each photo, and what it refuses is said in the file's own line. */
  lookLater() {
    this.looking ||= setTimeout(async () => {
      const found = await checks();
      this.looking = 0;
      for (const [path, message] of found?.refused ?? []) this.refuse(path, message);
      paint();
      if (!found || found.unchecked) this.lookLater();
    }, LOOK_MS);
  }

  refuse(path, message) {
    for (const item of this.items) {
      const line = item.inside?.find((one) => one.path === path && one.status === 'accepted');
      if (!line && (item.path !== path || item.state !== 'ok')) continue;
      this.counts.ready -= 1;
      this.counts.bad += 1;
      if (line) {
        Object.assign(line, { status: 'rejected', message });
        describeArchive(item);
      } else Object.assign(item, { state: 'bad', message });
      return;
    }
  }
}

const queue = page && $('drop') ? new Queue() : null;
const sheets = queue && new Sheets(page, (message) => {
  queue.hasSheet = true;
  queue.asked = ''; // asked again when the files that are on their way are answered
  showList(message);
});

function send(item) {
  return sendFile({
    item,
    batch: page.dataset.batch,
    address: page.dataset.tusUrl,
    headers,
    progress: (sent) => {
      queue.sentBytes += Math.max(0, sent - item.sent);
      item.sent = Math.min(sent, item.file.size);
      later();
    },
  });
}

async function knownFiles() {
  try {
    const answer = await fetch(page.dataset.knownUrl, { headers: { Accept: 'application/json' } });
    const body = await answer.json();
    return new Set(body.files.map(([path, bytes]) => `${path}|${bytes}`));
  } catch {
    return new Set(); // the server answers "already here" file by file instead
  }
}

async function checks() {
  if (document.hidden) return null;
  try {
    const answer = await fetch(page.dataset.checksUrl, { headers: { Accept: 'application/json' } });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null; // asked again in a moment
  }
}

/** A ZIP's line: what came of the files inside it. */
function describeArchive(item) {
  const files = item.inside.filter((line) => line.status !== 'sheet');
  const bad = files.filter((line) => line.status === 'rejected');
  const words = bad.map((line) => `${line.path}: ${line.message}`).join(' ');
  item.state = !bad.length ? 'ok' : bad.length < files.length ? 'part' : 'bad';
  item.message = `${ngettext('{count} file in the ZIP, {bad} refused.', '{count} files in the ZIP, {bad} refused.', files.length, { bad: bad.length })} ${words}`.trim();
}

async function standing() {
  try {
    const answer = await fetch(page.dataset.csvUrl, { headers: { Accept: 'application/json' } });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null; // asked again with the next file
  }
}

/** How the list stands by now, in its own card. */
function showList(text) {
  $('sheet-now').hidden = false;
  $('sheet-now').textContent = text;
}

function say(text) { $('u-foot').textContent = text; }

let timer = 0;
function later() { timer ||= setTimeout(() => { timer = 0; paint(); }, 200); }

function retry(item) {
  Object.assign(item, { tries: 0, state: 'wait', message: '' });
  queue.pump();
}

function paint() {
  const { items, counts } = queue;
  $('queue').hidden = !items.length;
  $('n-ready').textContent = counts.ready;
  $('n-dup').textContent = counts.dup;
  $('n-bad').textContent = counts.bad;
  $('n-here').textContent = counts.here;
  if (!items.length) return;
  const done = items.filter((one) => ['ok', 'part', 'dup', 'here', 'bad'].includes(one.state));
  const total = items.reduce((sum, one) => sum + one.file.size, 0);
  const sent = items.reduce((sum, one) => sum + Math.min(one.sent, one.file.size), 0);
  const speed = queue.sentBytes / Math.max(1, (performance.now() - queue.startedAt) / 1000);
  const left = Math.ceil((total - sent) / Math.max(speed, 1));
  const isOver = done.length === items.length;
  $('u-head').textContent = gettext('{done} of {all} files', { done: number(done.length), all: number(items.length) });
  const eta = left >= 60 ? gettext('{minutes} min {seconds} s', { minutes: Math.floor(left / 60), seconds: left % 60 }) : `${left} s`;
  $('u-sub').textContent = gettext('{sent} of {all}', { sent: size(sent), all: size(total) })
    + (isOver || queue.paused || !sent ? '' : gettext(', about {time} left', { time: eta }));
  $('u-speed').textContent = queue.paused ? gettext('Paused') : isOver ? '' : `${(speed / 1e6).toFixed(1)} MB/s`;
  $('u-all').value = total ? (sent / total) * 100 : 100;
  $('pause').hidden = isOver;
  $('pause').lastElementChild.textContent = queue.paused ? gettext('Resume') : gettext('Pause');
  const shown = [...items].sort((a, b) => WEIGHT[a.state] - WEIGHT[b.state]).slice(0, SHOWN);
  $('flist').replaceChildren(...shown.map((item) => row(item, retry)));
  if (isOver) queue.askSheet();
  const folded = items.length - shown.length;
  const stuck = items.find((one) => one.state === 'wait' && one.message);
  if (stuck && queue.paused) say(stuck.message);
  else if (isOver) say(ngettext(
    'The file is answered. Finish when nothing more is to come.',
    'All {count} files are answered. Finish when nothing more is to come.',
    items.length,
  ));
  else say(folded ? ngettext(
    'Showing what needs attention and what is in flight. {count} file is folded away.',
    'Showing what needs attention and what is in flight. {count} files are folded away.',
    folded,
  ) : gettext('Leave this page open while files are in flight.'));
}

function wire() {
  $('live-upload').hidden = false;
  $('plain-upload').hidden = true;
  const drop = $('drop');
  for (const [button, input] of [['pick-files', 'in-files'], ['pick-folder', 'in-folder'], ['pick-csv', 'in-csv']]) {
    $(button).addEventListener('click', () => $(input).click());
    $(input).addEventListener('change', () => {
      const files = [...$(input).files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
      const wanted = input === 'in-folder' ? files.filter(({ path }) => PHOTO.test(path) || SHEET.test(path)) : files;
      queue.add(wanted);
      $(input).value = '';
    });
  }
  for (const name of ['dragenter', 'dragover']) {
    document.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add('over'); });
  }
  document.addEventListener('dragleave', (event) => { if (!event.relatedTarget) drop.classList.remove('over'); });
  document.addEventListener('drop', async (event) => {
    event.preventDefault();
    drop.classList.remove('over');
    queue.add(await dropped(event.dataTransfer));
  });
  $('pause').addEventListener('click', () => { queue.paused = !queue.paused; queue.pump(); });
  window.addEventListener('online', () => { for (const one of queue.items) if (one.state === 'later') one.state = 'wait'; queue.pump(); });
  window.addEventListener('beforeunload', (event) => {
    if (queue.items.some((one) => ['up', 'wait', 'later'].includes(one.state))) event.preventDefault();
  });
}

if (queue) wire();
