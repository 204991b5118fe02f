// The review desk: joins queue, viewer, keys and screen. Decisions paint the next photo at once and are sent behind it.
import { Adjuster } from './adjust.js';
import { compare } from './compare.js';
import { Composer } from './compose.js';
import { fillDetails } from './details.js';
import { drawFilm, MARKS } from './film.js';
import { bindKeys, fillHelp, markButtons } from './keymap.js';
import { notices } from './notices.js';
import { Queue } from './queue.js';
import { Reasons } from './reasons.js';
import { gettext, ngettext, number } from './words.js';

const WARM = 2; // attached and decoded
const AHEAD = 6; // fetched and decoded
const SKELETON_MS = 300;
const TICK_MS = 1000;
const PREFETCH_AFTER_MS = 120; // by then the photo is painted, in software too

const $ = (selector) => document.querySelector(selector);
const boot = JSON.parse($('#boot').textContent);
const desk = $('#desk');
const stage = $('#stage');
const panel = $('#panel');
const isSmall = (navigator.deviceMemory ?? 8) <= 4 || navigator.connection?.saveData;
const warm = isSmall ? 1 : WARM;
const ahead = isSmall ? 3 : AHEAD;

const say = (text) => { $('#live').textContent = text; };
const queue = new Queue(boot);
const { viewer, handlers: view, overlays, beside } = compare(desk, stage, say);
const { note, full, quiet, isFull } = notices(stage);
const composer = new Composer(desk, stage, viewer, say);
const reasons = new Reasons(desk, { say, onReject: (codes) => decide('reject', codes), first: boot.reasons[0][1] });
const adjuster = new Adjuster($('#adjust'), stage, {
  headers: () => queue.headers(),
  say,
  show: (item) => viewer.show(item),
  taken: (entry, item) => queue.replace(entry, item),
});
const cache = new Map();
let isPainted = false;
let soonTimer = 0;
let shownAt = 0;
let lastReject = null; // {reasons, note}: what "." repeats

// ---- prefetch
function prefetch() {
  const next = queue.entries.filter((entry, at) => at > queue.index && !entry.state);
  const keep = [queue.current, queue.history.at(-1), ...next.slice(0, warm)].filter(Boolean).map((entry) => entry.key);
  viewer.keepOnly(keep);
  for (const entry of next.slice(0, warm)) viewer.load(entry).ready.then(film);
  if (next.length) viewer.warm(next[0]);
  const soon = next.slice(warm, ahead);
  for (const key of cache.keys()) if (!soon.some((entry) => entry.key === key)) cache.delete(key);
  for (const entry of soon.filter((each) => !cache.has(each.key))) {
    const pair = [entry.before, entry.after, entry.matte].filter(Boolean).map((src) => Object.assign(new Image(), { src }));
    cache.set(entry.key, false);
    Promise.all(pair.map((image) => image.decode())).then(() => { cache.set(entry.key, pair); film(); }, () => cache.delete(entry.key));
  }
}

/** Ahead, but not in the way: decoding what comes later must not delay painting what was asked for. */
function prefetchSoon() {
  clearTimeout(soonTimer);
  soonTimer = setTimeout(prefetch, PREFETCH_AFTER_MS);
}

const isWarm = (entry) => Boolean(viewer.records.get(entry.key)?.ok || cache.get(entry.key));
const film = () => drawFilm($('#film'), queue, isWarm, (at) => queue.goto(at));

// ---- showing one photo
function show() {
  const entry = queue.current;
  if (!entry) return;
  isPainted = false;
  reasons.close();
  composer.open(entry);
  if (adjuster.entry !== entry) adjuster.close();
  full(null);
  const record = viewer.show(entry);
  const slow = record.ok ? 0 : setTimeout(() => stage.classList.add('loading'), SKELETON_MS);
  const painted = () => {
    clearTimeout(slow);
    if (queue.current !== entry) return;
    stage.classList.remove('loading');
    if (record.failed) { full('error'); return; }
    requestAnimationFrame(() => {
      if (queue.current !== entry) return;
      isPainted = true;
      shownAt = performance.now();
      stage.dataset.shown = entry.key;
    });
  };
  if (record.ok) painted();
  else record.ready.then(painted);
  heading(entry);
  film();
  if (!panel.hidden) fillDetails(panel, entry, overlays, beside);
  prefetchSoon();
}

