// The review desk: joins queue, viewer, keys and screen. Decisions paint the next photo at once and are sent behind it.
import { Adjuster } from './adjust.js';
import { Aside } from './aside.js';
import { compare } from './compare.js';
import { Composer } from './compose.js';
import { fillDetails, setNoDetails } from './details.js';
import { drawFilm, MARKS } from './film.js';
import { idle, kept } from './idle.js';
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
const { note, full, quiet, dismiss, hint, isFull, shown } = notices(stage, say, (name) => {
  for (const button of document.querySelectorAll('.act:not(.undo)')) button.disabled = name !== null; // nothing to decide
  setNoDetails(panel, name !== null && name !== 'error');
});
const refuse = (text) => { say(text); hint(text); }; // a key that can't do what it is for says so to those who look, too
const { viewer, handlers: view, overlays, beside, channels } = compare(desk, stage, say, refuse);
const aside = new Aside($('#aside'), $('#aside-open'), queue.outbox);
const composer = new Composer(desk, stage, viewer, { say, refuse, home: () => channels.home() });
channels.onLeave = () => composer.setDrawing(false);
const reasons = new Reasons(desk, stage, { say, onReject: (codes) => decide('reject', codes), first: boot.reasons[0][1], ways: boot.ways });
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
  full(queue.outbox.forbidden ? 'forbidden' : null);
  const record = viewer.show(entry);
  const slow = record.ok ? 0 : setTimeout(() => stage.classList.add('loading'), SKELETON_MS);
  const painted = () => {
    clearTimeout(slow);
    if (queue.current !== entry) return;
    stage.classList.remove('loading');
    if (record.failed) { if (!isFull()) full('error'); return; }
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
  $('#m-left').textContent = number(boot.blind ? queue.left : queue.open.length); // assisted: no total is told
  $('#m-done').textContent = number(queue.done);
}

// ---- decisions
/** Somebody else has signed in: what they press here must not become the decision of the person whose desk this is. */
function isSomebodyElses() {
  const { other, waiting } = queue.outbox;
  if (other) shut(other, waiting);
  return Boolean(other);
}

function decide(verdict, codes = [], words = null) {
  const entry = queue.current;
  if (!entry || !isPainted || isFull() || isSomebodyElses()) return;
  if (entry.state) { refuseDecided(entry); return; }
  if (adjuster.isTrying) { refuse(gettext('Take the new result or keep the old one first.')); return; }
  if (verdict === 'approve' && composer.isUnticked) { askForTick(entry); return; }
  const { note: typed, marks, colour } = composer.draft;
  const sent = { reasons: codes, note: words ?? typed, marks, colour, seconds: Math.round(performance.now() - shownAt) / 1000 };
  if (verdict === 'reject') lastReject = { reasons: codes, note: sent.note };
  reasons.close();
  flash(verdict);
  queue.decide(verdict, sent);
  say(`${MARKS[verdict].word} ${entry.sku}.`);
  figures();
}

function refuseDecided(entry) {
  refuse(gettext('{sku} is decided. Z takes it back.', { sku: entry.sku }));
}

function askForTick(entry) {
  const text = gettext('Hold its colour against the product itself, tick that you did (V), then approve.');
  note('hold', 'triangle-alert', entry.sku, text, { label: gettext('Tick'), run: () => composer.tick() });
}

async function undo() {
  if (isSomebodyElses()) return;
  const undone = await queue.undo();
  if (!undone) { refuse(gettext('Nothing to undo.')); return; }
  flash('undo');
  say(gettext('Undone: {sku} was {verdict}.', { sku: undone.entry.sku, verdict: MARKS[undone.verdict].word.toLowerCase() }));
  figures();
}

function openReasons() {
  if (!isPainted || isFull() || !queue.current) return;
  if (queue.current.state) refuseDecided(queue.current);
  else if (adjuster.isTrying) refuse(gettext('Take the new result or keep the old one first.'));
  else reasons.open(queue.current.assist?.suggest);
}

