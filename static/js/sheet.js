// The CSV of a batch: looked at first (which column is what, what is left out and why), used when the person says so.
import { headers, sessionOver } from './session.js';
import { gettext, ngettext } from './words.js';

const $ = (id) => document.getElementById(id);
const WORDS = {
  file: gettext('File'), sku: gettext('SKU'), asin: gettext('ASIN'), category: gettext('Category'), shoot_group: gettext('Shoot group'),
  description: gettext('Description'), inside: gettext('Inside label'),
};
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
        headers: { ...headers(), 'Content-Type': 'text/csv', Accept: 'application/json' },
      });
      if (answer.status === 401) sessionOver(() => {});
      return { ok: answer.ok, body: await answer.json() };
    } catch {
      return { ok: false, body: { message: gettext('The CSV could not be sent. Check the connection and add it again.') } };
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
    $('sl-name').textContent = `${this.file.name}: ${ngettext('{count} row', '{count} rows', look.good + look.bad)}, ${ngettext('{count} column', '{count} columns', look.header.length)}.`;
    $('sl-columns').replaceChildren(...look.columns.map((column) => this.#select(column, look)));
    $('sl-use').disabled = !look.good;
    $('sl-use').textContent = look.bad
      ? ngettext('Use the {count} good row', 'Use the {count} good rows', look.good)
      : ngettext('Use {count} row', 'Use {count} rows', look.good);
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
    select.append(new Option(gettext('not in the list'), NONE));
    look.header.forEach((name, at) => select.append(new Option(name || gettext('column {n}', { n: at + 1 }), String(at))));
    select.value = column in look.places ? String(look.places[column]) : NONE;
    select.addEventListener('change', async () => {
      await this.#again();
      $(`sl-${column}`).focus();
    });
    field.append(label, select);
    return field;
  }

  #said(look, hasFile) {
    if (!hasFile) return [sheetNote('reject', gettext('No column names the files yet. Choose it under File.'))];
    const notes = [];
    if (look.bad) {
      const lines = look.problems.map(([line, why]) => gettext('Line {line}: {why}', { line, why })).join(' ');
      const more = look.bad > look.problems.length ? ` ${gettext('And {count} more.', { count: look.bad - look.problems.length })}` : '';
      notes.push(sheetNote('reject', `${ngettext('{count} row is left out.', '{count} rows are left out.', look.bad)} ${lines}${more}`));
    }
    if (look.lacking) notes.push(sheetNote('reject', ngettext(
      'This batch needs a SKU and a category: {count} row has none, and its photo is refused.',
      'This batch needs a SKU and a category: {count} rows have none, and their photos are refused.',
      look.lacking,
    )));
    if (look.unknown.length) notes.push(sheetNote('hold', gettext('No rule knows {names}: these photos are classified by their pixels.', { names: look.unknown.map(([name, rows]) => `${name} (${rows})`).join(', ') })));
    if (look.rows_without_photo) notes.push(sheetNote('hold', ngettext('No photo here yet for {count} row: {names}.', 'No photo here yet for {count} rows: {names}.', look.rows_without_photo, {
      names: `${look.missing_names.join(', ')}${look.rows_without_photo > look.missing_names.length ? ' …' : ''}`,
    })));
    if (look.photos_without_row) notes.push(sheetNote('hold', ngettext('{count} photo here is named by no row.', '{count} photos here are named by no row.', look.photos_without_row)));
    return notes;
  }
}
