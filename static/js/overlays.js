// Why this score, on the picture: one layer per kind of loss, drawn as SVG over the result, and the flagged places in
// order of what they cost. Only pages that may tell the score have the controls; without them nothing here runs.
import { gettext } from './words.js';

const SVG = 'http://www.w3.org/2000/svg';
const DOT_BELOW = 12; // boxes smaller than this (image pixels) are drawn as a dot

function shape(name, attributes, className) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (className) element.setAttribute('class', className);
  return element;
}

const box = ([x, y, width, height], className) => (width < DOT_BELOW && height < DOT_BELOW
  ? shape('path', { d: `M${x + width / 2} ${y + height / 2}h.01` }, 'dot')
  : shape('rect', { x, y, width, height }, className ?? 'box'));

const BESIDE_SWIPE = 20; // percent: the handle doesn't cover the place one is taken to

const percent = (share) => (Math.round(share * 100) / 100).toLocaleString(document.documentElement.lang || 'en', { style: 'percent' });

export class Overlays {
  /** `root` holds #layers (the chips) and the stage; `viewer` looks at places; `say` reaches the live region, `refuse` those
   *  who look as well. */
  constructor(root, viewer, say, refuse) {
    this.root = root;
    this.viewer = viewer;
    this.say = say;
    this.refuse = refuse;
    this.marks = viewer.stage.querySelector('.marks > g');
    this.chips = root.querySelector('#layers');
    this.buttons = root.querySelectorAll('[data-key="why"]');
    this.isOn = false;
    this.off = new Set(['colour']); // the colour map covers the product: it is drawn when asked for
    this.places = null;
    this.at = -1;
  }

  get flags() {
    return this.places?.flags ?? [];
  }

  /** Takes what `item` may tell; a further channel's file has nothing of its own and shows nothing. */
  show(item) {
    this.places = (item.isFurther ? null : item.assist?.places) ?? null;
    this.at = -1;
    this.#draw();
    const chip = this.root.querySelector('#flagchip');
    chip?.toggleAttribute('hidden', !this.flags.length);
    const text = this.root.querySelector('#flagtxt');
    if (text) text.textContent = this.flags.length ? String(this.flags.length) : '';
  }

  toggle() {
    this.isOn = !this.isOn;
    this.#draw();
    this.say(this.isOn ? gettext('Lost points are shown on the picture.') : gettext('The picture is shown without marks.'));
  }

  /** Goes to the next (1) or previous (-1) flagged place, the dearest first. */
  step(by) {
    const { length } = this.flags;
    if (!length) { this.refuse(gettext('No place is flagged.')); return; }
    this.goto(this.at < 0 && by < 0 ? length - 1 : (this.at + by + length) % length);
  }

  goto(n) {
    const flag = this.flags[n];
    if (!flag) return;
    this.at = n;
    this.isOn = true;
    this.off.delete(flag.group);
    this.#draw();
    this.viewer.lookAt(flag.box);
    if (this.viewer.stage.dataset.mode === 'swipe') this.viewer.setSwipe(Math.min(this.viewer.swipe, BESIDE_SWIPE));
    const lost = flag.lost ? gettext(', {points} points', { points: flag.lost }) : '';
    this.say(gettext('Flagged place {n} of {count}: {words}.', { n: n + 1, count: this.flags.length, words: `${flag.words}${lost}` }));
  }

  /** Switches one layer on and shows the layers. */
  only(group) {
    this.isOn = true;
    this.off.delete(group);
    this.#draw();
    this.say(gettext('{what} is shown.', { what: this.places?.groups.find((each) => each.key === group)?.label ?? group }));
  }

  #layer({ key, paths, boxes }) {
    const layer = shape('g', {}, `mk k-${key}`);
    if (key === 'colour') {
      this.places.colours.forEach(({ path }, n) => layer.append(shape('path', { d: path }, `level l${n}`)));
    }
    for (const path of paths) layer.append(shape('path', { d: path }, 'area'));
    for (const each of boxes) layer.append(box(each));
    if (key === 'fill' && this.places.fill) {
      layer.append(box(this.places.fill.measured), box(this.places.fill.target, 'box target'));
    }
    return layer;
  }

  #draw() {
    const { places } = this;
    for (const button of this.buttons) button.setAttribute('aria-pressed', String(this.isOn));
    this.chips.hidden = !this.isOn || !places;
    this.marks.replaceChildren();
    this.chips.replaceChildren();
    if (!this.isOn || !places) return;
    const scored = shape('g', { transform: `matrix(${places.matrix.join(' ')})` });
    for (const group of places.groups) {
      if (!this.off.has(group.key)) scored.append(this.#layer(group));
      this.chips.append(this.#chip(group));
    }
    if (!places.groups.length) this.chips.append(gettext('Nothing cost points.'));
    this.marks.append(scored);
    const now = this.flags[this.at];
    if (now) this.marks.append(box(now.box, 'box now'));
  }

  #chip({ key, label, count, lost }) {
    const chip = document.createElement('button');
    const swatch = document.createElement('i');
    const figures = document.createElement('b');
    chip.type = 'button';
    chip.className = `lay k-${key}`;
    chip.dataset.group = key;
    chip.setAttribute('aria-pressed', String(!this.off.has(key)));
    const { fill } = this.places;
    const told = key === 'fill' && fill ? gettext('{share} of {limit}', { share: percent(fill.share), limit: percent(fill.limit) }) : count || '';
    figures.textContent = [told, lost ? `−${lost}` : ''].filter((text) => text !== '').join(' · ');
    chip.append(swatch, label, figures);
    chip.addEventListener('click', (event) => {
      if (!this.off.delete(key)) this.off.add(key);
      this.#draw();
      if (event.detail === 0) this.chips.querySelector(`[data-group="${key}"]`)?.focus(); // by a key: it was drawn anew
    });
    return chip;
  }
}
