"""Changes planted inside a product, far from its edge: what no measure of outline or median colour can see.

Each returns a copy of `frame` (H, W, 3) uint8 changed where `alpha` (H, W) is solid. Where a product is as flat as the
patch painted on it nobody could see a thing: so patches go where it has most to lose.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from processing.types import MaskArray, RGBArray

_SOLID = 0.98
_PATCH_SHARE = 0.07
_LEAST_PATCH_PX = 16
_TEXT_HIGH_PX = 22.0  # what the letters of the font measure at a scale of 1


def text_on(frame: RGBArray, alpha: MaskArray) -> RGBArray:
    """Write SALE where the product is widest, in yellow on dark or red on light, up to 8 % of the frame high."""
    depth = cv2.distanceTransform((alpha > _SOLID).view(np.uint8), cv2.DIST_L2, 5)
    y, x = (int(value) for value in np.unravel_index(int(depth.argmax()), depth.shape))
    size = min(1.6 * float(depth.max()) / 60, 0.08 * max(alpha.shape) / _TEXT_HIGH_PX)
    stroke, font = max(1, int(size * 2.5)), cv2.FONT_HERSHEY_SIMPLEX
    (width, height), _ = cv2.getTextSize("SALE", font, size, stroke)
    is_dark = float(frame[max(0, y - 20) : y + 20, max(0, x - 20) : x + 20].mean()) < 140
    written = frame.copy()
    ink = (250, 220, 0) if is_dark else (160, 20, 30)
    cv2.putText(written, "SALE", (x - width // 2, y + height // 2), font, size, ink, stroke, cv2.LINE_AA)
    return _inside(written, frame, alpha)


def patch_flat(frame: RGBArray, alpha: MaskArray) -> RGBArray:
    """Paint a square of 7 % of the frame in its own median colour, where the product has most to be seen."""
    part = _busiest(frame, alpha)
    painted = frame.copy()
    painted[part] = np.median(frame[part], axis=(0, 1)).astype(np.uint8)
    return _inside(painted, frame, alpha)


def block_flipped(frame: RGBArray, alpha: MaskArray) -> RGBArray:
    """Turn a square of 7 % of the frame upside down, where the product has most to be seen."""
    part = _busiest(frame, alpha)
    turned = frame.copy()
    turned[part] = frame[part][::-1]
    return _inside(turned, frame, alpha)


def half_resolution(frame: RGBArray, alpha: MaskArray) -> RGBArray:
    """Shrink the picture to half its side and enlarge it again."""
    height, width = frame.shape[:2]
    small = cv2.resize(frame, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    soft = np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    return np.where((alpha > 0)[..., None], soft, frame).astype(np.uint8)


def _inside(changed: RGBArray, frame: RGBArray, alpha: MaskArray) -> RGBArray:
    return np.where((alpha > _SOLID)[..., None], changed, frame).astype(np.uint8)


def _busiest(frame: RGBArray, alpha: MaskArray) -> tuple[slice, slice]:
    """Return the square (rows, columns) inside the product whose luma varies most; smaller in a slender product."""
    luma = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
    side, solid = int(_PATCH_SHARE * max(alpha.shape)), (alpha > _SOLID).view(np.uint8)
    while True:
        within: npt.NDArray[np.bool_] = cv2.erode(solid, np.ones((side + 9, side + 9), np.uint8)) > 0
        if within.any() or side <= _LEAST_PATCH_PX:
            break
        side = side * 3 // 4
    spread = cv2.blur(luma * luma, (side, side)) - cv2.blur(luma, (side, side)) ** 2
    y, x = (int(value) for value in np.unravel_index(int((spread * within).argmax()), spread.shape))
    half = side // 2
    return slice(max(0, y - half), y + half), slice(max(0, x - half), x + half)
