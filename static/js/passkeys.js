// Passkeys: asks the device, and tells the server what it said. [data-passkey="prove|add"] is a button; its form, or the one
// it names, has the token against forged requests. A browser without passkeys never shows the button.
import { gettext } from './words.js';

const bytes = (text) => Uint8Array.from(
  atob(text.replaceAll('-', '+').replaceAll('_', '/')), (sign) => sign.charCodeAt(0),
);
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
  .replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

function options(asked) {
  const found = { ...asked, challenge: bytes(asked.challenge) };
  if (asked.user) found.user = { ...asked.user, id: bytes(asked.user.id) };
  for (const name of ['excludeCredentials', 'allowCredentials']) {
    if (asked[name]) found[name] = asked[name].map((one) => ({ ...one, id: bytes(one.id) }));
  }
  return found;
}

function told(credential) {
  const response = {};
  for (const name of ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle']) {
    if (credential.response[name]) response[name] = text(credential.response[name]);
  }
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response,
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}

async function post(address, token, body) {
  const answer = await fetch(address, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json', 'X-CSRFToken': token },
    body: JSON.stringify(body),
  });
  return { isFine: answer.ok, ...await answer.json().catch(() => ({})) };
}

async function run(button, said) {
  const token = document.querySelector('[name=csrfmiddlewaretoken]').value;
  const asked = await post(button.dataset.ask, token, {});
  if (!asked.isFine) {
    if (asked.next) location.assign(asked.next);
    said(asked.message ?? gettext('The server did not answer. Try again.'));
    return;
  }
  const publicKey = options(asked.publicKey);
  const isNew = button.dataset.passkey === 'add';
  const credential = await (isNew ? navigator.credentials.create({ publicKey }) : navigator.credentials.get({ publicKey }));
  const name = document.getElementById('passkey-name')?.value ?? '';
  const answer = await post(button.dataset.tell, token, { credential: told(credential), name, next: button.dataset.next ?? '' });
  if (answer.next) location.assign(answer.next);
  else said(answer.message ?? gettext('The server did not answer. Try again.'));
}

if (window.PublicKeyCredential) {
  for (const button of document.querySelectorAll('[data-passkey]')) {
    const place = document.getElementById('passkey-said');
    const said = (sentence) => { place.textContent = sentence; };
    button.hidden = false;
    button.addEventListener('click', async () => {
      button.disabled = true;
      said('');
      try {
        await run(button, said);
      } catch {
        said(gettext('The device gave no passkey. Try again, or use another way.'));
      }
      button.disabled = false;
    });
  }
}
