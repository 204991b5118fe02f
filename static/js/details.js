// The Details panel: what a reviewer may know of the photo. In the blind queue there is no `assist`, and nothing is made up.
import { gettext } from './words.js';

const PART_MAX = 25;
const LOW_PART = 20;

const field = (panel, name) => panel.querySelector(`[data-panel="${name}"]`);

function fillList(list, texts) {
  list.replaceChildren(...texts.map((text) => {
    const row = document.createElement('li');
    row.textContent = text;
    return row;
  }));
}

function fillParts(panel, parts, isColourMeasured) {
  for (const [name, value] of Object.entries(parts)) {
    const row = panel.querySelector(`[data-part="${name}"]`);
    const isKnown = name !== 'colour' || isColourMeasured;
    row.classList.toggle('low', isKnown && value < LOW_PART);
    row.querySelector('.v').setAttribute('width', `${(value / PART_MAX) * 100}%`);
    row.querySelector('.pn').textContent = isKnown ? value.toFixed(1) : gettext('n/a');
  }
}

const number = (value) => Number(value.toPrecision(3)).toString();

/** Every measure that cost points, the dearest first: a button that goes to its place, or shows its layer. */
export function fillMeasures(list, places, overlays) {
  list.replaceChildren(...places.measures.map((measure) => {
    const button = document.createElement('button');
    const name = document.createElement('span');
    const value = document.createElement('small');
    const lost = document.createElement('b');
    button.type = 'button';
    button.className = `lossrow k-${measure.group}`;
    name.textContent = measure.name;
    value.textContent = `${number(measure.value)} ${measure.unit}`.trim()
      + (measure.limit === null ? '' : gettext(', limit {limit}', { limit: number(measure.limit) }));
    lost.textContent = measure.lost ? `−${measure.lost}` : '';
    button.append(document.createElement('i'), name, value, lost);
    button.addEventListener('click', () => (measure.flag === null ? overlays.only(measure.group) : overlays.goto(measure.flag)));
    return button;
  }));
  list.parentElement.hidden = !places.measures.length;
}

/** With no photo open the panel says that instead of what is true of the last one. */
export function setNoDetails(panel, isNone) {
  panel.classList.toggle('none', isNone);
  field(panel, 'none').hidden = !isNone;
}

/** Fills the panel for `item`. `overlays` (null when blind) shows places, `beside` opens pictures next to the result. */
export function fillDetails(panel, item, overlays, beside) {
  const { assist } = item;
  field(panel, 'channel').textContent = item.channel;
  field(panel, 'size').textContent = item.afterSize;
  field(panel, 'remover').textContent = item.remover;
  field(panel, 'file').textContent = item.sku;
  field(panel, 'notes').textContent = item.notes || gettext('None');
  field(panel, 'escalation').textContent = item.escalation;
  field(panel, 'escalation').parentElement.hidden = !item.escalation;
  fillList(field(panel, 'edits'), item.edits.map((edit) => `${edit.editor}: ${edit.note || gettext('no note')}`));
  field(panel, 'edits').parentElement.hidden = !item.edits.length;
  beside.sheet(field(panel, 'siblings'), item);
  beside.references(field(panel, 'references'), item.references);
  field(panel, 'references').hidden = !item.references.length;
  if (!assist) return;
  field(panel, 'total').textContent = assist.total;
  field(panel, 'band').textContent = gettext('ships by itself from {high}, redone below {low}', { high: assist.band[1], low: assist.band[0] });
  field(panel, 'reason').textContent = assist.reason;
  field(panel, 'why').textContent = assist.why;
  field(panel, 'advice').textContent = assist.advice || (assist.total >= 90 ? gettext('Nothing: it has them.') : '');
  field(panel, 'preset').textContent = assist.preset;
  field(panel, 'confidence').textContent = assist.confidence.toFixed(2);
  fillParts(panel, assist.parts, assist.colourMeasured);
  fillList(field(panel, 'gates'), [...assist.gates, ...assist.findings]);
  field(panel, 'gates').parentElement.hidden = !assist.gates.length && !assist.findings.length;
  fillMeasures(field(panel, 'measures'), assist.places, overlays);
}
