// Shell behaviour shared by all pages: dialogs, toasts, segmented controls, quiet polling. No inline handlers anywhere.
import { headers, sessionOver } from './session.js';
import { gettext } from './words.js';

const TOAST_MS = 6000;

export function toast(message, action) {
  const host = document.getElementById('toasts');
  if (!host) return;
  const box = document.createElement('div');
  const text = document.createElement('span');
  box.className = 'toast';
  text.textContent = message;
  box.append(text);
  if (action) {
    const button = document.createElement('button');
    button.className = 'btn sm';
    button.type = 'button';
    button.textContent = action.label;
    button.addEventListener('click', () => { box.remove(); action.run(); });
    box.append(button);
  }
  host.append(box);
  setTimeout(() => box.remove(), TOAST_MS);
}

const ACTS = {
  open: (button) => document.getElementById(button.dataset.target)?.showModal(),
  close: (button) => button.closest('dialog')?.close(),
  press: (button) => {
    for (const other of button.closest('.seg').children) {
      if (other.hasAttribute('aria-pressed')) other.setAttribute('aria-pressed', String(other === button));
    }
  },
};

document.addEventListener('click', (event) => {
  const button = event.target.closest('[data-act]');
  if (button) ACTS[button.dataset.act]?.(button);
});

// Toasts that arrive out of band with an htmx answer leave by themselves like the others.
document.addEventListener('htmx:oobAfterSwap', () => {
  for (const box of document.querySelectorAll('[data-toast]')) {
    box.removeAttribute('data-toast');
    setTimeout(() => box.remove(), TOAST_MS);
  }
});

/** Sends a part's own request once more: its trigger would wait for a load, a delay or a change that is over. */
function askAgain(element, verb, path) {
  if (element.isConnected) globalThis.htmx.ajax(verb, path, { source: element });
}

document.addEventListener('htmx:configRequest', (event) => Object.assign(event.detail.headers, headers()));

// A hidden tab asks for nothing: its polls are dropped and asked for again when it comes back.
const waiting = new Set();
document.addEventListener('htmx:beforeRequest', (event) => {
  const element = event.detail.elt;
  if (document.hidden && event.detail.requestConfig.verb === 'get' && element.hasAttribute('data-poll')) {
    event.preventDefault();
    waiting.add(element);
  }
});
document.addEventListener('visibilitychange', () => {
  if (document.hidden) return;
  for (const element of waiting) {
    askAgain(element, 'get', element.getAttribute('hx-get'));
  }
  waiting.clear();
});

// Says that a part did not load, and how to get it, without touching the rest of the page.
for (const name of ['htmx:responseError', 'htmx:sendError', 'htmx:timeout']) {
  document.addEventListener(name, (event) => {
    const { elt, xhr, requestConfig } = event.detail;
    const again = () => askAgain(elt, requestConfig.verb, requestConfig.path);
    if (xhr?.status === 401) { sessionOver(again); return; }
    if (elt.hasAttribute('data-poll')) return;
    toast(gettext('This part did not load. The rest of the page is up to date.'), {
      label: gettext('Try again'),
      run: again,
    });
  });
}

// Times come in the zone of this browser; the next page knows it.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone ?? '';
if (zone && !document.cookie.includes(`browser_zone=${zone}`)) {
  document.cookie = `browser_zone=${zone}; path=/; max-age=31536000; samesite=lax`;
}
