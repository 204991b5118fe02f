// What lies beside a photo: the other photos of the product and the client's reference pictures, each of them opened
// next to the result.
import { gettext } from './words.js';

const NARROW = 760;

function picture({ src, width, height, alt = '' }) {
  const image = new Image(width, height);
  image.src = src;
  image.alt = alt;
  image.loading = 'lazy';
  return image;
}

export class Beside {
  /** `stage` is covered in its left half by `pane` (on a phone all of it) while a picture is open. */
  constructor(stage, pane, say) {
    this.stage = stage;
    this.pane = pane;
    this.say = say;
    this.sheets = new Map(); // address -> promise of the photos
    pane.querySelector('button').addEventListener('click', () => this.close());
  }

  get isOpen() {
    return !this.pane.hidden;
  }

  open({ src, width, height, label }) {
    this.pane.querySelector('.holder').replaceChildren(picture({ src, width, height, alt: label }));
    this.pane.querySelector('figcaption').textContent = label;
    this.pane.hidden = false;
    if (innerWidth <= NARROW) this.pane.querySelector('button').focus(); // there it covers what it was opened from
    this.say(gettext('{label} is shown beside the result.', { label }));
  }

  /** True where there was something to close. */
  close() {
    if (!this.isOpen) return false;
    this.pane.hidden = true;
    this.pane.querySelector('.holder').replaceChildren();
    return true;
  }

  #thumb(photo, onChoose) {
    const button = document.createElement('button');
    const name = document.createElement('span');
    const word = document.createElement('small');
    button.type = 'button';
    button.className = 'sib';
    button.disabled = photo.isThis || !photo.after;
    name.textContent = photo.name;
    word.textContent = photo.word;
    if (photo.thumb) button.append(picture({ src: photo.thumb, width: 160, height: 160 }));
    else button.append(Object.assign(document.createElement('i'), { className: 'ph' }));
    button.append(name, word);
    button.addEventListener('click', onChoose);
    return button;
  }

  /** Fills `list` with the photos of `item`'s product; `filled` resolves when they are there. */
  sheet(list, item) {
    this.filled = this.#fill(list, item);
    return this.filled;
  }

  async #fill(list, item) {
    list.dataset.for = item.key;
    if (!this.sheets.has(item.side.siblings)) {
      const asked = fetch(item.side.siblings, { headers: { Accept: 'application/json' } })
        .then((response) => { if (!response.ok) throw new Error(String(response.status)); return response.json(); });
      asked.catch(() => this.sheets.delete(item.side.siblings));
      this.sheets.set(item.side.siblings, asked);
    }
    try {
      const { photos } = await this.sheets.get(item.side.siblings);
      if (list.dataset.for !== item.key) return;
      list.replaceChildren(...photos.map((photo) => this.#thumb(photo, () => this.open({
        src: photo.after, width: photo.width, height: photo.height, label: photo.name,
      }))));
    } catch {
      if (list.dataset.for === item.key) list.replaceChildren(gettext('The other photos could not be loaded. Open the panel again to retry.'));
    }
  }

  /** Fills `list` with the client's reference pictures. */
  references(list, pictures) {
    list.replaceChildren(...pictures.map((each, n) => {
      const label = each.caption || gettext('Reference {n}', { n: n + 1 });
      const button = document.createElement('button');
      button.type = 'button';
      button.className = 'sib';
      button.append(picture(each), Object.assign(document.createElement('span'), { textContent: label }));
      button.addEventListener('click', () => this.open({ ...each, label }));
      return button;
    }));
  }
}
