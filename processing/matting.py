"""From a raw soft mask to an edge: placed in two narrowing bands, then freed from the backdrop's colour.

The first band, at half the working size, is as wide as the remover's outline may be off. The second, at the working
size, is a few pixels wide round the edge that the first one found: there the colours on both sides are those right
beside the edge, so a contact shadow or a gradient counts as backdrop and the edge is as sharp as the photo's.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from processing import geometry
from processing.geometry import Box
from processing.mixing import Sampler, place
from processing.params import EdgeParams
from processing.types import AlphaArray, Finding, MaskArray, RGBArray

FloatArray = npt.NDArray[np.float32]

_CLEAR = 0.02
_HALF = 0.5
_WHOLE = np.float32(255)
_MIDDLE = 128
_MARGIN, _LEAST_MARGIN = 4, 12  # px of the remover's grid kept round its product, and at least of the picture's
_LEAST_REACH = 3
_FINE_REACH = 2
_CRISP = 1.5  # how much steeper the outline gets where colours say nothing
_FOREGROUND_SIDE = 320
_EVEN_TWICE = 4  # the bands are placed at half the working size, their colours read at half of that
_FAR, _NEAR = 31, 7  # box sizes of the two blur-fusion passes, px


@dataclass(frozen=True, slots=True)
class Refined:
    """`alpha` in the source grid, exact 0 and 255 outside the band; `findings` name every fallback."""

    alpha: AlphaArray
    findings: tuple[Finding, ...] = ()


def refine(rgb: RGBArray, raw: MaskArray, params: EdgeParams, outline_px: float = 3.0) -> Refined:
    """Snap a raw mask to the picture's edges; `raw` (h, w) covers the whole picture in a grid of its own.

    low: the mask as it is, smoothed; medium: two bands at half the working side; high: at the working side, which is
    the longest side of the product with a margin. `radius_ratio` of it is how far the first band reaches. Pictures
    hardly larger than their mask get the second band alone, as wide as the mask's outline may be off (`outline_px`, px
    of its grid).
    """
    window = _window(raw, rgb.shape[:2])
    alpha = np.zeros(rgb.shape[:2], np.uint8)
    if window is None:
        note = Finding("edge_not_refined", "info", "The mask has no soft edge to refine.")
        return Refined(alpha, (note,))
    crop = rgb[window.y0 : window.y1, window.x0 : window.x1]
    if params.refinement == "low":
        size = (window.width, window.height)
        mask = np.asarray(cv2.GaussianBlur(_moved(raw, rgb.shape[:2], window, size), (0, 0), 1.0), np.uint8)
    else:
        side = params.working_side if params.refinement == "high" else max(400, params.working_side // 2)
        mask = _placed_twice(crop, raw, rgb.shape[:2], window, side, (params.radius_ratio, outline_px))
    if mask.shape != crop.shape[:2]:
        mask = np.asarray(cv2.resize(mask, (window.width, window.height), interpolation=cv2.INTER_LINEAR), np.uint8)
    alpha[window.y0 : window.y1, window.x0 : window.x1] = mask
    return Refined(alpha)


def _placed_twice(
    crop: RGBArray, raw: MaskArray, shape: tuple[int, ...], window: Box, side: int, reaches: tuple[float, float]
) -> AlphaArray:
    picture = geometry.quickly_shrunk(crop, side, _EVEN_TWICE)
    height, width = picture.shape[:2]
    half = (max(1, width // 2), max(1, height // 2))
    enlarged = half[0] / (window.width * raw.shape[1] / shape[1])
    if enlarged < 1:  # the mask is finer than half the picture: a first band would only lose what it knows
        reach = max(1, round(2 * enlarged * reaches[1]))
        return _placed(picture, _moved(raw, shape, window, (width, height)), reach, _CRISP)
    small = np.asarray(cv2.resize(picture, half, interpolation=cv2.INTER_AREA), np.uint8)
    coarse = _moved(raw, shape, window, half)
    found = _placed(small, coarse, max(_LEAST_REACH, round(reaches[0] * max(half))), max(1.0, 0.8 * enlarged))
    grown = np.asarray(cv2.resize(found, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    smooth = np.asarray(cv2.GaussianBlur(grown, (5, 5), 1.2), np.uint8)
    return _placed(picture, smooth, _FINE_REACH, _CRISP)


def _placed(picture: RGBArray, mask: AlphaArray, reach: int, steepness: float) -> AlphaArray:
    """Alpha by colour within `reach` of the outline where colours tell, by the steepened mask elsewhere in it."""
    alpha = np.asarray(cv2.threshold(mask, _MIDDLE - 1, 255, cv2.THRESH_BINARY)[1], np.uint8)
    band = place(picture, mask, reach)
    if band is None:
        return alpha
    where = (band.rows, band.columns)
    own = np.clip(_HALF + (mask[where] / np.float32(255) - _HALF) * np.float32(steepness), 0.0, 1.0)
    alpha[where] = np.round(255 * (band.trust * band.alpha + (1 - band.trust) * own)).astype(np.uint8)
    return alpha


def _window(raw: MaskArray, shape: tuple[int, ...]) -> Box | None:
    """Return the part of the picture that holds the mask and a margin; None for an empty mask."""
    rows, columns = np.flatnonzero((raw > _CLEAR).any(axis=1)), np.flatnonzero((raw > _CLEAR).any(axis=0))
    if not rows.size:
        return None
    down, across = shape[0] / raw.shape[0], shape[1] / raw.shape[1]
    above, beside = (max(_MARGIN * scale, _LEAST_MARGIN) for scale in (down, across))
    return Box(
        max(0, int(columns[0] * across - beside)),
        max(0, int(rows[0] * down - above)),
        min(shape[1], int(np.ceil((columns[-1] + 1) * across + beside))),
        min(shape[0], int(np.ceil((rows[-1] + 1) * down + above))),
    )


def _moved(raw: MaskArray, shape: tuple[int, ...], window: Box, size: tuple[int, int]) -> AlphaArray:
    """Return the part of `raw` that `window` of the picture covers, at `size` (w, h), centre on centre."""
    step_x = window.width / size[0] * raw.shape[1] / shape[1]
    step_y = window.height / size[1] * raw.shape[0] / shape[0]
    start_x = window.x0 * raw.shape[1] / shape[1] + _HALF * step_x - _HALF
    start_y = window.y0 * raw.shape[0] / shape[0] + _HALF * step_y - _HALF
    matrix = np.array([[step_x, 0, start_x], [0, step_y, start_y]], np.float32)
    levels = cv2.convertScaleAbs(raw, alpha=255.0)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(levels, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def decontaminate(rgb: RGBArray, alpha: AlphaArray) -> RGBArray:
    """Return the picture with the backdrop's share taken out of pixels with 0 < alpha < 255; all others unchanged."""
    out, soft = rgb.copy(), geometry.soft_pixels(alpha)
    if soft[0].size:
        out[soft] = freed_colours(rgb, alpha, soft)
    return out


