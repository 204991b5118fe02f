// A viewer with its tools: mode buttons, zoom, background, readout. Used by the review desk and the editing page.
import { Beside } from './beside.js';
import { Channels } from './channels.js';
import { Overlays } from './overlays.js';
import { Viewer } from './viewer.js';
import { gettext } from './words.js';

const PAN_STEP = 160;
const ZOOM_STEP = 1.25;
const NARROW = 760;
const SURROUNDS = ['3', '18', '100', '0', 'chk'];

const inThrees = (rgb) => (rgb ? rgb.map((value) => String(value).padStart(3, ' ')).join(' ') : gettext('outside'));

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

/**
 * Sets the tools of `root` up around `stage`. `say(text)` reaches the live region, `refuse(text)` those who look as well.
 * Returns {viewer, handlers, overlays, beside, channels}; overlays is null on pages that may not tell the score.
 */
export function compare(root, stage, say, refuse = say) {
  const zoomText = root.querySelector('#zoomv');
  const viewer = new Viewer(stage, {
    onZoom: (zoom, isFit) => { zoomText.textContent = isFit ? gettext('Fit') : `${Math.round(zoom * 100)}%`; },
    onHud: readout(stage.querySelector('#hud')),
    onShow: (item) => {
      labelSizes(stage, item);
      stage.classList.toggle('further', Boolean(item.isFurther));
      channels.shown(item);
      overlays?.show(item);
      if (!item.isFurther) beside.close();
    },
  });
  const channels = new Channels(root.querySelector('[data-channels] select'), viewer, say, refuse);
  const overlays = root.querySelector('#layers') ? new Overlays(root, viewer, say, refuse) : null;
  const beside = new Beside(stage, stage.querySelector('.beside'), say);
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
    cancel: () => beside.close() || viewer.zoomTo(0),
    channel: () => channels.next(),
    lock: () => {
      viewer.keepsZoom = !viewer.keepsZoom;
      for (const button of root.querySelectorAll('[data-key="lock"]')) button.setAttribute('aria-pressed', String(viewer.keepsZoom));
      say(viewer.keepsZoom ? gettext('Zoom, place and mode are kept for the next photo.') : gettext('Each photo starts fitted.'));
    },
  };
  if (overlays) {
    handlers.why = () => overlays.toggle();
    handlers.flag = () => overlays.step(1);
    handlers.flagBack = () => overlays.step(-1);
  }
  // After a click Space goes on meaning the original and Enter approve, whichever tool was clicked. Before its own listener,
  // which may move the focus to where one goes on.
  root.addEventListener('click', (event) => {
    if (event.detail > 0 && event.target.closest('.rv button, .rv-tools button, .cmp-tools button, .stage button')) stage.focus({ preventScroll: true });
  }, true);
  for (const button of modes) {
    handlers[button.dataset.mode] = () => setMode(button.dataset.mode);
    button.addEventListener('click', () => setMode(button.dataset.mode));
  }
  for (const button of surrounds) button.addEventListener('click', () => setSurround(button.dataset.surround));
  for (const button of root.querySelectorAll('[data-do]')) {
    button.addEventListener('click', () => handlers[button.dataset.do]?.());
  }
  for (const button of root.querySelectorAll('[data-hold="peek"]')) {
    const peek = (on) => (event) => { event.preventDefault(); viewer.peek(on); button.setAttribute('aria-pressed', String(on)); };
    button.addEventListener('pointerdown', peek(true));
    for (const name of ['pointerup', 'pointercancel', 'pointerleave', 'blur']) button.addEventListener(name, peek(false));
    button.addEventListener('keydown', (event) => { if (event.key === 'Enter') peek(true)(event); });
    button.addEventListener('keyup', (event) => { if (event.key === 'Enter') peek(false)(event); });
    button.addEventListener('contextmenu', (event) => event.preventDefault());
  }
  addEventListener('keyup', (event) => { if (event.key === ' ') viewer.peek(false); });
  addEventListener('blur', () => viewer.peek(false));

  setSurround(stage.dataset.surround);
  setMode(innerWidth < NARROW ? 'swipe' : 'side', true);
  return { viewer, handlers, overlays, beside, channels };
}

/** Says on the stage what is shown: the original's size; the channel, size and file of the result. */
function labelSizes(stage, item) {
  stage.querySelector('[data-size="before"]').textContent = item.sourceSize;
  stage.querySelector('[data-size="after"]').textContent = item.afterSize;
  stage.querySelector('[data-size="channel"]').textContent = item.channel ?? '';
  stage.querySelector('[data-size="file"]').textContent = item.afterFile ?? '';
}