function heading(entry) {
  $('#sku').textContent = entry.sku;
  $('#pname').textContent = entry.name === entry.sku ? '' : entry.name;
  $('#pbatch').textContent = entry.batch;
}

function figures() {
  $('#m-left').textContent = number(queue.left);
  $('#m-done').textContent = number(queue.done);
}

// ---- decisions
function decide(verdict, codes = [], words = null) {
  const entry = queue.current;
  if (!entry || !isPainted || isFull()) return;
  if (entry.state) { say(gettext('{sku} is decided. Z takes it back.', { sku: entry.sku })); return; }
  if (adjuster.isTrying) { say(gettext('Take the new result or keep the old one first.')); return; }
  const { note: typed, marks } = composer.draft;
  const sent = { reasons: codes, note: words ?? typed, marks, seconds: Math.round(performance.now() - shownAt) / 1000 };
  if (verdict === 'reject') lastReject = { reasons: codes, note: sent.note };
  reasons.close();
  flash(verdict);
  queue.decide(verdict, sent);
  say(`${MARKS[verdict].word} ${entry.sku}.`);
  figures();
}

async function undo() {
  const undone = await queue.undo();
  if (!undone) { say(gettext('Nothing to undo.')); return; }
  flash('undo');
  say(gettext('Undone: {sku} was {verdict}.', { sku: undone.entry.sku, verdict: MARKS[undone.verdict].word.toLowerCase() }));
  figures();
}

function openReasons() {
  if (!isPainted || isFull() || queue.current?.state) return;
  reasons.open(queue.current.assist?.suggest);
}

function rejectAsLast() {
  if (!lastReject) { say(gettext('Nothing was rejected here yet. X opens the reasons.')); return; }
  decide('reject', lastReject.reasons, composer.draft.note || lastReject.note);
}

function flash(name) {
  const button = document.querySelector(`.act[data-do="${name}"]`);
  button?.classList.add('hit');
  setTimeout(() => button?.classList.remove('hit'), 120);
}

// ---- what others, the lease and the network do
function emptyText() {
  const { others, held } = queue.counts;
  const parts = [];
  if (others) parts.push(ngettext(
    '{count} photo is with another reviewer and comes here if given back.',
    '{count} photos are with other reviewers and come here if given back.',
    others,
  ));
  if (held) parts.push(ngettext('{count} is on hold.', '{count} are on hold.', held));
  parts.push(gettext('New photos show up here as they are scored.'));
  return parts.join(' ');
}

function ended() {
  if (queue.open.length) return;
  $('#sku').textContent = queue.counts.others ? gettext('Nothing free') : gettext('Queue is clear');
  $('#pname').textContent = '';
  $('#pbatch').textContent = '';
  isPainted = false;
  full('empty', emptyText());
  figures();
  film();
}

function refused({ entry: of, status, message, isKept }) {
  const entry = of ?? { sku: gettext('A decision from before the page was loaded anew') };
  if (status === 409) note('neutral', 'users', entry.sku, isKept ? `${message} ${gettext('Your vote was kept as a second opinion.')}` : message);
  else if (status === 422) note('fail', 'triangle-alert', entry.sku, message, { label: gettext('Open'), run: () => queue.goto(queue.entries.indexOf(entry)) });
  else note('hold', 'hourglass', entry.sku, message);
  figures();
}

function network({ online = true, signedOut = false, waiting, isKept = true }) {
  desk.dataset.unsent = String(waiting);
  if (signedOut && !$('#signed-out').open) $('#signed-out').showModal();
  const ready = queue.open.filter(isWarm).length;
  if (!online) {
    let held = gettext('Nothing waits to be sent.');
    if (waiting) {
      held = isKept ? ngettext('{count} decision is saved on this device and will be sent when you reconnect.',
          '{count} decisions are saved on this device and will be sent when you reconnect.', waiting)
        : ngettext('{count} decision is kept in this page only: leave it open until you reconnect.',
          '{count} decisions are kept in this page only: leave it open until you reconnect.', waiting);
    }
    const left = ngettext('{count} photo is ready to review.', '{count} photos are ready to review.', ready);
    note('hold', 'wifi-off', gettext('You are offline.'), `${held} ${left}`);
  } else quiet('wifi-off');
}

