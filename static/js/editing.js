// The editing page: the compare viewer, and the upload with progress and a clear refusal. Without it the plain form works.
import { drawMarks } from './compose.js';
import { startViewer } from './page_viewer.js';
import { gettext } from './words.js';

const $ = (selector) => document.querySelector(selector);

function refuse(text) {
  const box = $('#refused');
  box.hidden = !text;
  box.querySelector('span').textContent = text;
}

function send(form, progress) {
  const request = new XMLHttpRequest(); // fetch tells nothing of how much has left
  request.open('POST', form.action);
  request.setRequestHeader('Accept', 'application/json');
  request.upload.addEventListener('progress', (event) => {
    if (event.lengthComputable) progress.value = (event.loaded / event.total) * 100;
  });
  return new Promise((resolve, reject) => {
    request.addEventListener('load', () => resolve(request));
    request.addEventListener('error', () => reject(new Error('network')));
    request.send(new FormData(form));
  });
}

async function submit(event, form) {
  const isAsItIs = event.submitter?.hasAttribute('formaction');
  if (isAsItIs) return; // no file: the plain form does it
  event.preventDefault();
  if (!form.elements.file.files.length) {
    refuse(gettext('Choose the corrected file first, or drop it above.'));
    form.elements.file.focus();
    return;
  }
  const progress = $('#sent');
  const buttons = [...form.querySelectorAll('button')];
  refuse('');
  progress.hidden = false;
  buttons.forEach((button) => { button.disabled = true; });
  try {
    const answer = await send(form, progress);
    if (answer.status === 200) { location.reload(); return; }
    const data = JSON.parse(answer.responseText || '{}');
    refuse(data.message ?? gettext('The server did not take the file. Try again.'));
  } catch {
    refuse(gettext('The connection was lost before the file had arrived. Try again; nothing was changed.'));
  }
  progress.hidden = true;
  progress.value = 0;
  buttons.forEach((button) => { button.disabled = false; });
}

function startUpload(form) {
  const field = $('#file');
  form.noValidate = true; // the browser would say it over whatever lies next to the hidden field
  const drop = $('#drop');
  const named = () => { $('#chosen').textContent = field.files[0]?.name ?? ''; refuse(''); };
  field.addEventListener('change', named);
  drop.addEventListener('dragover', (event) => { event.preventDefault(); drop.classList.add('over'); });
  drop.addEventListener('dragleave', () => drop.classList.remove('over'));
  drop.addEventListener('drop', (event) => {
    event.preventDefault();
    drop.classList.remove('over');
    if (!event.dataTransfer.files.length) return;
    field.files = event.dataTransfer.files;
    named();
  });
  form.addEventListener('submit', (event) => submit(event, form));
}

if ($('#compare')) {
  const item = JSON.parse($('#compare-item').textContent);
  startViewer($('#compare'), item);
  drawMarks($('#compare .stage'), item, item.marks);
}
if ($('#hand-in')) startUpload($('#hand-in'));
