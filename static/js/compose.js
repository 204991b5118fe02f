// What goes with a decision beyond the verdict: a note in words, rings drawn on the result, and the tick that the colour was
// held against the product. They belong to the photo on screen until it is decided, and come back when that is taken back.
import { gettext, ngettext } from './words.js';

const SVG = 'http://www.w3.org/2000/svg';
const RING = 56; // CSS px: the ring that a click or Enter puts down
const DRAG_FROM = 6; // CSS px: below this it was a click
const MAX_MARKS = 20;

function ellipse({ x, y, w, h }) {
  const made = document.createElementNS(SVG, 'ellipse');
  for (const [name, value] of Object.entries({ cx: x + w / 2, cy: y + h / 2, rx: w / 2, ry: h / 2 })) {
    made.setAttribute(name, value.toFixed(1));
  }
  return made;
}

/** Draws rings (boxes in `after` pixels) over the result inside `stage`. Also used where they are only looked at. */
export function drawMarks(stage, item, marks) {
  const world = stage.querySelector('.world[data-kind="after"]');
  world.querySelector('svg.rings')?.remove();
  if (!marks.length) return;
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'rings');
  svg.setAttribute('width', item.width);
  svg.setAttribute('height', item.height);
  svg.setAttribute('viewBox', `0 0 ${item.width} ${item.height}`);
  svg.setAttribute('aria-hidden', 'true');
  for (const mark of marks) {
    const under = ellipse(mark);
    under.setAttribute('class', 'under');
    svg.append(under, ellipse(mark));
  }
  world.append(svg);
}

