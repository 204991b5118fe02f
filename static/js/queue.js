// The reviewer's queue: which photos are lent to this page, which is on screen, what was decided. Knows nothing of pixels.
import { newId } from './opstore.js';
import { Outbox } from './outbox.js';
import { gettext } from './words.js';

const CLAIM = 8;
const MAX_CLAIM = 16;
const REFILL_AT = 4;
const LEASE_MS = 10 * 60 * 1000;
const BEAT_MS = 60 * 1000;
const LOOK_AGAIN_MS = 15 * 1000;
const SECOND_LOOK_MS = 700;

const cookie = (name) => document.cookie.match(new RegExp(`(?:^|; )${name}=([^;]*)`))?.[1];
// Over https the cookie is bound to its host by its name.
const csrf = () => cookie('__Host-csrftoken') ?? cookie('csrftoken');
const keyOf = (item) => `${item.id}.${item.version}`;

export class Queue extends EventTarget {
  /** `boot`: {queue, user, person, items, past, counts, done, csrf, urls: {claim, beat, release, decide, undo}}. */
  constructor(boot) {
    super();
    this.boot = boot;
    this.urls = boot.urls;
    this.counts = boot.counts;
    this.done = boot.done;
    this.entries = [];
    this.history = []; // entries decided here, latest last
    this.index = 0;
    for (const past of boot.past) this.#addPast(past);
    this.add(boot.items);
    this.leaseEnds = Date.now() + LEASE_MS;
    this.outbox = new Outbox({
      person: { id: boot.user, name: boot.person },
      address: (op) => (op.kind === 'undo' ? this.urls.undo : this.urls.decide).replace('/0/', `/${op.target}/`),
      headers: () => this.headers(),
      onAnswer: (op, status, data) => this.#answer(op, status, data),
      onDiscard: (op) => this.#discarded(op),
      onState: (state) => this.#say('network', state),
    });
    this.index = Math.max(0, this.#nextOpen(-1));
    this.outbox.ready.then(() => this.#recall());
    this.outbox.store.others().then((others) => { if (others.size) this.#say('others', { others }); });
  }

  start() {
    this.outbox.retryNow();
    this.refill();
    setInterval(() => this.beat(), BEAT_MS);
    document.addEventListener('visibilitychange', () => { if (!document.hidden) this.beat(); });
    addEventListener('online', () => { if (!this.open.length) this.refill(); });
    addEventListener('pagehide', () => this.release());
    addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });
  }

  #say(type, detail = {}) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  headers() {
    return {
      'Content-Type': 'application/json',
      Accept: 'application/json',
      'X-CSRFToken': csrf() ?? this.boot.csrf,
      'Softproof-User': String(this.boot.user), // whose page this is: refused when somebody else has signed in since
    };
  }

  // ---- entries
  get current() {
    return this.entries[this.index];
  }

  get open() {
    return this.entries.filter((entry) => !entry.state);
  }

  get left() {
    return Math.max(this.counts.waiting - this.outbox.ops.filter((op) => op.counted).length, this.open.length);
  }

  #addPast({ item, verdict, decision }) {
    const entry = { ...item, key: keyOf(item), state: { verdict, decision } };
    this.entries.push(entry);
    this.history.push(entry);
  }

  /** What an earlier page decided and couldn't send yet: its photos are not shown again as if nothing had happened. */
  #recall() {
    const showing = this.current;
    for (const entry of this.open) this.#resume(entry);
    if (showing?.state && this.#nextOpen(this.index) >= 0) this.goto(this.#nextOpen(this.index));
    this.#say('changed');
  }

