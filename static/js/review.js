// The review desk: joins queue, viewer, keys and screen. Decisions paint the next photo at once and are sent behind it.
import { compare } from './compare.js';
import { fillDetails } from './details.js';
import { drawFilm, iconNode, MARKS } from './film.js';
import { bindKeys, fillHelp, markButtons } from './keymap.js';
import { Queue } from './queue.js';

const WARM = 2; // attached and decoded
const AHEAD = 6; // fetched and decoded
const SKELETON_MS = 300;
const TICK_MS = 1000;

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
const cache = new Map();
let isPainted = false;
let shownAt = 0;
let asksReason = false;
let lastReason = boot.reasons[0][1];

// ---- prefetch
function prefetch() {
  const next = queue.entries.filter((entry, at) => at > queue.index && !entry.state);
  const keep = [queue.current, queue.history.at(-1), ...next.slice(0, warm)].filter(Boolean).map((entry) => entry.key);
  viewer.keepOnly(keep);
  for (const entry of next.slice(0, warm)) viewer.load(entry).ready.then(film);
  const soon = next.slice(warm, ahead);
  for (const key of cache.keys()) if (!soon.some((entry) => entry.key === key)) cache.delete(key);
  for (const entry of soon.filter((each) => !cache.has(each.key))) {
    const pair = [entry.before, entry.after, entry.matte].filter(Boolean).map((src) => Object.assign(new Image(), { src }));
    cache.set(entry.key, false);
    Promise.all(pair.map((image) => image.decode())).then(() => { cache.set(entry.key, pair); film(); }, () => cache.delete(entry.key));
  }
}

const isWarm = (entry) => Boolean(viewer.records.get(entry.key)?.ok || cache.get(entry.key));
const film = () => drawFilm($('#film'), queue, isWarm, (at) => queue.goto(at));

// ---- showing one photo
function show() {
  const entry = queue.current;
  if (!entry) return;
  isPainted = false;
  closeReasons();
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
  setTimeout(prefetch, 0);
}

function heading(entry) {
  $('#sku').textContent = entry.sku;
  $('#pname').textContent = entry.name === entry.sku ? '' : entry.name;
  $('#pbatch').textContent = entry.batch;
}

function figures() {
  $('#m-left').textContent = queue.left.toLocaleString('en');
  $('#m-done').textContent = queue.done.toLocaleString('en');
}

// ---- decisions
function decide(verdict, reasons = []) {
  const entry = queue.current;
  if (!entry || !isPainted || !$('#full').hidden) return;
  if (entry.state) { say(`${entry.sku} is decided. Z takes it back.`); return; }
  closeReasons();
  flash(verdict);
  queue.decide(verdict, { reasons, seconds: Math.round(performance.now() - shownAt) / 1000 });
  say(`${MARKS[verdict].word} ${entry.sku}.`);
  figures();
}

function undo() {
  const undone = queue.undo();
  if (!undone) { say('Nothing to undo.'); return; }
  flash('undo');
  say(`Undone: ${undone.entry.sku} was ${MARKS[undone.verdict].word.toLowerCase()}.`);
  figures();
}

const reasonButtons = [...document.querySelectorAll('#reasons [data-reason]')];

function openReasons() {
  if (!isPainted || !$('#full').hidden || queue.current?.state) return;
  asksReason = true;
  desk.classList.add('ask');
  $('#film').hidden = true;
  $('#reasons').hidden = false;
  const wanted = queue.current.assist?.suggest || lastReason;
  for (const button of reasonButtons) button.classList.toggle('sug', button.dataset.reason === wanted);
  say('Choose a reason, 1 to 8. Escape cancels.');
}

function closeReasons() {
  if (!asksReason) return;
  asksReason = false;
  desk.classList.remove('ask');
  $('#film').hidden = false;
  $('#reasons').hidden = true;
}

function reject(button) {
  if (!button) return;
  lastReason = button.dataset.reason;
  decide('reject', [lastReason]);
}

function flash(name) {
  const button = document.querySelector(`.act[data-do="${name}"]`);
  button?.classList.add('hit');
  setTimeout(() => button?.classList.remove('hit'), 120);
}

