// Decisions on their way to the server: kept on this device first, sent one after the other in order, retried until they are
// answered. Each carries an Idempotency-Key, so sending one twice counts once, and every request says who decided, so that
// nothing is stored under whoever signed in since.
import { OpStore } from './opstore.js';
import { gettext } from './words.js';

const WAITS_MS = [1000, 2000, 4000, 8000, 15000];
const ANSWERS = new Set([200, 404, 409, 410, 422]);
const SIGNED_OUT = 401;
const FORBIDDEN = 403; // signed in, but may not review any more
const BUSY = new Set([408, 425, 429, 502, 503, 504]); // the server as a whole: it says nothing of this one decision
const TRIES = 3; // of one decision that the server answers with an error of its own, before the others go on without it
const TIMEOUT_MS = 15000;

export class Outbox {
  /**
   * `person` is {id, name} of who decides. `address(op)` gives the URL, `headers()` the shared headers. `onAnswer(op, status,
   * data)` is called once per op, `onDiscard(op)` when a person gives one up; `onState({online, status, signedOut, other,
   * forbidden, waiting, aside, isKept})` on every change. `ready` resolves when what earlier pages left is here.
   */
  constructor({ person, address, headers, onAnswer, onDiscard, onState }) {
    Object.assign(this, { address, headers, onAnswer, onDiscard, onState });
    this.store = new OpStore(person);
    this.ops = [];
    this.sending = null;
    this.failures = 0;
    this.status = 0; // of the answer that was none, 0 without a network
    this.isSignedOut = false;
    this.other = ''; // who is signed in now instead
    this.forbidden = ''; // the server's sentence where this person may not review any more
    this.isReady = false;
    this.ready = this.#load();
    addEventListener('online', () => this.#online());
    addEventListener('beforeunload', (event) => {
      if (this.ops.length && !this.store.isKept) event.preventDefault(); // nothing would be left of them
    });
  }

  /** What goes by itself, in order: neither set aside nor about a photo with something set aside before it. */
  get going() {
    const stuck = new Set();
    return this.ops.filter((op) => {
      if (op.aside) stuck.add(op.entry);
      return !stuck.has(op.entry);
    });
  }

  get waiting() {
    return this.going.length;
  }

  /** What the server kept answering with an error: a person decides what becomes of it. */
  get aside() {
    return this.ops.filter((op) => op.aside);
  }

  async #load() {
    this.ops.unshift(...await this.store.adopt());
    this.isReady = true;
    this.tell();
    this.#send();
  }

  push(op) {
    this.ops.push(this.store.stamp(op));
    this.store.put(op);
    this.tell();
    this.#send();
  }

  /** Takes an op back that has not left yet; false where it is on its way or gone, or left once without an answer. */
  cancel(id) {
    const op = this.ops.find((each) => each.id === id);
    if (!op || op.isTried || op === this.sending) return false;
    this.drop((each) => each === op);
    return true;
  }

  /** Takes away the ops that `test` picks; returns how many. */
  drop(test) {
    const gone = this.ops.filter(test);
    this.ops = this.ops.filter((op) => !gone.includes(op));
    for (const op of gone) this.store.remove(op.id);
    if (gone.length) this.tell();
    return gone.length;
  }

  /** Changes fields of the ops still waiting that `test` picks. */
  patch(test, change) {
    for (const op of this.ops.filter(test)) this.store.put(Object.assign(op, change));
  }

  /** Keeps an op that was changed in place. */
  keep(op) {
    this.store.put(op);
  }

  /** Sends one that was set aside once more. */
  retry(id) {
    this.patch((op) => op.id === id, { aside: null, errors: 0 });
    this.tell();
    this.#send();
  }

  /** Gives up one that was set aside, and its undo with it. */
  discard(id) {
    const op = this.ops.find((each) => each.id === id);
    if (!op) return;
    this.drop((each) => each === op || each.after === id);
    this.onDiscard(op);
    this.#send();
  }

  retryNow() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.isSignedOut = false;
    this.other = '';
    this.forbidden = '';
    this.#send();
  }

  /** True while a person has to do something before anything can be sent. */
  get isShut() {
    return this.isSignedOut || this.forbidden !== '';
  }

  #online() {
    if (!this.waiting) { // nothing to send that could show it
      this.failures = 0;
      this.tell();
    }
    this.retryNow();
  }

  /** Says how it stands; `now` is what somebody else learned of the network. */
  tell(now = {}) {
    this.onState({
      online: this.failures === 0, status: this.status, signedOut: this.isSignedOut, other: this.other,
      forbidden: this.forbidden,
      waiting: this.waiting, aside: this.aside, isKept: this.store.isKept, ...now,
    });
  }

  async #send() {
    const [op] = this.going;
    if (!this.isReady || this.sending || this.timer || this.isShut || !op) return;
    this.sending = op;
    if (navigator.onLine && !op.isTried) { // from here on it may have arrived, answered or not
      op.isTried = true;
      this.store.put(op);
    }
    const { status, data } = await this.#ask(op);
    this.sending = null;
    if (ANSWERS.has(status)) this.#settle(op, status, data);
    else if (Outbox.isShutBy(status)) this.shut(status, data);
    else this.#failed(op, status);
  }

  /** {status, data}; status 0 where no answer came. */
  async #ask(op) {
    try {
      const response = await fetch(this.address(op), {
        method: 'POST',
        headers: { ...this.headers(), 'Idempotency-Key': op.id },
        body: JSON.stringify(op.body),
        keepalive: true, // a decision that has left arrives even when the page is closed behind it
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      return { status: response.status, data: await response.json().catch(() => ({})) };
    } catch {
      return { status: 0, data: {} }; // no network, or too slow: it stays first in line
    }
  }

  #settle(op, status, data) {
    this.ops = this.ops.filter((each) => each !== op);
    this.store.remove(op.id);
    this.failures = 0;
    this.onAnswer(op, status, data);
    this.tell();
    this.#send();
  }

  /** True for the answers that are about the person and not about what was asked. */
  static isShutBy(status) {
    return status === SIGNED_OUT || status === FORBIDDEN;
  }

  /** Everything waits: nobody, or somebody else, is signed in now (401), or this person may not review any more (403). */
  shut(status, data) {
    this.isSignedOut = status === SIGNED_OUT;
    this.other = data.status === 'other_person' ? data.now : '';
    this.forbidden = status === FORBIDDEN
      ? [data.message || gettext('The server does not let you review now.'), data.ask].filter(Boolean).join(' ') : '';
    this.tell();
  }

  #failed(op, status) {
    this.status = status;
    const isItsOwn = status >= 400 && !BUSY.has(status);
    if (isItsOwn) op.errors = (op.errors ?? 0) + 1;
    if (isItsOwn && op.errors >= TRIES) {
      op.aside = { status };
      this.store.put(op);
      this.failures = 0;
      this.tell();
      this.#send();
      return;
    }
    const wait = WAITS_MS[Math.min(this.failures, WAITS_MS.length - 1)];
    this.failures += 1;
    this.timer = setTimeout(() => {
      this.timer = 0;
      this.#send();
    }, wait);
    this.tell();
  }
}
