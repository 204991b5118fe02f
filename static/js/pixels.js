// The readout under the pointer: both pictures are decoded off the main thread on first hover, then one pixel of each is
// drawn to a 1 x 1 canvas per frame.
import { deltaE } from './colour.js';

const invert = ([a, b, c, d, e, f]) => {
  const det = a * d - b * c;
  return [d / det, -b / det, -c / det, a / det, (c * f - d * e) / det, (b * e - a * f) / det];
};
const map = ([a, b, c, d, e, f], x, y) => [a * x + c * y + e, b * x + d * y + f];
const fetchBitmap = async (url) => createImageBitmap(await (await fetch(url)).blob());

export class Pixels {
  constructor(onLoaded) {
    this.onLoaded = onLoaded;
    const canvas = document.createElement('canvas');
    canvas.width = 1;
    canvas.height = 1;
    this.context = canvas.getContext('2d', { willReadFrequently: true });
    this.item = null;
    this.bitmaps = null;
  }

  /** Makes `item` the one read from and frees the bitmaps of the one before. */
  open(item) {
    if (this.item === item) return;
    this.bitmaps?.forEach((bitmap) => bitmap.close());
    this.item = item;
    this.bitmaps = null;
    this.isLoading = false;
  }

  #load() {
    if (this.isLoading) return;
    this.isLoading = true;
    const { item } = this;
    Promise.all([fetchBitmap(item.before), fetchBitmap(item.after)]).then(
      (bitmaps) => {
        if (this.item === item) {
          this.bitmaps = bitmaps;
          this.onLoaded();
        } else bitmaps.forEach((bitmap) => bitmap.close());
      },
      () => { if (this.item === item) this.isLoading = false; },
    );
  }

  #pixel(bitmap, x, y) {
    if (x < 0 || y < 0 || x >= bitmap.width || y >= bitmap.height) return null;
    this.context.clearRect(0, 0, 1, 1);
    this.context.drawImage(bitmap, Math.floor(x), Math.floor(y), 1, 1, 0, 0, 1, 1);
    return [...this.context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  }

  /** {x, y, before, after, dE} at image pixel (x, y); null outside the frame or while the pictures load. */
  read(x, y) {
    const { item } = this;
    if (!item || x < 0 || y < 0 || x >= item.width || y >= item.height) return null;
    if (!this.bitmaps) {
      this.#load();
      return null;
    }
    const after = this.#pixel(this.bitmaps[1], x, y);
    const before = this.#pixel(this.bitmaps[0], ...map(invert(item.matrix), x, y));
    return { x: Math.floor(x), y: Math.floor(y), before, after, dE: before && after ? deltaE(before, after) : null };
  }
}