export class Composer {
  /** `home()` brings the channel back that is scored: rings are pixels of its file, not of a further channel's. */
  constructor(desk, stage, viewer, { say, refuse, home }) {
    Object.assign(this, { desk, stage, viewer, say, refuse, home });
    this.box = desk.querySelector('#compose');
    this.field = desk.querySelector('#note-text');
    this.entry = null;
    this.isDrawing = false;
    this.field.addEventListener('input', () => { this.#draft().note = this.field.value; });
    this.field.addEventListener('keydown', (event) => this.#key(event));
    desk.querySelector('#marks-clear').addEventListener('click', () => { this.#draft().marks = []; this.#paint(); this.stage.focus(); });
    desk.querySelector('#compose-done').addEventListener('click', () => this.#closeNote());
    this.#listen();
  }

  /** The photo that is on screen now. */
  open(entry) {
    this.entry = entry;
    this.isNoting = false;
    this.setDrawing(false);
    this.field.value = this.#draft().note;
    this.#paint();
  }

  /** {note, marks, colour} of the photo on screen, as they are sent. */
  get draft() {
    const { note, marks, colour } = this.#draft();
    return { note: note.trim(), marks, colour: Boolean(colour && this.entry?.asksColour) };
  }

  /** True where the photo can't be approved yet: its colour has to be checked against the product, and isn't ticked. */
  get isUnticked() {
    return Boolean(this.entry?.asksColour && !this.#draft().colour);
  }

  /** Ticks that the colour was checked, or takes the tick away. */
  tick() {
    if (!this.entry?.asksColour) { this.refuse(gettext('This photo asks for no colour check.')); return; }
    this.#draft().colour = this.isUnticked;
    this.#paint();
    this.say(this.isUnticked ? gettext('Not ticked.') : gettext('Ticked: colour checked against the product.'));
  }

  #draft() {
    if (!this.entry) return { note: '', marks: [] };
    this.entry.draft ??= { note: '', marks: [] };
    return this.entry.draft;
  }

  /** Opens the note's field. */
  note() {
    if (!this.entry) return;
    this.isNoting = true;
    this.#paint();
    this.field.focus();
  }

  #closeNote() {
    this.isNoting = false;
    this.#paint();
    this.stage.focus();
  }

  #key(event) {
    if (event.key !== 'Escape' && event.key !== 'Enter') return;
    event.preventDefault();
    event.stopPropagation();
    this.#closeNote();
    this.say(this.draft.note ? gettext('The note goes with your decision.') : gettext('No note.'));
  }

  /** Switches the pen on or off. */
  setDrawing(isOn) {
    if (this.isDrawing === isOn) return;
    if (isOn) this.home();
    this.isDrawing = isOn;
    this.stage.classList.toggle('drawing', isOn);
    this.#paint();
    if (isOn) this.say(gettext('Draw a ring round the place, or click it. Enter marks the middle, Backspace takes the last ring away.'));
  }

  /** What keys do while the pen is on. */
  get keys() {
    return {
      ring: () => this.#add(this.#ring(...this.viewer.centre)),
      ringBack: () => { this.#draft().marks.pop(); this.#paint(); },
      penDown: () => this.setDrawing(false),
    };
  }

  #ring(x, y) {
    const side = RING / this.viewer.scale;
    return { x: x - side / 2, y: y - side / 2, w: side, h: side };
  }

  #add(mark) {
    const { marks } = this.#draft();
    if (marks.length >= MAX_MARKS) { this.refuse(gettext('{count} rings are enough. Take one away first.', { count: MAX_MARKS })); return; }
    marks.push(mark);
    this.#paint();
    this.say(gettext('Ring {n} drawn. It goes with your decision.', { n: marks.length }));
  }

  #paint(extra) {
    const { marks, note } = this.#draft();
    if (this.entry) drawMarks(this.stage, this.entry, extra ? [...marks, extra] : marks);
    const isShown = this.isNoting || this.isDrawing || marks.length > 0 || note !== '';
    this.box.hidden = !isShown;
    this.box.querySelector('#marks-said').textContent = ngettext('{count} ring', '{count} rings', marks.length);
    this.box.querySelector('.rings').hidden = !marks.length && !this.isDrawing;
    const check = this.desk.querySelector('[data-do="colour"]');
    check.hidden = !this.entry?.asksColour;
    check.setAttribute('aria-pressed', String(!check.hidden && !this.isUnticked));
    for (const button of this.desk.querySelectorAll('[data-do="mark"]')) button.setAttribute('aria-pressed', String(this.isDrawing));
  }

  // While the pen is on, the pointer draws instead of moving the picture: caught before the viewer sees it.
  #listen() {
    let from = null;
    const take = (event) => { event.stopPropagation(); event.preventDefault(); };
    const box = (event) => {
      const to = this.viewer.toImage(event, from.pane);
      return {
        x: Math.min(from.at[0], to[0]), y: Math.min(from.at[1], to[1]), w: Math.abs(to[0] - from.at[0]), h: Math.abs(to[1] - from.at[1]),
      };
    };
    this.stage.addEventListener('pointerdown', (event) => {
      const pane = event.target.closest('.pane');
      if (!this.isDrawing || event.button || !pane || from) return;
      take(event);
      this.stage.setPointerCapture(event.pointerId);
      from = { pane, at: this.viewer.toImage(event, pane), x: event.clientX, y: event.clientY, id: event.pointerId };
    }, true);
    this.stage.addEventListener('pointermove', (event) => {
      if (from?.id !== event.pointerId) return;
      take(event);
      this.#paint(box(event));
    }, true);
    const end = (event) => {
      if (from?.id !== event.pointerId) return;
      take(event);
      const isClick = Math.hypot(event.clientX - from.x, event.clientY - from.y) < DRAG_FROM;
      const mark = isClick ? this.#ring(...from.at) : box(event);
      from = null;
      if (event.type === 'pointercancel' || Math.min(mark.w, mark.h) * this.viewer.scale < DRAG_FROM) this.#paint();
      else this.#add(mark);
    };
    for (const name of ['pointerup', 'pointercancel']) this.stage.addEventListener(name, end, true);
    this.stage.addEventListener('dblclick', (event) => { if (this.isDrawing) take(event); }, true);
  }
}
