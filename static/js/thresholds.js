// Thresholds: two sliders beside their fields, the draft's lines in the histogram, and no Publish without a draft.
// Drawing only: every figure under the histogram comes from the server (htmx asks when a field changes).

const form = document.getElementById('draft');
const differs = (field) => (field.type === 'checkbox'
  ? field.checked !== (field.dataset.now === '1')
  : field.value.trim() === '' || field.valueAsNumber !== Number(field.dataset.now));

function line(field) {
  const drawn = document.getElementById(`d-${field.name}`);
  if (!drawn) return;
  const value = field.valueAsNumber;
  const isDraft = value >= 0 && value <= 100 && differs(field);
  drawn.setAttribute('visibility', isDraft ? 'visible' : 'hidden');
  if (isDraft) for (const end of ['x1', 'x2']) drawn.setAttribute(end, String(value * 10));
}

if (form) {
  const publish = form.querySelector('#publish');
  const fields = [...form.querySelectorAll('[data-now]')];
  const check = () => {
    const isDraft = fields.some(differs);
    publish.disabled = !isDraft;
    form.querySelector('#no-draft').hidden = isDraft;
  };
  for (const slider of form.querySelectorAll('[data-pair]')) {
    const field = document.getElementById(slider.dataset.pair);
    slider.addEventListener('input', () => {
      field.value = slider.value;
      field.dispatchEvent(new Event('input', { bubbles: true }));
    });
    field.addEventListener('input', () => {
      if (!Number.isNaN(field.valueAsNumber)) slider.value = field.value;
      line(field);
    });
    line(field);
  }
  form.addEventListener('input', check);
  check();
}
