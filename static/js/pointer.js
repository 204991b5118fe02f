// Wheel, mouse, pen and touch on a compare stage: zoom at the pointer, drag, pinch, double tap, long press, swipe handle.

const WHEEL_RATE = 0.0022;
const WHEEL_MOST = 240;
const LONG_PRESS_MS = 380;
const DOUBLE_TAP_MS = 320;
const SLOP_PX = 10; // a finger that moved less than this has not moved
const STEPS = { ArrowLeft: -2, ArrowRight: 2, ArrowDown: -2, ArrowUp: 2, PageDown: -10, PageUp: 10, Home: -100, End: 100 };

const paneOf = (event) => (event.target.closest('button, select, label, .beside') ? null : event.target.closest('.pane'));
const clamp = (value, most) => Math.min(most, Math.max(-most, value));

export class Pointer {
  /** Listens on `viewer.stage` and moves `viewer`. `onHover(event, pane)` is told where a free pointer is. */
  constructor(viewer, onHover) {
    this.viewer = viewer;
    this.stage = viewer.stage;
    this.onHover = onHover;
    this.touches = new Map();
    const { stage } = this;
    stage.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    stage.addEventListener('pointerdown', (event) => this.#down(event));
    stage.addEventListener('pointermove', (event) => this.#move(event));
    for (const name of ['pointerup', 'pointercancel']) stage.addEventListener(name, (event) => this.#up(event));
    stage.addEventListener('pointerleave', () => this.onHover(null));
    stage.addEventListener('contextmenu', (event) => { if (this.kind === 'touch') event.preventDefault(); });
    stage.addEventListener('dblclick', (event) => {
      if (this.kind !== 'touch' && paneOf(event)) this.#toggle(event, paneOf(event));
    });
    stage.querySelector('.swipe-h')?.addEventListener('keydown', (event) => this.#swipeKey(event));
  }

  #swipeKey(event) {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    this.viewer.setSwipe(this.viewer.swipe + step);
  }

  #fromMiddle(x, y, pane) {
    const box = pane.getBoundingClientRect();
    return [x - box.left - box.width / 2, y - box.top - box.height / 2];
  }

  #toggle(event, pane) {
    this.viewer.last = this.viewer.toImage(event, pane);
    this.viewer.toggleActual();
  }

  #wheel(event) {
    const pane = paneOf(event);
    if (!pane) return;
    event.preventDefault();
    const factor = Math.exp(-clamp(event.deltaY, WHEEL_MOST) * WHEEL_RATE);
    const away = this.#fromMiddle(event.clientX, event.clientY, pane);
    this.viewer.zoomTo(this.viewer.scale * factor, this.viewer.toImage(event, pane), ...away);
  }

  #down(event) {
    this.kind = event.pointerType;
    if (event.button) return;
    if (event.target.closest('.swipe-h')) {
      this.stage.setPointerCapture(event.pointerId);
      this.drag = { swipe: true };
      return;
    }
    const pane = paneOf(event);
    if (!pane) return;
    this.touches.set(event.pointerId, event);
    this.stage.setPointerCapture(event.pointerId);
    clearTimeout(this.press);
    if (this.touches.size === 2) this.#startPinch(pane);
    else this.drag = { pane, centre: this.viewer.centre, x: event.clientX, y: event.clientY };
    this.stage.classList.add('drag');
    if (event.pointerType === 'touch' && this.touches.size === 1) {
      this.press = setTimeout(() => { this.isPeeking = true; this.viewer.peek(true); }, LONG_PRESS_MS);
    }
  }

  #startPinch(pane) {
    const [one, two] = [...this.touches.values()];
    const middle = [(one.clientX + two.clientX) / 2, (one.clientY + two.clientY) / 2];
    this.drag = {
      pane, scale: this.viewer.scale, spread: this.#spread(),
      point: this.viewer.toImage({ clientX: middle[0], clientY: middle[1] }, pane),
    };
  }

  /** Two fingers zoom and pan at once: the point that was between them stays between them. */
  #pinch() {
    const { pane, scale, spread, point } = this.drag;
    const [one, two] = [...this.touches.values()];
    const away = this.#fromMiddle((one.clientX + two.clientX) / 2, (one.clientY + two.clientY) / 2, pane);
    this.viewer.zoomTo((scale * this.#spread()) / Math.max(spread, 1), point, ...away);
  }

  #move(event) {
    if (this.drag?.swipe) {
      const box = this.stage.getBoundingClientRect();
      this.viewer.setSwipe(((event.clientX - box.left) / box.width) * 100);
      return;
    }
    if (this.touches.has(event.pointerId)) this.touches.set(event.pointerId, event);
    if (this.drag?.spread !== undefined) {
      if (this.touches.size === 2) this.#pinch();
      return;
    }
    if (this.drag) {
      const [dx, dy] = [event.clientX - this.drag.x, event.clientY - this.drag.y];
      if (Math.hypot(dx, dy) > SLOP_PX) {
        this.drag.moved = true;
        if (!this.isPeeking) clearTimeout(this.press);
      }
      if (!this.viewer.isFit) {
        const [x, y] = this.drag.centre;
        this.viewer.moveTo([x - dx / this.viewer.scale, y - dy / this.viewer.scale]);
        return;
      }
    }
    const pane = document.elementFromPoint(event.clientX, event.clientY)?.closest('.pane');
    if (pane && this.stage.contains(pane)) this.onHover(event, pane);
  }

  #up(event) {
    clearTimeout(this.press);
    const wasPeeking = this.isPeeking;
    if (wasPeeking) { this.isPeeking = false; this.viewer.peek(false); }
    const { drag } = this;
    const isTap = event.type === 'pointerup' && event.pointerType === 'touch' && drag?.pane && !drag.moved && !wasPeeking
      && drag.spread === undefined;
    if (drag?.swipe && event.pointerType === 'mouse') this.stage.focus({ preventScroll: true }); // arrows and Enter are the desk's again
    this.touches.delete(event.pointerId);
    // The finger that stays down goes on panning from where it is.
    const rest = [...this.touches.values()][0];
    this.drag = rest && drag?.pane ? { pane: drag.pane, centre: this.viewer.centre, x: rest.clientX, y: rest.clientY, moved: true } : null;
    if (!this.drag) this.stage.classList.remove('drag');
    if (isTap) this.#tap(event, drag.pane);
  }

  #tap(event, pane) {
    const before = this.tapped;
    const isDouble = before && event.timeStamp - before.at < DOUBLE_TAP_MS
      && Math.hypot(event.clientX - before.x, event.clientY - before.y) < 3 * SLOP_PX;
    this.tapped = isDouble ? null : { at: event.timeStamp, x: event.clientX, y: event.clientY };
    if (isDouble) this.#toggle(event, pane);
    else this.onHover(event, pane);
  }

  #spread() {
    const [one, two] = [...this.touches.values()];
    return Math.hypot(one.clientX - two.clientX, one.clientY - two.clientY);
  }
}
