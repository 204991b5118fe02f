// The image page: the compare viewer with the layers of lost points, what cost them, and the photos of the product.
import { fillMeasures } from './details.js';
import { startViewer } from './page_viewer.js';

const $ = (selector) => document.querySelector(selector);

const item = JSON.parse($('#compare-item').textContent);
const { overlays, beside } = startViewer($('#compare'), item);
if (item.assist) fillMeasures($('#losses'), item.assist.places, overlays);
beside.sheet($('#siblings'), { ...item, side: { ...item.side, siblings: `${item.side.siblings}?states` } });