function rejectAsLast() {
  if (!lastReject) { refuse(gettext('Nothing was rejected here yet. X opens the reasons.')); return; }
  decide('reject', lastReject.reasons, composer.draft.note || lastReject.note);
}

function flash(name) {
  const button = document.querySelector(`.act[data-do="${name}"]`);
  button?.classList.add('hit');
  setTimeout(() => button?.classList.remove('hit'), 120);
}

// ---- what others, the lease and the network do
/** No photo is on screen. */
function blank(title) {
  heading({ sku: title, name: '', batch: '' });
  isPainted = false;
  reasons.close();
  adjuster.close();
}

function ended() {
  if (queue.open.length || queue.outbox.forbidden) return;
  const { name, title, text } = idle(queue, boot);
  queue.index = queue.entries.length; // none of the decided ones is on screen
  blank(title);
  full(name, text, title);
  figures();
  film();
}

/** The state of a desk without photos follows what is sent and what isn't. */
function stillEnded() {
  if (shown() === 'empty' || shown() === 'wait') ended();
}

/** An undo that reached out: the delivery the photo was in is not on its way any more. */
function recalled({ entry, message }) {
  note('hold', 'package-x', entry.sku, message);
}

function refused({ entry: of, status, message, callBack }) {
  const entry = of ?? { sku: gettext('A decision from before the page was loaded anew') };
  if (callBack) note('hold', 'package-x', entry.sku, message, { label: gettext('Call it back…'), run: () => location.assign(callBack) });
  else if (status === 409) note('neutral', 'users', entry.sku, message);
  else if (status === 422) note('fail', 'triangle-alert', entry.sku, message, of && { label: gettext('Open'), run: () => queue.goto(queue.entries.indexOf(of)) });
  else note('hold', 'hourglass', entry.sku, message);
  figures();
}

/** Nobody is signed in, or somebody else: a dialog says whose decisions wait, and for whom. */
function shut(other, waiting) {
  const dialog = $(other ? '#other-person' : '#signed-out');
  const values = { other, person: boot.person };
  if (other) {
    $('#op-t').textContent = gettext('{other} is signed in now', values);
    $('#op-open').textContent = gettext('Open the desk as {other}', values);
    $('#op-text').textContent = waiting ? ngettext(
      'This desk is {person}’s. {count} decision of {person} waits on this device and is sent when {person} signs in here again.',
      'This desk is {person}’s. {count} decisions of {person} wait on this device and are sent when {person} signs in here again.', waiting, values,
    ) : gettext('This desk is {person}’s. Nothing of it waits to be sent.', values);
  }
  $(other ? '#signed-out' : '#other-person').close();
  if (!dialog.open) dialog.showModal();
}

/** This person may not review any more: said in the server's words. What was decided waits on this device. */
function forbid(words, waiting) {
  $('#signed-out').close();
  $('#other-person').close();
  if (shown() !== 'forbidden') blank(gettext('No photo'));
  full('forbidden', waiting ? `${words} ${kept(queue.outbox, waiting)}` : words);
}

/** The desk goes on where it was. */
function allow() {
  full(null);
  if (queue.current) show();
  else ended();
}

function network({ online = true, status = 0, signedOut = false, other = '', forbidden = '', waiting, aside: stuck }) {
  desk.dataset.unsent = String(waiting);
  if (aside.show(stuck)) {
    note('fail', 'triangle-alert', stuck.at(-1).sku ?? '', gettext('The server keeps answering with an error, so this is not stored. The others go on.'),
      { label: gettext('Show'), run: () => $('#aside').showModal() });
  }
  if (signedOut) shut(other, waiting);
  if (forbidden) forbid(forbidden, waiting);
  else if (shown() === 'forbidden') allow();
  const ready = queue.open.filter(isWarm).length;
  if (!online) {
    const held = waiting ? kept(queue.outbox, waiting) : gettext('Nothing waits to be sent.');
    const left = ngettext('{count} photo is ready to review.', '{count} photos are ready to review.', ready);
    note('hold', 'wifi-off', status ? gettext('The server has trouble.') : gettext('You are offline.'), `${held} ${left}`);
  } else quiet('wifi-off');
  stillEnded();
}

