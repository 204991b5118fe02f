// Buttons that copy a field. Without a clipboard (plain http) they stay hidden, and the field can be marked by hand.
import { toast } from './app.js';
import { gettext } from './words.js';

function wire() {
  // A hidden one does nothing yet: of rows that came later those are the new ones.
  for (const button of document.querySelectorAll('[data-copy][hidden]')) {
    const field = document.getElementById(button.dataset.copy);
    button.hidden = false;
    button.addEventListener('click', async () => {
      field.select();
      try {
        await navigator.clipboard.writeText(field.value);
        toast(gettext('Copied.'));
      } catch {
        toast(gettext('This browser did not copy it. It is marked: copy it by hand.'));
      }
    });
  }
}

if (navigator.clipboard) {
  wire();
  document.addEventListener('htmx:afterSettle', wire);
}
