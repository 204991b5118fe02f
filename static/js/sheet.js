// The CSV of a batch: looked at first (which column is what, what is left out and why), used when the person says so.

const $ = (id) => document.getElementById(id);
const WORDS = { file: 'File', sku: 'SKU', asin: 'ASIN', category: 'Category', shoot_group: 'Shoot group', description: 'Description' };
const NONE = '-';

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** A note with the icon of its tone, as the page holds them in templates. */
export function sheetNote(tone, text) {
  const box = element('div', `note ${tone}`);
  box.append($(tone === 'approve' ? 'i-ok' : 'i-bad').content.firstElementChild.firstElementChild.cloneNode(true), element('span', 'grow brk', text));
  return box;
}

const plural = (count, one, many) => `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

export class Sheets {
  /** `page` carries the addresses; `used(message)` is called when a list was taken. */
  constructor(page, used) {
    this.page = page;
    this.used = used;
    this.dialog = $('sheet-look');
  }

  async #send(url, file) {
    try {
      const answer = await fetch(url, {
        method: 'POST',
        body: file,
        headers: { 'X-CSRFToken': this.page.dataset.token, 'Content-Type': 'text/csv', Accept: 'application/json' },
      });
      return { ok: answer.ok, body: await answer.json() };
    } catch {
      return { ok: false, body: { message: 'The CSV could not be sent. Check the connection and add it again.' } };
    }
  }

  /** Looks at `file` and lets the person decide. Resolves to "used", "left", or "bad" when nothing in it can be read. */
  async offer(file) {
    this.file = file;
    const { ok, body } = await this.#send(this.page.dataset.lookUrl, file);
    if (!ok) { this.say('reject', `${file.name}: ${body.message}`); return 'bad'; }
    this.#fill(body);
    this.dialog.showModal();
    return new Promise((done) => {
      let isUsed = false;
      $('sl-leave').onclick = () => this.dialog.close();
      $('sl-use').onclick = async () => {
        isUsed = await this.#use();
        this.dialog.close();
      };
      this.dialog.addEventListener('close', () => done(isUsed ? 'used' : 'left'), { once: true });
    });
  }

  say(tone, text) {
    $('csv-said').replaceChildren(sheetNote(tone, text));
  }

  get #chosen() {
    return [...$('sl-columns').querySelectorAll('select')].filter((select) => select.value !== NONE).map((select) => `${select.name}:${select.value}`).join(',');
  }

  async #use() {
    const url = `${this.page.dataset.csvUrl}?columns=${encodeURIComponent(this.#chosen)}&pass`;
    const { ok, body } = await this.#send(url, this.file);
    this.say(ok ? 'approve' : 'reject', `${this.file.name}: ${body.message}`);
    if (ok) this.used(body.message);
    return ok;
  }

  async #again() {
    const { ok, body } = await this.#send(`${this.page.dataset.lookUrl}?columns=${encodeURIComponent(this.#chosen || 'none')}`, this.file);
    if (ok) this.#fill(body);
    else $('sl-said').replaceChildren(sheetNote('reject', body.message));
  }

  #fill(look) {
    const hasFile = 'file' in look.places;
    $('sl-name').textContent = `${this.file.name}: ${plural(look.good + look.bad, 'row', 'rows')}, ${plural(look.header.length, 'column', 'columns')}.`;
    $('sl-columns').replaceChildren(...look.columns.map((column) => this.#select(column, look)));
    $('sl-use').disabled = !look.good;
    $('sl-use').textContent = look.bad ? `Use the ${plural(look.good, 'good row', 'good rows')}` : `Use ${plural(look.good, 'row', 'rows')}`;
    $('sl-said').replaceChildren(...this.#said(look, hasFile));
    const shown = look.columns.filter((column) => column in look.places);
    const head = element('tr');
    head.append(...shown.map((column) => element('th', '', WORDS[column])));
    $('sl-head').replaceChildren(head);
    $('sl-rows').replaceChildren(...look.rows.map((row) => {
      const line = element('tr');
      line.append(...shown.map((column) => element('td', 'brk', row[column] || NONE)));
      return line;
    }));
  }

  #select(column, look) {
    const field = element('div', 'field');
    const label = element('label', '', WORDS[column]);
    const select = element('select', 'in');
    label.htmlFor = select.id = `sl-${column}`;
    select.name = column;
    select.append(new Option('not in the list', NONE));
    look.header.forEach((name, at) => select.append(new Option(name || `column ${at + 1}`, String(at))));
    select.value = column in look.places ? String(look.places[column]) : NONE;
    select.addEventListener('change', async () => {
      await this.#again();
      $(`sl-${column}`).focus();
    });
    field.append(label, select);
    return field;
  }

  #said(look, hasFile) {
    if (!hasFile) return [sheetNote('reject', 'No column names the files yet. Choose it under File.')];
    const notes = [];
    if (look.bad) {
      const lines = look.problems.map(([line, why]) => `Line ${line}: ${why}`).join(' ');
      const more = look.bad > look.problems.length ? ` And ${look.bad - look.problems.length} more.` : '';
      notes.push(sheetNote('reject', `${plural(look.bad, 'row is', 'rows are')} left out. ${lines}${more}`));
    }
    if (look.lacking) notes.push(sheetNote('reject', `This batch needs a SKU and a category: ${plural(look.lacking, 'row has', 'rows have')} none, and the photos of those are refused.`));
    if (look.unknown.length) notes.push(sheetNote('hold', `No rule knows ${look.unknown.map(([name, rows]) => `${name} (${rows})`).join(', ')}: these photos are classified by their pixels.`));
    if (look.rows_without_photo) notes.push(sheetNote('hold', `No photo here yet for ${plural(look.rows_without_photo, 'row', 'rows')}: ${look.missing_names.join(', ')}${look.rows_without_photo > look.missing_names.length ? ' …' : ''}.`));
    if (look.photos_without_row) notes.push(sheetNote('hold', `${plural(look.photos_without_row, 'photo here is', 'photos here are')} named by no row.`));
    return notes;
  }
}