/** What colleagues at the same browser left unsent: theirs alone to send. */
function others(found) {
  const said = [...found].map(([name, count]) => ngettext('{count} decision of {name} waits on this device.', '{count} decisions of {name} wait on this device.', count,
    { name: name || gettext('somebody else') }));
  note('neutral', 'users', gettext('Not yours:'), `${said.join(' ')} ${gettext('They are sent when that person opens review here.')}`);
}

function goOn() {
  queue.outbox.retryNow();
  queue.refill();
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
  } else if (isPainted && queue.current?.state) refuseDecided(queue.current);
}

function togglePanel() {
  adjuster.close();
  panel.hidden = !panel.hidden;
  $('[data-do="panel"]').setAttribute('aria-pressed', String(!panel.hidden));
  if (!panel.hidden && queue.current && !isFull()) fillDetails(panel, queue.current, overlays, beside);
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
  colour: () => { quiet('triangle-alert'); composer.tick(); },
  hold: () => decide('hold'),
  skip: () => decide('skip'),
  escalate: () => decide('escalate'),
  note: () => composer.note(),
  mark: () => composer.setDrawing(!composer.isDrawing),
  ...composer.keys,
  ...reasons.keys,
  undo,
  panel: togglePanel,
  adjust: toggleAdjust,
  beside: openBeside,
  left: () => view.left() || queue.step(-1),
  right: () => view.right() || queue.step(1),
  help: () => $('#help').showModal(),
  cancel: () => {
    if (reasons.isOpen) reasons.cancel();
    else if (adjuster.isOpen) adjuster.close();
    else if (!dismiss()) view.cancel();
  },
};
const singles = desk.dataset.keys !== 'off';
const usable = bindKeys(handlers, {
  singles,
  now: () => [...(composer.isDrawing ? ['pen'] : []), ...(reasons.isOpen ? ['reasons'] : [])],
});
markButtons(desk, usable, { singles });
fillHelp($('#help-cols'), usable, { singles });
for (const button of document.querySelectorAll('.act[data-do], .rv-top [data-do], .rv-tools [data-own], .reasons [data-do]')) {
  button.addEventListener('click', (event) => {
    // A second tap closes what the first one opened: it must not take a reason, as X does.
    if (event.detail > 0 && button.dataset.do === 'reject' && reasons.isOpen) reasons.cancel();
    else handlers[button.dataset.do]();
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
for (const dialog of [$('#signed-out'), $('#other-person')]) {
  dialog.querySelector('.again').addEventListener('click', () => { dialog.close(); goOn(); });
}
$('#allowed-again').addEventListener('click', goOn);
$('#op-open').addEventListener('click', () => location.reload());
$('#other-person').addEventListener('cancel', (event) => event.preventDefault());
document.addEventListener('visibilitychange', () => { // back from signing in in another tab, or allowed again meanwhile
  if (!document.hidden && queue.outbox.isShut) goOn();
});

queue.addEventListener('moved', show);
queue.addEventListener('ended', ended);
queue.addEventListener('changed', () => { figures(); film(); if (queue.open.length) prefetchSoon(); else stillEnded(); });
queue.addEventListener('back', () => {
  $('#signed-out').close();
  $('#other-person').close();
  if (shown() === 'forbidden') allow();
});
queue.addEventListener('others', (event) => others(event.detail.others));
queue.addEventListener('refused', (event) => refused(event.detail));
queue.addEventListener('recalled', (event) => recalled(event.detail));
queue.addEventListener('network', (event) => network(event.detail));
queue.addEventListener('lease', () => {
  if (queue.outbox.forbidden) return; // said already, and no claim would help
  blank(gettext('No photo'));
  full('lease');
});

setInterval(tick, TICK_MS);
// Who chose the assisted queue wants the score and why; on a small screen the panel would cover the picture.
if (!boot.blind && matchMedia('(min-width: 1024px)').matches) togglePanel();
if (queue.open.length) show();
else stage.classList.add('loading');
figures();
queue.start();
