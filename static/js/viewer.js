// The compare viewer: <img> layers moved by CSS transforms, no canvas for the pictures. All moving geometry goes through
// CSSOM, which a strict style-src allows. Coordinates are pixels of the `after` picture ("image pixels").
import { Pixels } from './pixels.js';
import { Pointer } from './pointer.js';

const MARGIN = 12; // CSS pixels kept free around a fitted picture
const OVERSCROLL = 80; // CSS pixels a picture may be pulled past the pane's edge
const MAX_ZOOM = 8;
const NEAREST_FROM = 1.99; // from 200 % one sees the pixels themselves
const BLINK_MS = 450; // 1.1 Hz for the pair, well under three flashes a second

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const dpr = () => globalThis.devicePixelRatio || 1;

export class Viewer {
  /** `stage` holds the panes of ui/stage.html. onHud gets a readout or null; onZoom(zoom, isFit); onShow(item). */
  constructor(stage, { onHud = () => {}, onZoom = () => {}, onShow = () => {} } = {}) {
    this.stage = stage;
    this.onHud = onHud;
    this.onZoom = onZoom;
    this.onShow = onShow;
    this.panes = [...stage.querySelectorAll('.pane')];
    this.worlds = [...stage.querySelectorAll('.world')];
    this.records = new Map(); // key -> {item, layers, ready, ok, failed}
    this.current = null;
    this.size = [2000, 2000];
    this.centre = [1000, 1000]; // what is in the middle
    this.wished = [1000, 1000]; // what is meant to be: a smaller picture may not let it
    this.zoom = 1;
    this.isFit = true;
    this.keepsZoom = false;
    this.pixels = new Pixels(() => this.#queueHud());
    new ResizeObserver(() => this.apply()).observe(stage);
    this.setSwipe(50);
    new Pointer(this, (event, pane) => this.#hover(event, pane));
    this.#watchRatio();
  }

  // ---- loading: decoded, attached and hidden, so that the swap is one visibility change in one frame
  load(item) {
    const known = this.records.get(item.key);
    if (known) return known;
    const record = { item, layers: [], ok: false, failed: false };
    for (const world of this.worlds) {
      const { kind } = world.dataset;
      const isBefore = kind === 'before';
      if (!item[kind]) continue; // results made before mattes were kept have none
      const image = isBefore ? new Image(item.beforeWidth, item.beforeHeight) : new Image(item.width, item.height);
      image.decoding = 'sync';
      image.draggable = false;
      image.alt = '';
      image.src = item[kind];
      if (isBefore) image.style.transform = `matrix(${item.matrix.join(',')})`;
      record.layers.push(image);
      world.append(image);
    }
    record.ready = Promise.all(record.layers.map((image) => image.decode())).then(
      () => { record.ok = true; },
      () => { record.failed = true; },
    );
    this.records.set(item.key, record);
    return record;
  }

  /** Draws a speck of a photo under the one on screen: the browser scales a picture when it first draws it, and has then
   *  done so before the photo is asked for. */
  warm(item) {
    const record = this.load(item);
    this.warmed = record;
    record.ready.then(() => {
      if (!record.ok || this.warmed !== record || this.current === record) return;
      for (const image of this.stage.querySelectorAll('.warm')) image.classList.remove('warm');
      for (const image of record.layers) image.classList.add('warm');
    });
  }

  drop(key) {
    const record = this.records.get(key);
    if (!record || record === this.current) return;
    for (const image of record.layers) image.remove();
    this.records.delete(key);
  }

  keepOnly(keys) {
    for (const key of [...this.records.keys()]) if (!keys.includes(key)) this.drop(key);
  }

  /** Shows a photo as soon as it is decoded; the one before stays on screen until then. */
  show(item) {
    const record = this.load(item);
    this.wanted = record;
    if (record.ok) this.#reveal(record);
    else record.ready.then(() => { if (this.wanted === record && record.ok) this.#reveal(record); });
    return record;
  }

  #reveal(record) {
    for (const image of this.current?.layers ?? []) image.classList.remove('on');
    for (const image of record.layers) { image.classList.remove('warm'); image.classList.add('on'); }
    this.current = record;
    const old = this.size;
    this.size = [record.item.width, record.item.height];
    this.stage.classList.toggle('no-matte', !record.item.matte);
    for (const world of this.worlds) {
      world.style.width = `${this.size[0]}px`;
      world.style.height = `${this.size[1]}px`;
    }
    this.pixels.open(record.item);
    if (this.keepsZoom || this.keepsPlace) this.wished = this.wished.map((value, axis) => (value / old[axis]) * this.size[axis]);
    else {
      this.isFit = true;
      this.#recentre();
    }
    this.keepsPlace = false;
    this.apply();
    this.onShow(record.item);
  }

  /** Shows another file of the same photo, such as a further channel's: the same place stays in sight. */
  swap(item) {
    this.keepsPlace = true;
    return this.show(item);
  }

  // ---- modes
  setMode(mode) {
    this.stage.dataset.mode = mode;
    clearInterval(this.blinker);
    this.stage.classList.remove('blinked');
    if (mode === 'blink' && !matchMedia('(prefers-reduced-motion: reduce)').matches) {
      this.blinker = setInterval(() => this.stage.classList.toggle('blinked'), BLINK_MS);
    }
    this.apply();
  }

  peek(on) {
    this.stage.classList.toggle('peek', on);
  }

  setSwipe(percent) {
    this.swipe = clamp(percent, 0, 100);
    this.stage.style.setProperty('--x', `${this.swipe}%`);
    this.stage.querySelector('.swipe-h')?.setAttribute('aria-valuenow', String(Math.round(this.swipe)));
  }

  // ---- geometry
  get scale() {
    return this.isFit ? this.fitScale() : this.zoom;
  }

  #recentre() {
    this.wished = [this.size[0] / 2, this.size[1] / 2];
  }

  #pane() {
    return this.panes.find((pane) => pane.offsetWidth) ?? this.panes[0];
  }

  fitScale() {
    const pane = this.#pane();
    const room = [pane.clientWidth - 2 * MARGIN, pane.clientHeight - 2 * MARGIN];
    return Math.max(Math.min(room[0] / this.size[0], room[1] / this.size[1]), 0.01);
  }

  /** True pixels stay true when the window moves to a screen of another density or the page is zoomed. */
  #watchRatio() {
    const before = dpr();
    matchMedia(`(resolution: ${before}dppx)`).addEventListener('change', () => {
      this.zoom *= before / dpr();
      this.apply();
      this.#watchRatio();
    }, { once: true });
  }

