// Decisions on their way to the server: kept on this device first, sent one after the other in order, retried until they are
// answered. Each carries an Idempotency-Key, so sending one twice counts once.

const PREFIX = 'softproof.outbox';
const WAITS_MS = [1000, 2000, 4000, 8000, 15000];
const ANSWERS = new Set([200, 404, 409, 410, 422]);
const SIGNED_OUT = new Set([401, 403]);
const TIMEOUT_MS = 15000;

export class Outbox {
  /**
   * `address(op)` gives the URL, `headers()` the shared headers. `onAnswer(op, status, data)` is called once per op;
   * `onState({online, signedOut, waiting})` on every change.
   */
  constructor({ user, queue, address, headers, onAnswer, onState }) {
    Object.assign(this, { address, headers, onAnswer, onState });
    this.store = `${PREFIX}.${user}.${queue}`;
    this.ops = this.#read();
    this.isSending = false;
    this.failures = 0;
    this.isSignedOut = false;
    addEventListener('online', () => this.retryNow());
  }

  get waiting() {
    return this.ops.length;
  }

  push(op) {
    this.ops.push(op);
    this.#save();
    this.#send();
  }

  /** Takes an op back that has not left yet; false where it is on its way or gone. */
  cancel(id) {
    const index = this.ops.findIndex((op) => op.id === id);
    if (index < 0 || (index === 0 && this.isSending)) return false;
    this.ops.splice(index, 1);
    this.#save();
    return true;
  }

  /** Changes fields of the ops still waiting that `test` picks. */
  patch(test, change) {
    this.ops.filter(test).forEach((op) => Object.assign(op, change));
    this.#save();
  }

  retryNow() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.isSignedOut = false;
    this.#send();
  }

  #read() {
    try {
      const ops = JSON.parse(localStorage.getItem(this.store) ?? '[]');
      return Array.isArray(ops) ? ops : [];
    } catch {
      return [];
    }
  }

  #save() {
    try {
      if (this.ops.length) localStorage.setItem(this.store, JSON.stringify(this.ops));
      else localStorage.removeItem(this.store);
    } catch {
      // Storage is full or switched off: the ops live on in memory, and a reload would ask for the photos again.
    }
    this.onState({ online: this.failures === 0, signedOut: this.isSignedOut, waiting: this.ops.length });
  }

  async #send() {
    if (this.isSending || this.timer || this.isSignedOut || !this.ops.length) return;
    this.isSending = true;
    const op = this.ops[0];
    let answer = null;
    try {
      const response = await fetch(this.address(op), {
        method: 'POST',
        headers: { ...this.headers(), 'Idempotency-Key': op.id },
        body: JSON.stringify(op.body),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (ANSWERS.has(response.status)) answer = [response.status, await response.json().catch(() => ({}))];
      else if (SIGNED_OUT.has(response.status)) this.isSignedOut = true;
    } catch {
      answer = null; // no network, or too slow: it stays first in line
    }
    this.isSending = false;
    if (answer) this.#settle(op, ...answer);
    else if (this.isSignedOut) this.#save();
    else this.#later();
  }

  #settle(op, status, data) {
    this.ops.shift();
    this.failures = 0;
    this.onAnswer(op, status, data);
    this.#save();
    this.#send();
  }

  #later() {
    const wait = WAITS_MS[Math.min(this.failures, WAITS_MS.length - 1)];
    this.failures += 1;
    this.timer = setTimeout(() => {
      this.timer = 0;
      this.#send();
    }, wait);
    this.#save();
  }
}
