// Decisions the server kept answering with an error: they hold up nothing, stay on this device, and a person says what becomes
// of each: once more, or given up.
import { MARKS } from './film.js';
import { gettext, ngettext } from './words.js';

function button(label, className, run) {
  const made = document.createElement('button');
  made.type = 'button';
  made.className = className;
  made.textContent = label;
  made.addEventListener('click', run);
  return made;
}

const verdictOf = (op) => MARKS[op.kind === 'undo' ? op.was?.verdict : op.body.verdict]?.word ?? '';

/** What the decision was and why it isn't stored. */
function words(op) {
  const values = { verdict: verdictOf(op), status: op.aside.status };
  if (op.kind === 'undo') return gettext('Taking back “{verdict}” failed: the server answered with error {status}.', values);
  return gettext('{verdict}, but not stored: the server answered with error {status}.', values);
}

export class Aside {
  /** `dialog` holds #aside-list, `opener` is the button of the top bar. */
  constructor(dialog, opener, outbox) {
    Object.assign(this, { dialog, opener, outbox });
    this.list = dialog.querySelector('#aside-list');
    this.known = 0;
    opener.addEventListener('click', () => dialog.showModal());
  }

  /** Draws what is set aside; true when more is than before. */
  show(ops) {
    const isMore = ops.length > this.known;
    this.known = ops.length;
    this.opener.hidden = !ops.length;
    this.opener.textContent = ngettext('{count} not stored', '{count} not stored', ops.length);
    this.list.replaceChildren(...ops.map((op) => this.#row(op)));
    if (!ops.length && this.dialog.open) this.dialog.close();
    return isMore;
  }

  #row(op) {
    const row = document.createElement('li');
    const text = document.createElement('span');
    const name = document.createElement('b');
    const why = document.createElement('span');
    text.className = 'grow';
    name.className = 'strong';
    name.textContent = op.sku ?? '';
    why.className = 'why';
    why.textContent = words(op);
    text.append(name, document.createElement('br'), why);
    row.append(
      text,
      button(gettext('Try again'), 'btn sm', () => this.outbox.retry(op.id)),
      button(gettext('Discard'), 'btn sm quiet', () => this.outbox.discard(op.id)),
    );
    return row;
  }
}
