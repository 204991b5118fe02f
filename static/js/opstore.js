// Where decisions on their way are kept on this device: IndexedDB, one record per decision, so that two pages of one person
// never overwrite each other's. Without IndexedDB (private windows of some browsers) `isKept` is false and they live in memory.
// A record belongs to whoever decided: only a page of that person takes it over.

const NAME = 'softproof';
const STORE = 'outbox';

function asked(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function opened() {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: 'id' }).createIndex('scope', 'scope');
  return asked(request);
}

/** A random id; crypto.randomUUID is missing where the site is reached without TLS. */
export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Records of earlier versions have the queue behind the person. */
const ownerOf = (op) => String(op.scope).split('.')[0];

export class OpStore {
  /** `person` is {id, name} of who decides here; `page` marks this page's own records for as long as it lives. */
  constructor(person) {
    this.person = person;
    this.scope = String(person.id);
    this.page = newId();
    this.isKept = true;
    this.serial = 0;
    this.db = opened().catch(() => { this.isKept = false; return null; });
    // Held until the page is gone: another page sees by it which records have lost theirs.
    navigator.locks?.request(`${STORE}.${this.page}`, () => new Promise(() => {}));
  }

  stamp(op) {
    this.serial += 1;
    return Object.assign(op, { scope: this.scope, name: this.person.name, page: this.page, at: Date.now(), serial: this.serial });
  }

  async #all() {
    const db = await this.db;
    return db ? asked(db.transaction(STORE).objectStore(STORE).getAll()).catch(() => []) : [];
  }

  /** What this person's earlier pages left unsent, whichever queue, oldest first, now this page's own. */
  async adopt() {
    const left = (await this.#all()).filter((op) => ownerOf(op) === this.scope);
    const living = new Map();
    for (const page of new Set(left.map((op) => op.page))) living.set(page, await this.#lives(page));
    const mine = left.filter((op) => !living.get(op.page)).sort((one, two) => one.at - two.at || one.serial - two.serial);
    for (const op of mine) {
      Object.assign(op, { page: this.page, scope: this.scope });
      this.put(op);
    }
    return mine;
  }

  /** Whose decisions wait on this device besides this person's: name -> how many. Not ours to send. */
  async others() {
    const found = new Map();
    for (const op of (await this.#all()).filter((each) => ownerOf(each) !== this.scope)) {
      found.set(op.name ?? '', (found.get(op.name ?? '') ?? 0) + 1);
    }
    return found;
  }

  async #lives(page) {
    if (page === this.page) return true;
    if (!navigator.locks) return false; // sending one twice counts once: each carries its key
    return navigator.locks.request(`${STORE}.${page}`, { ifAvailable: true }, (lock) => lock === null);
  }

  put(op) {
    return this.#write((store) => store.put(op));
  }

  remove(id) {
    return this.#write((store) => store.delete(id));
  }

  async #write(change) {
    const db = await this.db;
    if (!db) return;
    try {
      const transaction = db.transaction(STORE, 'readwrite');
      change(transaction.objectStore(STORE));
      transaction.commit();
      await new Promise((resolve, reject) => {
        transaction.oncomplete = resolve;
        transaction.onerror = transaction.onabort = () => reject(transaction.error);
      });
    } catch {
      this.isKept = false; // the device is full: what is on its way lives on in this page
    }
  }
}
