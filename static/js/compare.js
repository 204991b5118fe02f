// A viewer with its tools: mode buttons, zoom, background, readout. Used by the review desk and the editing page.
import { Viewer } from './viewer.js';

const PAN_STEP = 160;
const ZOOM_STEP = 1.25;
const NARROW = 760;
const SURROUNDS = ['3', '18', '100', '0', 'chk'];

const inThrees = (rgb) => (rgb ? rgb.map((value) => String(value).padStart(3, ' ')).join(' ') : 'outside');

function readout(hud) {
  const field = (name) => hud.querySelector(`[data-hud="${name}"]`);
  return (data) => {
    hud.hidden = !data?.after;
    if (hud.hidden) return;
    field('at').textContent = `${data.x}, ${data.y}`;
    field('before').textContent = inThrees(data.before);
    field('after').textContent = inThrees(data.after);
    field('difference').textContent = data.dE === null ? '' : data.dE.toFixed(1);
    field('before-chip').style.background = data.before ? `rgb(${data.before})` : 'transparent';
    field('after-chip').style.background = `rgb(${data.after})`;
  };
}

/** Sets the tools of `root` up around `stage`. `say(text)` reaches the live region. Returns {viewer, handlers}. */
export function compare(root, stage, say) {
  const zoomText = root.querySelector('#zoomv');
  const viewer = new Viewer(stage, {
    onZoom: (zoom, isFit) => { zoomText.textContent = isFit ? 'Fit' : `${Math.round(zoom * 100)}%`; },
    onHud: readout(stage.querySelector('#hud')),
  });
  const modes = [...root.querySelectorAll('[data-mode][data-key]')];
  const surrounds = [...root.querySelectorAll('button[data-surround]')];

  const setMode = (mode, isSilent = false) => {
    viewer.setMode(mode);
    for (const button of modes) button.setAttribute('aria-pressed', String(button.dataset.mode === mode));
    if (!isSilent) say(root.querySelector(`[data-mode="${mode}"] .t`).textContent);
  };
  const setSurround = (name) => {
    stage.dataset.surround = name;
    for (const button of surrounds) button.setAttribute('aria-pressed', String(button.dataset.surround === name));
  };

  const handlers = {
    peek: () => viewer.peek(true),
    fit: () => viewer.toggleActual(),
    zoomIn: () => viewer.zoomStep(ZOOM_STEP),
    zoomOut: () => viewer.zoomStep(1 / ZOOM_STEP),
    zoomFit: () => viewer.zoomTo(0),
    surround: () => setSurround(SURROUNDS[(SURROUNDS.indexOf(stage.dataset.surround) + 1) % SURROUNDS.length]),
    left: () => viewer.pan(-PAN_STEP, 0),
    right: () => viewer.pan(PAN_STEP, 0),
    up: () => viewer.pan(0, -PAN_STEP),
    down: () => viewer.pan(0, PAN_STEP),
    cancel: () => viewer.zoomTo(0),
  };
  for (const button of modes) {
    handlers[button.dataset.mode] = () => setMode(button.dataset.mode);
    button.addEventListener('click', () => setMode(button.dataset.mode));
  }
  for (const button of surrounds) button.addEventListener('click', () => setSurround(button.dataset.surround));
  for (const button of root.querySelectorAll('[data-do]')) {
    button.addEventListener('click', () => handlers[button.dataset.do]?.());
  }
  addEventListener('keyup', (event) => { if (event.key === ' ') viewer.peek(false); });
  addEventListener('blur', () => viewer.peek(false));

  setMode(innerWidth < NARROW ? 'swipe' : 'side', true);
  return { viewer, handlers };
}

/** Writes the sizes of a photo onto the stage's labels. */
export function labelSizes(stage, item) {
  stage.querySelector('[data-size="before"]').textContent = item.sourceSize;
  stage.querySelector('[data-size="after"]').textContent = item.afterSize;
}
