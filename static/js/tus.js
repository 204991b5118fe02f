// One file by the tus protocol 1.0.0: in pieces, and from the last confirmed byte on after whatever broke it off, also after
// the page was closed: where an upload lies is remembered for the same file under the same path. Its address is chosen here,
// so that it is known also when the answer to the very first piece never arrives.

const PIECE = 4 * 1024 * 1024;
const TRIES = 6;
const BUSY_MS = 500;
const WAIT_MS = 700; // doubled with every failure in a row
const TYPE = 'application/offset+octet-stream';

const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

/** XMLHttpRequest, because fetch tells nothing of how much has left. Code 0: the connection broke. */
function ask(method, url, headers, body, progress) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    request.setRequestHeader('Accept', 'application/json'); // or the sign-in page would answer for a session that is over
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    if (progress) request.upload.addEventListener('progress', (event) => progress(event.loaded));
    request.addEventListener('loadend', () => resolve({
      code: request.status, text: request.responseText, header: (name) => request.getResponseHeader(name),
    }));
    request.send(body ?? null);
  });
}

class Memory {
  constructor(batch, path, file) {
    this.key = `softproof.tus.${batch}.${path}|${file.size}|${file.lastModified}`;
  }

  get() {
    try { return localStorage.getItem(this.key); } catch { return null; }
  }

  set(url) {
    try { if (url) localStorage.setItem(this.key, url); else localStorage.removeItem(this.key); } catch { /* sent whole, then */ }
  }
}

/** A new upload's address: 24 random bytes in the letters of addresses. */
function at(address) {
  const token = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(24)))).replaceAll('+', '-').replaceAll('/', '_');
  return `${address}${token}/`;
}

/** What the server says, for a person: its own sentence, never a page. */
function words({ text }) {
  try { return JSON.parse(text).message ?? ''; } catch { return /^\s*</.test(text) ? '' : text; }
}

/** Sends `item.file`; resolves to {code, body} once it is whole and taken in, refused, or lost for now (code 0), or when the
 * session is over (401): what is confirmed stays, and the same call goes on from there. */
export async function sendFile({ item, batch, address, headers, progress }) {
  const { file, path } = item;
  const shared = () => ({ 'Tus-Resumable': '1.0.0', ...headers() });
  const memory = new Memory(batch, path, file);
  let isOld = Boolean(memory.get());
  let url = memory.get() ?? at(address);
  let offset = isOld ? null : 0; // null: the server is asked first
  let isBegun = isOld;
  let failures = 0;

  const piece = (from) => file.slice(from, from + PIECE);
  const refused = (answer) => ({ code: answer.code, body: { status: 'rejected', message: words(answer) } });

  for (;;) {
    let answer;
    if (!isBegun) {
      const told = Object.entries({ batch, path, token: url.split('/').at(-2) }).map(([name, value]) => `${name} ${base64(String(value))}`);
      const first = { ...shared(), 'Upload-Length': String(file.size), 'Upload-Metadata': told.join(','), 'Content-Type': TYPE };
      memory.set(url);
      isBegun = true;
      answer = await ask('POST', address, first, piece(0), progress);
      if (answer.code === 400 && isOld) { url = at(address); isOld = isBegun = false; continue; } // somebody else's, on this machine
      if (answer.code === 401) { if (!isOld) memory.set(null); return refused(answer); } // nothing of it was begun
      if (answer.code >= 400 && answer.code < 500) { memory.set(null); return refused(answer); }
    } else if (offset === null) {
      answer = await ask('HEAD', url, shared());
      if (answer.code === 404) { isBegun = false; offset = 0; continue; }
    } else if (offset < file.size) {
      const from = offset;
      answer = await ask('PATCH', url, { ...shared(), 'Content-Type': TYPE, 'Upload-Offset': String(from) }, piece(from), (sent) => progress(from + sent));
    } else return settled(url, memory);

    // An answer that confirms no byte is not this server's: somebody's sign-in page, say.
    const isDone = [200, 201, 204].includes(answer.code) && answer.header('Upload-Offset') !== null;
    if (isDone) {
      failures = 0;
      offset = Number(answer.header('Upload-Offset'));
      progress(offset);
      const result = answer.header('Softproof-Result');
      if (result) { memory.set(null); return { code: 200, body: JSON.parse(decodeURIComponent(result)) }; }
    } else if (answer.code === 409) offset = null;
    else if (answer.code === 423) { await pause(BUSY_MS); offset = null; }
    else if (answer.code === 0 || answer.code >= 500 || [200, 201, 204, 400, 404].includes(answer.code)) {
      if (answer.code === 507) return refused(answer);
      failures += 1;
      if (failures >= TRIES) return refused({ code: 0, text: '' });
      await pause(WAIT_MS * 2 ** (failures - 1));
      offset = null;
    } else return refused(answer);
  }
}

/** Every byte is confirmed: what became of the file. A ZIP takes its time. */
async function settled(url, memory) {
  for (;;) {
    const answer = await ask('GET', url, {});
    if (answer.code === 0 || answer.code >= 500) return { code: answer.code, body: {} };
    if (answer.code === 401) return { code: 401, body: { message: words(answer) } };
    if (answer.code === 202) { await pause(BUSY_MS); continue; }
    memory.set(null);
    if (answer.code !== 200) return { code: answer.code, body: { status: 'rejected', message: words(answer) } };
    return { code: 200, body: JSON.parse(answer.text) };
  }
}