function tick() {
  const left = Math.max(0, Math.round((queue.leaseEnds - Date.now()) / 1000));
  $('#m-lease').textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
}

function toggleAdjust() {
  if (adjuster.isOpen) adjuster.close();
  else if (isPainted && !isFull() && queue.current && !queue.current.state) {
    if (!panel.hidden) togglePanel();
    adjuster.open(queue.current);
  }
  $('#mid').classList.toggle('panel', adjuster.isOpen || !panel.hidden);
}

function togglePanel() {
  adjuster.close();
  panel.hidden = !panel.hidden;
  $('#mid').classList.toggle('panel', !panel.hidden);
  $('[data-do="panel"]').setAttribute('aria-pressed', String(!panel.hidden));
  if (!panel.hidden && queue.current) fillDetails(panel, queue.current, overlays, beside);
}

async function openBeside() {
  if (panel.hidden) togglePanel();
  await beside.filled;
  if (panel.hidden) return;
  $('#beside').scrollIntoView({ block: 'nearest' });
  $('#beside .sib:not([disabled])')?.focus();
}

// ---- keys and buttons
const handlers = {
  ...view,
  approve: () => decide('approve'),
  reject: () => (reasons.isOpen ? reasons.take() : openReasons()),
  again: rejectAsLast,
  hold: () => decide('hold'),
  skip: () => decide('skip'),
  escalate: () => decide('escalate'),
  note: () => composer.note(),
  mark: () => composer.setDrawing(!composer.isDrawing),
  undo,
  panel: togglePanel,
  adjust: toggleAdjust,
  beside: openBeside,
  left: () => view.left() || queue.step(-1),
  right: () => view.right() || queue.step(1),
  help: () => $('#help').showModal(),
  cancel: () => {
    if (reasons.isOpen) reasons.close();
    else if (adjuster.isOpen) toggleAdjust();
    else view.cancel();
  },
};
const usable = bindKeys(handlers, {
  singles: desk.dataset.keys !== 'off',
  before: (event) => composer.key(event) || reasons.key(event),
});
if (desk.dataset.keys !== 'off') markButtons(desk, usable);
fillHelp($('#help-cols'), usable);
for (const button of document.querySelectorAll('.act[data-do], .rv-top [data-do], .rv-tools [data-own], .reasons [data-do]')) {
  button.addEventListener('click', (event) => {
    if (event.detail > 0) stage.focus({ preventScroll: true }); // a mouse: Space goes on meaning the original
    handlers[button.dataset.do]();
  });
}
$('#reclaim').addEventListener('click', () => { full(null); queue.reclaim(); });
$('#retry-image').addEventListener('click', () => {
  const entry = queue.current;
  viewer.records.delete(entry.key);
  viewer.wanted = null;
  show();
});
$('#skip-image').addEventListener('click', () => { full(null); isPainted = true; decide('skip'); });
$('#again').addEventListener('click', () => { $('#signed-out').close(); queue.outbox.retryNow(); queue.refill(); });

queue.addEventListener('moved', show);
queue.addEventListener('ended', ended);
queue.addEventListener('changed', () => { figures(); film(); if (queue.open.length) prefetchSoon(); });
queue.addEventListener('refused', (event) => refused(event.detail));
queue.addEventListener('network', (event) => network(event.detail));
queue.addEventListener('lease', () => { isPainted = false; full('lease'); });

setInterval(tick, TICK_MS);
// Who chose the assisted queue wants the score and why; on a small screen the panel would cover the picture.
if (!boot.blind && matchMedia('(min-width: 1024px)').matches) togglePanel();
if (queue.open.length) show();
else stage.classList.add('loading');
figures();
queue.start();
