// Rejecting: one key for one reason, Shift and a number for several, and the last rejection again with one key. Minus or plus
// before it says which way crop, colour or shadow is wrong; without it the reason stands alone, so nobody has to.
import { digitOf, setShortcuts } from './keymap.js';
import { gettext } from './words.js';

const SLOP_PX = 10; // what moved more, or took longer, was a look at the photo and no click
const CLICK_MS = 350;

export class Reasons {
  /** `onReject(reasons)` gets the codes; `ways` is {code: {less: [code, words], more: …}} of those that
   * have a direction. `desk` holds #reasons and #film, a click on `stage` cancels. */
  constructor(desk, stage, { say, onReject, first, ways }) {
    Object.assign(this, { desk, say, onReject, words: ways });
    this.box = desk.querySelector('#reasons');
    this.film = desk.querySelector('#film');
    this.buttons = [...this.box.querySelectorAll('[data-reason]')];
    this.last = [first];
    this.isOpen = false;
    this.ways = [...this.box.querySelectorAll('[data-way]')];
    this.way = '';
    for (const button of this.ways) button.addEventListener('click', () => this.#turn(button.dataset.way));
    for (const button of this.buttons) button.addEventListener('click', (event) => this.#chosen(button, event.shiftKey));
    this.box.querySelector('#reject-cancel').addEventListener('click', () => this.cancel());
    if (desk.dataset.keys !== 'off') this.#hints();
    setShortcuts(this.box.querySelector('#reject-several'), ['Enter']);
    this.#watch(stage);
    this.box.querySelector('#reject-several').addEventListener('click', () => this.#reject(this.#marked()));
  }

  /** A click beside the list cancels; a drag, a pinch and a long press don't. */
  #watch(stage) {
    let from = null;
    stage.addEventListener('pointerdown', (event) => {
      from = event.isPrimary && event.target.closest('.pane') && !event.target.closest('button, label') ? event : null;
    });
    stage.addEventListener('pointerup', (event) => {
      const isClick = from && event.timeStamp - from.timeStamp < CLICK_MS
        && Math.hypot(event.clientX - from.clientX, event.clientY - from.clientY) < SLOP_PX;
      from = null;
      if (isClick) this.cancel();
    });
  }

  /** Opens the list; `suggested` is outlined and taken by a second X. */
  open(suggested) {
    this.isOpen = true;
    this.desk.classList.add('ask');
    this.film.hidden = true;
    this.box.hidden = false;
    this.#turn('');
    const wanted = suggested || this.last[0].split(':')[0];
    for (const button of this.buttons) {
      button.classList.toggle('sug', button.dataset.reason === wanted);
      button.setAttribute('aria-pressed', 'false');
    }
    this.#count();
    this.say(this.desk.dataset.keys === 'off' ? gettext('Choose a reason. Escape cancels.')
      : gettext('Choose a reason, 1 to 8. Shift and a number takes several. Escape cancels.'));
  }

  /** Nothing is rejected after all. */
  cancel() {
    if (!this.isOpen) return;
    this.close();
    this.say(gettext('Not rejected.'));
  }

  close() {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.desk.classList.remove('ask');
    this.film.hidden = false;
    this.box.hidden = true;
  }

  /** X once more, or Enter: the several that were chosen, else the outlined one. */
  take() {
    const several = this.#marked();
    const outlined = this.buttons.find((button) => button.matches('.sug'));
    this.#reject(several.length ? several : [outlined && this.#code(outlined)].filter(Boolean));
  }

  /** What keys do while the list is open. */
  get keys() {
    const choose = (isOneOfSeveral) => (event) => this.#chosen(this.buttons[Number(digitOf(event)) - 1], isOneOfSeveral);
    return {
      reason: choose(false),
      several: choose(true),
      take: () => this.take(),
      less: () => this.#turn('less'),
      more: () => this.#turn('more'),
    };
  }

  #hints() {
    for (const [n, button] of this.buttons.entries()) setShortcuts(button, [`${n + 1}`, `Shift+${n + 1}`]);
    for (const button of this.ways) setShortcuts(button, button.dataset.way === 'less' ? ['-'] : ['+', '=']);
  }

  #chosen(button, isOneOfSeveral) {
    if (!isOneOfSeveral && !this.#marked().length) {
      this.#reject([this.#code(button)]);
      return;
    }
    const isOn = button.getAttribute('aria-pressed') !== 'true';
    button.setAttribute('aria-pressed', String(isOn));
    this.#count();
    this.say(isOn
      ? gettext('{reason} chosen. Enter rejects.', { reason: button.dataset.label })
      : gettext('{reason} taken away. Enter rejects.', { reason: button.dataset.label }));
  }

  #marked() {
    return this.buttons.filter((button) => button.getAttribute('aria-pressed') === 'true').map((button) => this.#code(button));
  }

  /** The reason as it is sent, with the way it is wrong where one was chosen that it has: shadow:too_dark. */
  #code(button) {
    const [way] = this.words[button.dataset.reason]?.[this.way] ?? [];
    return way ? `${button.dataset.reason}:${way}` : button.dataset.reason;
  }

  /** Chooses a way, takes it back when it was chosen already, and lets the reasons that have one say it. */
  #turn(way) {
    this.way = way === this.way ? '' : way;
    for (const button of this.ways) button.setAttribute('aria-pressed', String(button.dataset.way === this.way));
    for (const button of this.buttons) {
      const [, label] = this.words[button.dataset.reason]?.[this.way] ?? [];
      button.lastElementChild.textContent = label ?? button.dataset.label;
    }
    if (this.way) this.say(this.way === 'less' ? gettext('Too little: 5 colour, 6 shadow, 7 size.') : gettext('Too much: 5 colour, 6 shadow, 7 size.'));
  }

  #count() {
    const count = this.#marked().length;
    const button = this.box.querySelector('#reject-several');
    button.hidden = !count;
    button.querySelector('b').textContent = String(count);
  }

  #reject(reasons) {
    if (!reasons.length) return;
    this.last = reasons;
    this.onReject(reasons);
  }
}