// ---- notes and full-stage states; text only ever enters through textContent
function note(tone, icon, strong, text, action) {
  const box = $('#note');
  const words = document.createElement('span');
  const lead = document.createElement('b');
  const close = document.createElement('button');
  lead.textContent = `${strong} `;
  words.append(lead, text);
  close.type = 'button';
  close.className = 'btn sm quiet icon';
  close.setAttribute('aria-label', 'Dismiss');
  close.append(iconNode('x'));
  close.addEventListener('click', () => { box.hidden = true; });
  box.className = `rv-note ${tone}`;
  box.replaceChildren(iconNode(icon), words);
  if (action) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'btn sm';
    button.textContent = action.label;
    button.addEventListener('click', () => { box.hidden = true; action.run(); });
    box.append(button);
  }
  box.append(close);
  box.dataset.kind = action?.kind ?? icon;
  box.hidden = false;
}

function full(name, text) {
  const host = $('#full');
  host.hidden = name === null;
  for (const part of host.querySelectorAll('[data-full]')) part.hidden = part.dataset.full !== name;
  if (name && text) host.querySelector(`[data-full="${name}"] p`).textContent = text;
  if (name) stage.classList.remove('loading');
}

function emptyText() {
  const { others, held } = queue.counts;
  const parts = [];
  if (others) parts.push(`${others} ${others === 1 ? 'photo is' : 'photos are'} with other reviewers and come here if given back.`);
  if (held) parts.push(`${held} ${held === 1 ? 'is' : 'are'} on hold.`);
  parts.push('New photos show up here as they are scored.');
  return parts.join(' ');
}

function ended() {
  if (queue.open.length) return;
  $('#sku').textContent = queue.counts.others ? 'Nothing free' : 'Queue is clear';
  $('#pname').textContent = '';
  $('#pbatch').textContent = '';
  isPainted = false;
  full('empty', emptyText());
  figures();
  film();
}

function refused({ entry, status, message, isKept }) {
  if (status === 409) note('neutral', 'users', entry.sku, `${message}${isKept ? ' Your vote was kept as a second opinion.' : ''}`);
  else if (status === 422) note('fail', 'triangle-alert', entry.sku, message, { label: 'Open', run: () => queue.goto(queue.entries.indexOf(entry)) });
  else note('hold', 'hourglass', entry.sku, message);
  figures();
}

function network({ online = true, signedOut = false, waiting }) {
  const box = $('#note');
  if (signedOut && !$('#signed-out').open) $('#signed-out').showModal();
  const ready = queue.open.filter(isWarm).length;
  if (!online) {
    note('hold', 'wifi-off', 'You are offline.', `${waiting} ${waiting === 1 ? 'decision is' : 'decisions are'} saved on this `
      + `device and will be sent when you reconnect. ${ready} photos are ready to review.`);
  } else if (!box.hidden && box.dataset.kind === 'wifi-off') box.hidden = true;
}

function tick() {
  const left = Math.max(0, Math.round((queue.leaseEnds - Date.now()) / 1000));
  $('#m-lease').textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
}

function togglePanel() {
  panel.hidden = !panel.hidden;
  $('#mid').classList.toggle('panel', !panel.hidden);
  $('[data-do="panel"]').setAttribute('aria-pressed', String(!panel.hidden));
  if (!panel.hidden && queue.current) fillDetails(panel, queue.current, overlays, beside);
}

function openBeside() {
  if (panel.hidden) togglePanel();
  $('#beside').scrollIntoView({ block: 'nearest' });
  $('#beside .sib:not([disabled])')?.focus();
}

// ---- keys and buttons
const handlers = {
  ...view,
  approve: () => decide('approve'),
  reject: () => (asksReason ? reject(reasonButtons.find((button) => button.matches('.sug'))) : openReasons()),
  hold: () => decide('hold'),
  skip: () => decide('skip'),
  undo,
  panel: togglePanel,
  beside: openBeside,
  left: () => view.left() || queue.step(-1),
  right: () => view.right() || queue.step(1),
  help: () => $('#help').showModal(),
  cancel: () => (asksReason ? closeReasons() : view.cancel()),
};
const usable = bindKeys(handlers, {
  singles: desk.dataset.keys !== 'off',
  before: (event) => {
    if (!asksReason || !/^[1-8]$/.test(event.key)) return false;
    event.preventDefault();
    if (!event.repeat) reject(reasonButtons[Number(event.key) - 1]);
    return true;
  },
});
if (desk.dataset.keys !== 'off') markButtons(desk, usable);
fillHelp($('#help-cols'), usable);
for (const button of document.querySelectorAll('.act[data-do], .rv-top [data-do], .rv-tools [data-own]')) {
  button.addEventListener('click', () => handlers[button.dataset.do]());
}
for (const button of reasonButtons) button.addEventListener('click', () => reject(button));
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
queue.addEventListener('changed', () => { figures(); film(); if (queue.open.length) setTimeout(prefetch, 0); });
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
