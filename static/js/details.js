// The Details panel: what a reviewer may know of the photo. In the blind queue there is no `assist`, and nothing is made up.

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
    row.querySelector('.pn').textContent = isKnown ? value.toFixed(1) : 'n/a';
  }
}

/** Fills the panel for `item`; `lookAt(point)` is called when a flagged place is chosen. */
export function fillDetails(panel, item, lookAt) {
  const { assist } = item;
  field(panel, 'channel').textContent = item.channel;
  field(panel, 'size').textContent = item.afterSize;
  field(panel, 'remover').textContent = item.remover;
  field(panel, 'file').textContent = item.sku;
  field(panel, 'notes').textContent = item.notes || 'None';
  field(panel, 'escalation').textContent = item.escalation;
  field(panel, 'escalation').parentElement.hidden = !item.escalation;
  fillList(field(panel, 'edits'), item.edits.map((edit) => `${edit.editor}: ${edit.note || 'no note'}`));
  field(panel, 'edits').parentElement.hidden = !item.edits.length;
  if (!assist) return;
  field(panel, 'total').textContent = assist.total;
  field(panel, 'band').textContent = `ships by itself from ${assist.band[1]}, redone below ${assist.band[0]}`;
  field(panel, 'reason').textContent = assist.reason;
  field(panel, 'why').textContent = assist.why;
  field(panel, 'advice').textContent = assist.advice;
  field(panel, 'preset').textContent = assist.preset;
  field(panel, 'confidence').textContent = assist.confidence.toFixed(2);
  fillParts(panel, assist.parts, assist.colourMeasured);
  fillList(field(panel, 'gates'), [...assist.gates, ...assist.findings]);
  field(panel, 'gates').parentElement.hidden = !assist.gates.length && !assist.findings.length;
  const points = field(panel, 'points');
  points.replaceChildren(...assist.points.slice(0, 6).map((point, n) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'flag';
    button.textContent = `Background not white at ${point.join(', ')}`;
    button.addEventListener('click', () => lookAt(point, n));
    return button;
  }));
  points.parentElement.hidden = !assist.points.length;
}
