// The further channels of a photo: the file each would get, rendered by the server when it is first looked at.
import { gettext } from './words.js';

const answerOf = async (response) => {
  const data = await response?.json().catch(() => ({})) ?? {};
  if (!response?.ok) throw new Error(data.message ?? gettext('This channel’s file could not be made now. Try again.'));
  return data;
};

export class Channels {
  /** `menu` is the <select> of channels (hidden where there is one only); `say` reaches the live region, `refuse` those who
   *  look as well. */
  constructor(menu, viewer, say, refuse) {
    this.menu = menu;
    this.viewer = viewer;
    this.say = say;
    this.refuse = refuse;
    this.made = new Map(); // address -> promise of the item's changed fields
    menu.addEventListener('change', () => { this.#open(Number(menu.value)); menu.blur(); });
  }

  /** Is told what the viewer shows; a new photo starts with its own channel. */
  shown(item) {
    if (item.isFurther) return;
    this.item = item;
    this.at = 0;
    const channels = item.channels ?? [];
    this.menu.replaceChildren(...channels.map((channel, n) => new Option(channel.name, String(n))));
    this.menu.closest('[data-channels]').hidden = channels.length < 2;
  }

  next() {
    const count = this.item?.channels?.length ?? 0;
    if (count < 2) { this.refuse(gettext('This photo has one channel only.')); return; }
    this.#open((this.at + 1) % count);
  }

  /** Back to the photo's own channel, in whose pixels a decision is kept; silent where it is shown. */
  home() {
    if (this.at) this.#open(0);
  }

  async #open(n) {
    const { item } = this;
    if (n) this.onLeave?.();
    const channel = item.channels[n];
    this.at = n;
    this.menu.value = String(n);
    if (n === 0) {
      this.viewer.swap(item);
      this.say(channel.name);
      return;
    }
    this.viewer.stage.classList.add('making');
    this.say(gettext('{channel}: the file is being made.', { channel: channel.name }));
    try {
      const fields = await this.#fetch(item.side.channel.replace('/0/', `/${channel.id}/`));
      if (this.item !== item || this.at !== n) return;
      const further = { ...item, ...fields, key: `${item.key}@${channel.id}`, channel: channel.name, isFurther: true };
      await this.viewer.swap(further).ready;
      this.say(`${channel.name}, ${further.afterSize}, ${further.afterFile}`);
    } catch (problem) {
      if (this.item !== item || this.at !== n) return;
      this.at = 0;
      this.menu.value = '0';
      this.viewer.swap(item);
      this.refuse(problem.message);
    } finally {
      this.viewer.stage.classList.remove('making');
    }
  }

  #fetch(address) {
    if (!this.made.has(address)) {
      const made = fetch(address, { headers: { Accept: 'application/json' } }).catch(() => null).then(answerOf);
      made.catch(() => this.made.delete(address));
      this.made.set(address, made);
    }
    return this.made.get(address);
  }
}