  #resume(entry) {
    const op = this.outbox?.ops.find((each) => each.kind === 'decide' && each.entry === entry.key);
    if (!op) return;
    entry.state = { verdict: op.body.verdict, reasons: op.body.reasons, op: op.id, isPending: true };
    this.history.push(entry);
    if (op.counted) this.done += 1;
  }

  /** Adds what is new; a photo that is here and undecided only takes the newer version and lease. */
  add(items) {
    let added = 0;
    for (const item of items) {
      const waiting = this.entries.find((entry) => entry.id === item.id && !entry.state);
      if (waiting) Object.assign(waiting, { version: item.version, leaseUntil: item.leaseUntil });
      else if (!this.entries.some((entry) => entry.key === keyOf(item))) {
        const entry = { ...item, key: keyOf(item), state: null };
        this.entries.push(entry);
        this.#resume(entry);
        added += 1;
      }
    }
    return added;
  }

  #nextOpen(from) {
    const after = this.entries.findIndex((entry, at) => at > from && !entry.state);
    return after >= 0 ? after : this.entries.findIndex((entry) => !entry.state);
  }

  /** The same photo as the server has it now: another result, a newer version. */
  replace(entry, item) {
    Object.assign(entry, item, { key: keyOf(item) });
    if (entry.draft) entry.draft.colour = false; // it was ticked for the other result
    this.goto(this.entries.indexOf(entry));
  }

  goto(index) {
    if (index < 0 || index >= this.entries.length) return;
    this.index = index;
    this.#say('moved');
  }

  step(by) {
    this.goto(this.index + by);
  }

  // ---- decisions: the next photo first, the server after
  decide(verdict, { reasons = [], seconds = null, note = '', marks = [], colour = false } = {}) {
    const entry = this.current;
    if (!entry || entry.state) return false;
    const op = {
      id: newId(), kind: 'decide', target: entry.id, entry: entry.key, sku: entry.sku, counted: verdict !== 'skip',
      body: { verdict, reasons, seconds, version: entry.version, queue: this.boot.queue, note, marks, colour },
    };
    entry.state = { verdict, reasons, op: op.id, isPending: true };
    this.history.push(entry);
    if (op.counted) this.done += 1;
    this.outbox.push(op);
    this.#advance();
    return true;
  }

  #advance() {
    const next = this.#nextOpen(this.index);
    if (next >= 0) this.goto(next);
    if (this.open.length <= REFILL_AT) this.refill(); // only the server can say that nothing is left: see #ranOut
  }

  /** Takes the latest decision back and returns to its photo; repeatable, also past what this page began with. */
  async undo() {
    if (!this.history.length) await this.#older();
    const entry = this.history.pop();
    if (!entry) return null;
    const { state } = entry;
    entry.state = null;
    entry.undone = state.decision; // how far back undo has walked
    if (state.verdict !== 'skip') this.done = Math.max(0, this.done - 1);
    if (!state.op || !this.outbox.cancel(state.op)) {
      this.outbox.push({
        id: newId(), kind: 'undo', target: state.decision ?? 0, entry: entry.key, sku: entry.sku, was: state, after: state.op,
        body: { queue: this.boot.queue },
      });
    }
    this.goto(this.entries.indexOf(entry));
    return { entry, verdict: state.verdict };
  }

  async #older() {
    const known = this.entries.map((entry) => Number(entry.state?.decision ?? entry.undone)).filter(Boolean);
    const before = known.length ? `?before=${Math.min(...known)}` : '';
    const response = await fetch(this.urls.past + before, { headers: this.headers() }).catch(() => null);
    if (!response?.ok) return;
    const { past } = await response.json();
    const found = past.filter(({ item }) => !this.entries.some((entry) => entry.id === item.id));
    const showing = this.current;
    const rest = this.entries;
    this.entries = [];
    for (const one of found) this.#addPast(one);
    this.entries.push(...rest);
    this.index = Math.max(0, this.entries.indexOf(showing));
  }

  #answer(op, status, data) {
    const entry = this.entries.find((each) => each.key === op.entry);
    if (op.kind === 'undo') this.#answerUndo(op, entry, status, data);
    else this.#answerDecision(op, entry, status, data);
    this.#say('changed');
    if (!this.open.length && !this.outbox.waiting) this.refill(); // the last one has arrived: what is left now is the truth
  }

  /** A person gave up what could not be stored: its photo is as it was before. */
  #discarded(op) {
    const entry = this.entries.find((each) => each.key === op.entry);
    if (entry && op.kind === 'undo') this.#stands(entry, op, true);
    else if (entry?.state?.op === op.id) {
      entry.state = null;
      this.history = this.history.filter((each) => each !== entry);
      if (op.counted) this.done = Math.max(0, this.done - 1);
      if (!this.current || this.current.state) this.goto(this.entries.indexOf(entry));
    }
    this.#say('changed');
  }

  #answerDecision(op, entry, status, data) {
    // Of the assisted queue only whether any wait is known: one less says nothing.
    if (op.counted && status === 200 && this.boot.blind) this.counts.waiting = Math.max(0, this.counts.waiting - 1);
    if (status === 200) this.outbox.patch((later) => later.after === op.id, { target: data.decision });
    // Taken back before it was refused: there is nothing to take back.
    const isUndone = status !== 200 && this.outbox.drop((later) => later.after === op.id) > 0;
    if (isUndone && entry && !entry.state) entry.state = { op: op.id };
    if (!entry && status !== 200) { // decided in an earlier page: its photo isn't here, but nobody decides in vain unsaid
      this.#say('refused', { entry: null, status, message: data.message ?? '' });
    }
    if (entry?.state?.op !== op.id) return; // undone meanwhile, or from before a reload
    entry.state.isPending = false;
    entry.state.decision = data.decision;
    if (status === 200) return;
    if (op.counted && !isUndone) this.done = Math.max(0, this.done - 1);
    if (!data.yours) this.history = this.history.filter((each) => each !== entry);
    else if (!this.history.includes(entry)) this.history.push(entry);
    if (data.yours) entry.state = { verdict: data.stands, decision: data.yours }; // made in another tab: Z takes that one back
    else if (status === 409) entry.state = { verdict: 'conflict' };
    else if (status === 410 || status === 404) entry.state = { verdict: 'gone' };
    else entry.state = null;
    if (data.needs === 'colour') entry.asksColour = true; // asked for since the photo was lent
    this.#say('refused', { entry, status, message: data.message ?? '' });
    if (status === 410) this.beat(); // the others may be gone with it: none of them is offered in vain
  }

  #answerUndo(op, entry, status, data) {
    if (status === 200 && data.item) {
      if (entry) Object.assign(entry, { version: data.item.version, leaseUntil: data.item.leaseUntil });
      for (const later of this.outbox.ops) { // after a reload the photo isn't here any more, a decision on it may be
        if (later.kind !== 'decide' || later.entry !== op.entry) continue;
        later.body.version = data.item.version;
        this.outbox.keep(later);
      }
      this.counts.waiting += op.was.verdict === 'skip' ? 0 : 1;
      if (entry && data.recalled) this.#say('recalled', { entry, message: data.recalled });
      return;
    }
    if (!entry) return;
    this.#stands(entry, op, data.later);
    const message = data.message ?? gettext('It can no longer be undone.');
    this.#say('refused', { entry, status, message, callBack: data.callBack });
  }

  /** What was to be taken back stands after all; `isAskedAgain`: Z may have more luck later, so it doesn't walk past it. */
  #stands(entry, op, isAskedAgain) {
    if (entry.state) return; // decided anew meanwhile
    const decision = op.was.decision ?? (op.target || undefined);
    entry.state = { ...op.was, decision, isPending: false };
    if (op.was.verdict !== 'skip') this.done += 1;
    if (!isAskedAgain || this.history.includes(entry)) return;
    const later = this.history.findIndex(({ state }) => !state?.decision || Number(state.decision) > Number(decision));
    this.history.splice(later < 0 ? this.history.length : later, 0, entry);
  }

  // ---- leases
  async #post(url, body) {
    const response = await fetch(url, { method: 'POST', headers: this.headers(), body: JSON.stringify(body) });
    if (Outbox.isShutBy(response.status)) this.outbox.shut(response.status, await response.json().catch(() => ({})));
    if (!response.ok) throw Object.assign(new Error(String(response.status)), { status: response.status });
    return response.json();
  }

  async refill() {
    if (this.isClaiming) return;
    this.isClaiming = true;
    clearTimeout(this.lookAgain);
    try {
      const count = Math.min(MAX_CLAIM, this.open.length + this.outbox.waiting + CLAIM);
      const { items, counts } = await this.#post(this.urls.claim, { count, choice: this.boot.choice });
      this.counts = counts;
      this.leaseEnds = Date.now() + LEASE_MS;
      const wasEmpty = !this.current || Boolean(this.current.state);
      const added = this.add(items);
      if (added && wasEmpty) this.goto(Math.max(0, this.#nextOpen(this.index - 1)));
      this.isCut = false;
      if (this.outbox.isShut) this.outbox.retryNow();
      this.#say('back');
      this.#say('changed', { added });
    } catch (error) {
      this.isCut = true; // what the server has left is not known
      if (!this.outbox.isShut) this.outbox.tell({ online: false, status: error.status ?? 0 });
    } finally {
      this.isClaiming = false;
      this.isLoaded = true;
    }
    if (!this.open.length) this.#ranOut();
    else this.isSecondLook = false;
  }

  /** Nothing open after a claim. It may have been asked before the last decisions arrived, so it asks once more. */
  #ranOut() {
    if (!this.isSecondLook && this.counts.waiting > 0) {
      this.isSecondLook = true;
      this.lookAgain = setTimeout(() => this.refill(), SECOND_LOOK_MS);
      return;
    }
    this.isSecondLook = false;
    this.#say('ended');
    this.#lookLater();
  }

  #lookLater() {
    this.lookAgain = setTimeout(() => { if (!document.hidden) this.refill(); else this.#whenVisible(); }, LOOK_AGAIN_MS);
  }

  #whenVisible() {
    document.addEventListener('visibilitychange', () => this.refill(), { once: true });
  }

  async beat() {
    const ids = this.open.map((entry) => entry.id);
    if (!ids.length) return;
    try {
      const answer = await this.#post(this.urls.beat, { ids, choice: this.boot.choice });
      this.counts = answer.counts;
      this.leaseEnds = Date.now() + LEASE_MS;
      for (const entry of this.open) if (answer.ids.includes(entry.id)) entry.leaseUntil = answer.until;
      this.#lose(ids.filter((id) => !answer.ids.includes(id)));
    } catch {
      if (Date.now() > this.leaseEnds) this.#lose(ids);
    }
  }

  /** Photos that are no longer lent to this page leave it; those with a decision on its way stay. */
  #lose(ids) {
    const lost = this.entries.filter((entry) => ids.includes(entry.id) && !entry.state);
    if (!lost.length) return;
    const showing = this.current;
    this.entries = this.entries.filter((entry) => !lost.includes(entry));
    if (lost.includes(showing)) this.#say('lease', { count: lost.length });
    else this.index = this.entries.indexOf(showing);
    this.#say('changed');
  }

  /** After a lost lease: forget what was lent and ask for the next photos. */
  async reclaim() {
    this.entries = this.entries.filter((entry) => entry.state);
    this.index = this.entries.length;
    await this.refill();
  }

  release() {
    const form = new FormData();
    form.append('csrfmiddlewaretoken', csrf() ?? this.boot.csrf);
    for (const entry of this.open) form.append('ids', entry.id);
    // It may arrive after the next page was lent the same photos: what it got since stays its own.
    const ends = this.open.map((entry) => entry.leaseUntil).filter(Boolean).sort((one, two) => Date.parse(one) - Date.parse(two));
    form.append('until', ends.at(-1) ?? '');
    navigator.sendBeacon(this.urls.release, form);
  }
}