  apply() {
    const scale = this.scale;
    const ratio = dpr();
    const snap = (value) => Math.round(value * ratio) / ratio; // whole device pixels keep 1:1 sharp
    const first = this.#pane();
    const view = [first.clientWidth, first.clientHeight];
    this.centre = this.wished.map((value, axis) => {
      const half = view[axis] / 2 / scale;
      const slack = OVERSCROLL / scale;
      if (this.size[axis] * scale <= view[axis]) return this.size[axis] / 2;
      return clamp(value, half - slack, this.size[axis] - half + slack);
    });
    for (const pane of this.panes) {
      if (!pane.offsetWidth) continue;
      const x = snap(pane.clientWidth / 2 - this.centre[0] * scale);
      const y = snap(pane.clientHeight / 2 - this.centre[1] * scale);
      for (const world of pane.querySelectorAll('.world')) {
        world.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
      }
      pane.querySelector('.marks > g')?.setAttribute('transform', `translate(${x} ${y}) scale(${scale})`);
    }
    this.stage.classList.toggle('nearest', scale * ratio >= NEAREST_FROM);
    this.stage.classList.toggle('pan', !this.isFit);
    this.onZoom(scale * ratio, this.isFit);
  }

  /** A pointer position inside `pane` in image pixels. */
  toImage(event, pane) {
    const box = pane.getBoundingClientRect();
    return [
      this.centre[0] + (event.clientX - box.left - box.width / 2) / this.scale,
      this.centre[1] + (event.clientY - box.top - box.height / 2) / this.scale,
    ];
  }

  /** Zooms so that image point (x, y) lies `ax`, `ay` CSS pixels from the middle of its pane. */
  zoomTo(scale, [x, y] = this.centre, ax = 0, ay = 0) {
    const fit = this.fitScale();
    this.zoom = clamp(scale, Math.min(fit, 1 / dpr()), MAX_ZOOM / dpr());
    this.isFit = scale <= 0 || Math.abs(this.zoom - fit) < fit * 0.001 || (this.zoom < fit && fit <= 1 / dpr());
    if (this.isFit) this.#recentre();
    else this.wished = [x - ax / this.zoom, y - ay / this.zoom];
    this.#settle();
  }

  toggleActual() {
    if (this.isFit) this.zoomTo(1 / dpr(), this.last ?? this.centre);
    else this.zoomTo(0);
  }

  zoomStep(factor) {
    this.zoomTo(this.scale * factor, this.centre);
  }

  /** Pans by CSS pixels; false where there is nothing to pan. */
  pan(dx, dy) {
    if (this.isFit) return false;
    this.moveTo([this.centre[0] + dx / this.scale, this.centre[1] + dy / this.scale]);
    return true;
  }

  moveTo(centre) {
    this.wished = centre;
    this.#settle();
  }

  /** A person moved the picture: what they see is what they wish, also for the next photo. */
  #settle() {
    this.apply();
    this.wished = this.centre;
  }

  /** Brings a box (x, y, w, h) into the middle: at twice its actual size where it fits, else as large as it fits. */
  lookAt([x, y, width, height]) {
    const pane = this.#pane();
    const room = Math.min(pane.clientWidth / (width * 1.4), pane.clientHeight / (height * 1.4));
    this.zoomTo(Math.min(2 / dpr(), Math.max(room, this.fitScale() * 1.01)), [x + width / 2, y + height / 2]);
  }

  #hover(event, pane) {
    if (!event) { this.onHud(null); return; }
    this.last = this.toImage(event, pane);
    this.#queueHud();
  }

  #queueHud() {
    if (this.hudFrame || !this.last) return;
    this.hudFrame = requestAnimationFrame(() => {
      this.hudFrame = 0;
      this.onHud(this.pixels.read(...this.last));
    });
  }
}
