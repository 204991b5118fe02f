// What the desk says when no photo is open, and of decisions that are not sent yet.
import { gettext, ngettext } from './words.js';

/** How many decisions wait on this device, and what becomes of them. */
export function kept(outbox, count) {
  return outbox.store.isKept ? ngettext('{count} decision is saved on this device and will be sent.',
      '{count} decisions are saved on this device and will be sent.', count)
    : ngettext('{count} decision is kept in this page only: leave it open until it is sent.',
      '{count} decisions are kept in this page only: leave it open until they are sent.', count);
}

/** Where the rest is. Of the assisted queue only that there is a rest is known, not how many. */
function emptyText({ others, elsewhere, held }, isBlind) {
  const parts = [];
  if (elsewhere) {
    parts.push(isBlind ? ngettext(
      '{count} photo is yours in the assisted queue: decide it there, or leave that desk and it is free within 10 minutes.',
      '{count} photos are yours in the assisted queue: decide them there, or leave that desk and they are free within 10 minutes.',
      elsewhere,
    ) : gettext('Photos are yours in the mixed queue: decide them there, or leave that desk and they are free within 10 minutes.'));
  }
  if (others && !isBlind) parts.push(gettext('The rest is with other reviewers and comes here if given back.'));
  else if (others) parts.push(ngettext(
    '{count} photo is with another reviewer and comes here if given back.',
    '{count} photos are with other reviewers and come here if given back.',
    others,
  ));
  if (held) parts.push(ngettext('{count} is on hold.', '{count} are on hold.', held));
  parts.push(gettext('New photos show up here as they are scored.'));
  return parts.join(' ');
}

/** What is true when no photo is open: {name, title, text} of a state over the stage. `narrow` names a chosen part, `blind` is the mixed queue,
 * `reach` says for which clients the person works: all, some or none. */
export function idle(queue, { narrow, blind, reach }) {
  const { waiting, aside: stuck, failures } = queue.outbox;
  const unsent = waiting ? kept(queue.outbox, waiting) : '';
  const text = emptyText(queue.counts, blind);
  if (queue.isCut || failures) {
    const rest = gettext('The next photos come by themselves when the server answers again.');
    return { name: 'wait', title: gettext('No more photos were fetched ahead'), text: `${unsent} ${rest}`.trim() };
  }
  if (waiting) return { name: 'wait', title: gettext('Sending what you decided'), text: unsent };
  if (stuck.length) {
    return { name: 'wait', title: gettext('Some decisions are not stored'), text: gettext('“Not stored” in the top bar says which and why. Nothing else waits for you.') };
  }
  if (!queue.left && reach === 'none') {
    return { name: 'empty', title: gettext('No client is yours yet'), text: gettext('Ask an admin to give you a client. Its photos show up here then.') };
  }
  if (!queue.left && narrow) {
    const words = [gettext('No photo waits for “{choice}”.', { choice: narrow }), text];
    if (reach === 'some') words.push(gettext('If it is about a client you don’t work for, ask an admin to give you the client.'));
    return { name: 'empty', title: gettext('Nothing is left of this choice'), text: words.join(' ') };
  }
  return queue.left ? { name: 'wait', title: gettext('Nothing free'), text } : { name: 'empty', title: gettext('Queue is clear'), text };
}