def freed_colours(rgb: RGBArray, alpha: AlphaArray, soft: geometry.Places) -> RGBArray:
    """Take the backdrop's share out of the `soft` pixels (N > 0) of `rgb` (H, W, 3): their colours (N, 3) uint8.

    Blur-fusion foreground estimation (Forte 2021): local means of foreground and backdrop at two scales, made on a
    reduced grid, then corrected per pixel by the compositing equation.
    """
    rows, columns = soft
    window = (
        slice(max(0, int(rows.min()) - _FAR), int(rows.max()) + 1 + _FAR),
        slice(max(0, int(columns.min()) - _FAR), int(columns.max()) + 1 + _FAR),
    )
    near, matte = rgb[window], alpha[window]
    small = geometry.quickly_shrunk(near, _FOREGROUND_SIDE)
    height, width = small.shape[:2]
    weight = geometry.quickly_shrunk(matte, _FOREGROUND_SIDE).astype(np.float32) / _WHOLE
    picture = np.asarray(small, np.float32)
    # Steep weights: a mixed pixel says little about either side, and would drag the means together.
    inside, outside = weight * weight, (1 - weight) * (1 - weight)
    inside, outside = inside * inside, outside * outside
    behind = _weighted(picture, outside)
    front, back = _mean(_weighted(picture, inside), _FAR), _mean(behind, _FAR)
    share = _thrice(weight)
    error = picture - share * front - (1 - share) * back
    front = np.clip(front + share * error, 0, 255)
    front, back = _mean(_weighted(front, inside), _NEAR), _mean(behind, _NEAR)
    places = Sampler(
        rows - window[0].start, columns - window[1].start, (width, height), (matte.shape[1], matte.shape[0])
    )
    front_pixels, back_pixels = places.read(front), places.read(back)
    own = alpha[soft][:, None] / _WHOLE
    seen = rgb[soft].astype(np.float32)
    fixed = front_pixels + own * (seen - own * front_pixels - (1 - own) * back_pixels)
    return np.round(np.clip(fixed, 0, 255)).astype(np.uint8)


def _thrice(values: FloatArray) -> FloatArray:
    """Repeat (H, W) for three channels: numpy is several times slower at spreading it itself."""
    return np.asarray(cv2.merge([values] * 3), np.float32)


def _weighted(values: FloatArray, share: FloatArray) -> FloatArray:
    """Return (H, W, 4): the three channels of `values` times `share` (H, W), and the share itself."""
    return np.asarray(cv2.merge([*(cv2.multiply(channel, share) for channel in cv2.split(values)), share]), np.float32)


def _mean(weighted: FloatArray, size: int) -> FloatArray:
    """Return the weighted local means (H, W, 3) over boxes of `size` px: half a pass of blur-fusion, 0..255."""
    *sums, total = cv2.split(cv2.boxFilter(weighted, -1, (size, size), borderType=cv2.BORDER_REFLECT))
    total += np.float32(1e-5)
    return np.asarray(cv2.merge([cv2.divide(channel, total) for channel in sums]), np.float32)
