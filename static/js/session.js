// The way back in when the session is over: said over the page, which keeps what is typed, chosen and sent so far.

const dialog = document.getElementById('session-over');
const waiting = new Set();

/** The form token of whoever is signed in by now: it changes with every sign-in. */
export const token = () => document.cookie.match(/(?:^|; )csrftoken=([^;]*)/)?.[1] ?? '';

/** What a script's request carries: the newest token, and whose page this is, so that nothing is stored under another name. */
export function headers() {
  const { user } = document.body.dataset;
  return { 'X-CSRFToken': token(), ...(user ? { 'Softproof-User': user } : {}) };
}

/** Shows the dialog; `goOn` is called once when the same person is signed in again. */
export function sessionOver(goOn) {
  if (!dialog) return;
  waiting.add(goOn);
  if (!dialog.open) dialog.showModal();
}

async function look() {
  const answer = await fetch(dialog.dataset.check, { headers: { Accept: 'application/json', ...headers() } }).catch(() => null);
  if (answer?.status === 401) document.getElementById('session-said').textContent = (await answer.json()).message;
  if (!answer?.ok) return;
  for (const field of document.getElementsByName('csrfmiddlewaretoken')) field.value = token();
  dialog.close();
  const held = [...waiting];
  waiting.clear();
  for (const goOn of held) goOn();
}

if (dialog) {
  document.getElementById('session-go').addEventListener('click', look);
  document.addEventListener('visibilitychange', () => { if (!document.hidden && dialog.open) look(); });
}
