// Decisions on their way to the server: kept on this device first, sent one after the other in order, retried until they are
// answered. Each carries an Idempotency-Key, so sending one twice counts once.
import { OpStore } from './opstore.js';

const WAITS_MS = [1000, 2000, 4000, 8000, 15000];
const ANSWERS = new Set([200, 404, 409, 410, 422]);
const SIGNED_OUT = new Set([401, 403]);
const TIMEOUT_MS = 15000;

export class Outbox {
  /**
   * `address(op)` gives the URL, `headers()` the shared headers. `onAnswer(op, status, data)` is called once per op;
   * `onState({online, signedOut, waiting, isKept})` on every change. `ready` resolves when what earlier pages left is here.
   */
  constructor({ user, queue, address, headers, onAnswer, onState }) {
    Object.assign(this, { address, headers, onAnswer, onState });
    this.store = new OpStore(`${user}.${queue}`);
    this.ops = [];
    this.isSending = false;
    this.failures = 0;
    this.isSignedOut = false;
    this.isReady = false;
    this.ready = this.#load();
    addEventListener('online', () => this.#online());
    addEventListener('beforeunload', (event) => {
      if (this.ops.length && !this.store.isKept) event.preventDefault(); // nothing would be left of them
    });
  }

  get waiting() {
    return this.ops.length;
  }

  async #load() {
    this.ops.unshift(...await this.store.adopt());
    this.isReady = true;
    this.#tell();
    this.#send();
  }

  push(op) {
    this.ops.push(this.store.stamp(op));
    this.store.put(op);
    this.#tell();
    this.#send();
  }

  /** Takes an op back that has not left yet; false where it is on its way or gone, or left once without an answer. */
  cancel(id) {
    const op = this.ops.find((each) => each.id === id);
    if (!op || op.isTried || (op === this.ops[0] && this.isSending)) return false;
    this.drop((each) => each === op);
    return true;
  }

  /** Takes away the ops that `test` picks; returns how many. */
  drop(test) {
    const gone = this.ops.filter(test);
    this.ops = this.ops.filter((op) => !gone.includes(op));
    for (const op of gone) this.store.remove(op.id);
    if (gone.length) this.#tell();
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

  retryNow() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.isSignedOut = false;
    this.#send();
  }

  #online() {
    if (!this.ops.length) { // nothing to send that could show it
      this.failures = 0;
      this.#tell();
    }
    this.retryNow();
  }

  #tell() {
    this.onState({
      online: this.failures === 0, signedOut: this.isSignedOut, waiting: this.ops.length, isKept: this.store.isKept,
    });
  }

  async #send() {
    if (!this.isReady || this.isSending || this.timer || this.isSignedOut || !this.ops.length) return;
    this.isSending = true;
    const op = this.ops[0];
    if (navigator.onLine && !op.isTried) { // from here on it may have arrived, answered or not
      op.isTried = true;
      this.store.put(op);
    }
    let answer = null;
    try {
      const response = await fetch(this.address(op), {
        method: 'POST',
        headers: { ...this.headers(), 'Idempotency-Key': op.id },
        body: JSON.stringify(op.body),
        keepalive: true, // a decision that has left arrives even when the page is closed behind it
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (ANSWERS.has(response.status)) answer = [response.status, await response.json().catch(() => ({}))];
      else if (SIGNED_OUT.has(response.status)) this.isSignedOut = true;
    } catch {
      answer = null; // no network, or too slow: it stays first in line
    }
    this.isSending = false;
    if (answer) this.#settle(op, ...answer);
    else if (this.isSignedOut) this.#tell();
    else this.#later();
  }

  #settle(op, status, data) {
    this.ops = this.ops.filter((each) => each !== op);
    this.store.remove(op.id);
    this.failures = 0;
    this.onAnswer(op, status, data);
    this.#tell();
    this.#send();
  }

  #later() {
    const wait = WAITS_MS[Math.min(this.failures, WAITS_MS.length - 1)];
    this.failures += 1;
    this.timer = setTimeout(() => {
      this.timer = 0;
      this.#send();
    }, wait);
    this.#tell();
  }
}
