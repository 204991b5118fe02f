// sRGB to CIELAB (D65) and CIEDE2000 (Sharma, Wu, Dalal 2005) for the readout under the pointer.

const WHITE = [0.95047, 1, 1.08883];
const RAD = Math.PI / 180;

const linear = (value) => {
  const v = value / 255;
  return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
};
const curve = (t) => (t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116);

/** [r, g, b] 0..255 -> [L, a, b]. */
export function lab(rgb) {
  const [r, g, b] = rgb.map(linear);
  const x = curve((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / WHITE[0]);
  const y = curve((0.2126729 * r + 0.7151522 * g + 0.072175 * b) / WHITE[1]);
  const z = curve((0.0193339 * r + 0.119192 * g + 0.9503041 * b) / WHITE[2]);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

function meanHue(h1, h2, chroma) {
  if (!chroma) return h1 + h2;
  if (Math.abs(h1 - h2) <= 180) return (h1 + h2) / 2;
  return h1 + h2 < 360 ? (h1 + h2 + 360) / 2 : (h1 + h2 - 360) / 2;
}

function hueStep(h1, h2, chroma) {
  if (!chroma) return 0;
  const step = h2 - h1;
  if (step > 180) return step - 360;
  return step < -180 ? step + 360 : step;
}

/** Colour difference of two sRGB triples. */
export const deltaE = (rgb1, rgb2) => difference(lab(rgb1), lab(rgb2));

/** CIEDE2000 of two [L, a, b], kL = kC = kH = 1. */
export function difference([l1, a1, b1], [l2, a2, b2]) {
  const mean7 = ((Math.hypot(a1, b1) + Math.hypot(a2, b2)) / 2) ** 7;
  const g = 0.5 * (1 - Math.sqrt(mean7 / (mean7 + 25 ** 7)));
  const p1 = a1 * (1 + g);
  const p2 = a2 * (1 + g);
  const c1 = Math.hypot(p1, b1);
  const c2 = Math.hypot(p2, b2);
  const h1 = (Math.atan2(b1, p1) / RAD + 360) % 360;
  const h2 = (Math.atan2(b2, p2) / RAD + 360) % 360;
  const dH = 2 * Math.sqrt(c1 * c2) * Math.sin((hueStep(h1, h2, c1 * c2) / 2) * RAD);
  const lMean = (l1 + l2) / 2;
  const cMean = (c1 + c2) / 2;
  const hMean = meanHue(h1, h2, c1 * c2);
  const t = 1 - 0.17 * Math.cos((hMean - 30) * RAD) + 0.24 * Math.cos(2 * hMean * RAD)
    + 0.32 * Math.cos((3 * hMean + 6) * RAD) - 0.2 * Math.cos((4 * hMean - 63) * RAD);
  const sl = 1 + (0.015 * (lMean - 50) ** 2) / Math.sqrt(20 + (lMean - 50) ** 2);
  const sc = 1 + 0.045 * cMean;
  const sh = 1 + 0.015 * cMean * t;
  const rotation = -2 * Math.sqrt(cMean ** 7 / (cMean ** 7 + 25 ** 7))
    * Math.sin(60 * Math.exp(-(((hMean - 275) / 25) ** 2)) * RAD);
  const l = (l2 - l1) / sl;
  const c = (c2 - c1) / sc;
  const h = dH / sh;
  return Math.sqrt(l * l + c * c + h * h + rotation * c * h);
}
