// Moving edge or shadow settings for the photo on screen: run again by a worker, seen beside the old result, taken or not.
import { gettext } from './words.js';

const POLL_MS = 500;
const PATIENCE_MS = 90_000;
const GROUPS = { edge: gettext('Edge'), shadow: gettext('Shadow') };
const STEPS = 100; // of a slider, from its lower to its upper bound

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key in made && key !== 'list') made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

const words = (line, value) => `${Array.isArray(value) ? value.join(', ') : value}${line.unit ? ` ${line.unit}` : ''}`;

/** One setting as a labelled control; `read()` gives its value as the server wants it. */
function control(line) {
  const id = `adj-${line.path.replace('.', '-')}`;
  const label = element('label', { htmlFor: id }, line.label);
  if (line.kind === 'flag') {
    const box = element('input', { type: 'checkbox', id, checked: line.value });
    return { node: element('p', { className: 'opt' }, box, label), read: () => box.checked };
  }
  if (line.kind === 'choice') {
    const options = line.options.map((value, n) => element('option', { value, selected: value === line.value }, line.optionWords[n]));
    const select = element('select', { id, className: 'in' }, ...options);
    return { node: element('div', { className: 'field' }, label, select), read: () => select.value };
  }
  if (line.kind === 'whole_pair') {
    const boxes = line.value.map((value, n) => element('input', {
      type: 'number', className: 'in', value, min: line.low, max: line.high, ...(n ? { 'aria-label': gettext('{label}, down', { label: line.label }) } : { id }),
    }));
    return { node: element('div', { className: 'field' }, label, element('span', { className: 'row' }, ...boxes)), read: () => boxes.map((box) => Number(box.value)) };
  }
  const step = line.kind === 'whole' ? 1 : (line.high - line.low) / STEPS;
  const said = element('output', { htmlFor: id }, words(line, line.value));
  const slider = element('input', { type: 'range', id, min: line.low, max: line.high, step, value: line.value });
  let isMoved = false; // a slider rounds to its steps: what nobody moved stays as it is
  const value = () => (isMoved ? Number(Number(slider.value).toPrecision(4)) : line.value);
  slider.addEventListener('input', () => { isMoved = true; said.textContent = words(line, value()); });
  return { node: element('div', { className: 'field' }, element('span', { className: 'row' }, label, said), slider), read: value };
}

export class Adjuster {
  /**
   * `host` is the aside of review/_adjust.html. `show(item)` puts pictures on the stage, `taken(entry, item)` gets the photo
   * with its new result, `say(text)` reaches the live region.
   */
  constructor(host, stage, { headers, say, show, taken }) {
    Object.assign(this, { host, stage, headers, say, show, taken });
    this.part = (name) => host.querySelector(`[data-adjust="${name}"]`);
    this.entry = null;
    this.trial = null; // the adjustment that is being compared
    host.querySelector('form').addEventListener('submit', (event) => { event.preventDefault(); this.#run(); });
    this.part('use').addEventListener('click', () => this.#swap(this.trial, false));
    this.part('keep').addEventListener('click', () => this.#endTrial());
    this.part('back').addEventListener('click', () => this.#swap(this.used, true));
    this.part('close').addEventListener('click', () => this.close());
  }

  get isOpen() {
    return !this.host.hidden;
  }

  /** A new result is on screen and nothing may be decided before it is taken or left. */
  get isTrying() {
    return this.trial !== null;
  }

  async open(entry) {
    this.entry = entry;
    this.host.hidden = false;
    this.#status('');
    const { ok, data } = await this.#ask(`/review/items/${entry.id}/adjust/`);
    if (this.entry !== entry) return;
    this.part('fields').replaceChildren();
    this.part('run').disabled = !ok;
    if (!ok) { this.#status(data.message ?? gettext('The settings could not be fetched. Try again.'), true); return; }
    this.used = data.used;
    this.part('back').hidden = !data.used;
    this.controls = data.fields.map((line) => ({ line, ...control(line) }));
    for (const [group, title] of Object.entries(GROUPS)) {
      const mine = this.controls.filter(({ line }) => line.group === group);
      const set = element('fieldset', {}, element('legend', {}, title), ...mine.map(({ node }) => node));
      if (mine.some(({ line }) => !line.hasEffect)) set.append(element('p', { className: 'hint' }, gettext('This channel allows no shadow, so these change nothing here.')));
      this.part('fields').append(set);
    }
    this.part('fields').querySelector('input, select')?.focus();
  }

  close() {
    if (!this.isOpen) return;
    this.#endTrial();
    this.host.hidden = true;
    this.entry = null;
    this.stage.focus();
  }

  async #ask(url, body) {
    try {
      const options = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
      const response = await fetch(url, { headers: this.headers(), ...options });
      return { ok: response.ok, data: await response.json().catch(() => ({})) };
    } catch {
      return { ok: false, data: { message: gettext('The server could not be reached. Nothing was changed; try again.') } };
    }
  }

  #status(text, isBad = false) {
    this.part('status').textContent = text;
    this.part('status').classList.toggle('err', isBad);
    if (text) this.say(text);
  }

  async #run() {
    const { entry } = this;
    this.#endTrial();
    this.part('run').disabled = true;
    this.#status(gettext('Running it again …'));
    const values = Object.fromEntries(this.controls.map(({ line, read }) => [line.path, read()]));
    const { ok, data } = await this.#ask(`/review/items/${entry.id}/adjust/`, { values });
    if (ok) await this.#follow(entry, data.id);
    else this.#status(data.message ?? gettext('It could not be run again. Try once more.'), true);
    this.part('run').disabled = false;
  }

  async #follow(entry, id) {
    const until = Date.now() + PATIENCE_MS;
    while (this.entry === entry && Date.now() < until) {
      const { ok, data } = await this.#ask(`/review/adjustments/${id}/`);
      if (data.item) { this.#compare(id, data.item); return; }
      if (ok && data.state === 'failed') { this.#status(data.message, true); return; }
      await new Promise((done) => { setTimeout(done, POLL_MS); });
    }
    if (this.entry === entry) this.#status(gettext('The workers are busy or the batch is paused. The new result is kept; run it again later.'), true);
  }

  #compare(id, item) {
    this.trial = id;
    this.#label(gettext('Old result'), gettext('New result'));
    this.show(item);
    this.part('choice').hidden = false;
    this.#status(gettext('The new result is beside the old one.'));
    this.part('use').focus();
  }

  #label(before, after) {
    this.names ??= [...this.stage.querySelectorAll('.plabel')].filter((label) => label.firstChild).map((label) => [label.firstChild, label.firstChild.nodeValue]);
    for (const [node, was] of this.names) {
      const isAfter = node.parentElement.matches('.lb-after');
      node.nodeValue = before ? `${isAfter ? after : before} ` : was;
    }
  }

  #endTrial() {
    this.part('choice').hidden = true;
    if (!this.trial) return;
    this.trial = null;
    this.#label(null);
    this.#status(gettext('The old result stays.'));
    this.show(this.entry);
  }

  async #swap(id, isBack) {
    const { entry } = this;
    const { ok, data } = await this.#ask(`/review/adjustments/${id}/use/`, { back: isBack });
    if (!ok) { this.#status(data.message ?? gettext('It was not taken. Try again.'), true); return; }
    this.trial = null;
    this.#label(null);
    this.part('choice').hidden = true;
    this.taken(entry, data.item);
    this.say(isBack ? gettext('Back to the result from before.') : gettext('The new result is taken. Decide on it now.'));
    this.host.hidden = true;
    this.entry = null;
    this.stage.focus();
  }
}
