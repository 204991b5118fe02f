"""From a raw soft mask to an edge: refinement in a narrow band, and freeing soft edges from the backdrop's colour."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from processing.geometry import shrunk
from processing.params import EdgeParams
from processing.types import Finding, MaskArray, RGBArray

FloatArray = npt.NDArray[np.float32]

_CLEAR, _SOLID = 0.02, 0.98
_HALF = 0.5
_VEIL = 0.08  # the guided filter leaves a veil of this height on both ends
_NOISE = 0.06  # sensor noise moves a placed alpha by about this much
_EPSILON = 1e-4
_SNAP = 1.0 / 255.0
_FOREGROUND_SIDE = 1200
_FAR, _NEAR = 41, 7  # box sizes of the two blur-fusion passes, px
_STEEP = 4


@dataclass(frozen=True, slots=True)
class Refined:
    """`alpha` in the source grid, exact 0 and 1 outside the band; `findings` name every fallback."""

    alpha: MaskArray
    findings: tuple[Finding, ...] = ()


def guided_filter(guide: FloatArray, mask: MaskArray, radius: int, epsilon: float = _EPSILON) -> MaskArray:
    """Colour guided filter (He, Sun, Tang 2013), box filters and a closed-form 3 x 3 solve per pixel.

    `guide` (H, W, 3) float32 0..1, `mask` (H, W) float32; returns (H, W) float32, not clipped.
    """
    size = (2 * radius + 1, 2 * radius + 1)

    def mean(values: FloatArray) -> FloatArray:
        return np.asarray(cv2.boxFilter(values, -1, size, borderType=cv2.BORDER_REFLECT), np.float32)

    red, green, blue = (np.ascontiguousarray(guide[..., channel]) for channel in range(3))
    m_r, m_g, m_b, m_p = mean(red), mean(green), mean(blue), mean(mask)
    c_r, c_g, c_b = mean(red * mask) - m_r * m_p, mean(green * mask) - m_g * m_p, mean(blue * mask) - m_b * m_p
    rr, gg, bb = (mean(v * v) - m * m + epsilon for v, m in ((red, m_r), (green, m_g), (blue, m_b)))
    rg, rb, gb = mean(red * green) - m_r * m_g, mean(red * blue) - m_r * m_b, mean(green * blue) - m_g * m_b
    i00, i01, i02 = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    i11, i12, i22 = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    determinant = rr * i00 + rg * i01 + rb * i02
    a_r = (i00 * c_r + i01 * c_g + i02 * c_b) / determinant
    a_g = (i01 * c_r + i11 * c_g + i12 * c_b) / determinant
    a_b = (i02 * c_r + i12 * c_g + i22 * c_b) / determinant
    offset = mean(m_p - a_r * m_r - a_g * m_g - a_b * m_b)
    return np.asarray(mean(a_r) * red + mean(a_g) * green + mean(a_b) * blue + offset, np.float32)


def refine(rgb: RGBArray, raw: MaskArray, params: EdgeParams) -> Refined:
    """Snap a raw mask to the picture's edges. Both in the source grid; the work is done at `working_side` px at most.

    low: the mask as it is, smoothed; medium: guided filter at half the working side; high: guided filter at the
    working side, then local two-colour mixing where the contrast allows.
    """
    if params.refinement == "low":
        return Refined(_snapped(np.asarray(cv2.GaussianBlur(raw, (0, 0), 1.0), np.float32)))
    side = params.working_side if params.refinement == "high" else max(400, params.working_side // 2)
    guide, _ = shrunk(rgb, side)
    height, width = guide.shape[:2]
    mask = np.asarray(cv2.resize(raw, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    radius = max(3, round(params.radius_ratio * max(height, width)))
    picture = np.asarray(guide, np.float32) / np.float32(255)
    band = _band(mask, radius)
    if not band.any():
        note = Finding("edge_not_refined", "info", "The mask has no soft edge to refine.")
        return Refined(_snapped(raw.copy()), (note,))
    window = _window(band, 4 * radius)
    near, near_mask = np.ascontiguousarray(picture[window]), np.ascontiguousarray(mask[window])
    filtered = _stretched(guided_filter(near, near_mask, radius), _VEIL)
    if params.refinement == "high":
        filtered = _mixed(near, near_mask, filtered, radius)
    merged = np.round(mask)
    merged[window] = np.where(band[window], filtered, merged[window])
    alpha = cv2.resize(merged, (rgb.shape[1], rgb.shape[0]), interpolation=cv2.INTER_LINEAR)
    return Refined(_snapped(np.asarray(alpha, np.float32)))


def _band(mask: MaskArray, radius: int) -> npt.NDArray[np.bool_]:
    uncertain = ((mask > _CLEAR) & (mask < _SOLID)).astype(np.uint8)
    return np.asarray(cv2.dilate(uncertain, np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)) > 0)


def _window(band: npt.NDArray[np.bool_], margin: int) -> tuple[slice, slice]:
    """Rows and columns that hold the band, so that empty backdrop costs nothing."""
    rows, columns = np.flatnonzero(band.any(axis=1)), np.flatnonzero(band.any(axis=0))
    return (
        slice(max(0, int(rows[0]) - margin), int(rows[-1]) + margin + 1),
        slice(max(0, int(columns[0]) - margin), int(columns[-1]) + margin + 1),
    )


def _stretched(values: FloatArray, veil: float) -> MaskArray:
    return np.asarray(np.clip((values - veil) / (1 - 2 * veil), 0.0, 1.0), np.float32)


def _mixed(picture: FloatArray, mask: MaskArray, filtered: MaskArray, radius: int) -> MaskArray:
    """Replace the filtered alpha where two local colours explain the pixel.

    Foreground F and backdrop B are local means of what is surely inside and outside; the pixel's place on the line
    from B to F is its alpha. Trusted by the contrast |F - B| and by how near the pixel lies to that line.
    """
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (radius + 1 | 1, radius + 1 | 1))
    solid = (mask > _HALF).astype(np.uint8)
    front = _local_colour(picture, cv2.erode(solid, kernel), 2 * radius)
    back = _local_colour(picture, 1 - cv2.dilate(solid, kernel), 2 * radius)
    line = front.colour - back.colour
    length = np.maximum((line * line).sum(axis=2), 1e-6)
    offset = picture - back.colour
    share = (offset * line).sum(axis=2) / length
    placed = np.clip(share, 0.0, 1.0)
    error = np.sqrt(((offset - placed[..., None] * line) ** 2).sum(axis=2))
    contrast = np.clip((np.sqrt(length) - 0.06) / 0.12, 0.0, 1.0)
    trust = contrast * np.exp(-((error / 0.10) ** 2)) * front.known * back.known
    mixed = trust * _stretched(np.asarray(share, np.float32), _NOISE) + (1 - trust) * filtered
    return np.asarray(mixed, np.float32)


@dataclass(frozen=True, slots=True)
class _Local:
    """Mean colour (H, W, 3) near each pixel and whether there was any (H, W) 0/1."""

    colour: FloatArray
    known: FloatArray


def _local_colour(picture: FloatArray, where: npt.NDArray[np.generic], reach: int) -> _Local:
    size = (2 * reach + 1, 2 * reach + 1)
    weight = np.asarray(where, np.float32)
    near = np.asarray(cv2.blur(weight, size), np.float32)
    total = np.asarray(cv2.blur(picture * weight[..., None], size), np.float32)
    colour = total / np.maximum(near, np.float32(1e-4))[..., None]
    return _Local(np.asarray(colour, np.float32), (near > 1e-3).astype(np.float32))


def _snapped(alpha: MaskArray) -> MaskArray:
    """Make nearly clear exactly clear and nearly solid exactly solid, in place."""
    alpha[alpha < _SNAP] = 0.0
    alpha[alpha > 1.0 - _SNAP] = 1.0
    return alpha


def decontaminate(rgb: RGBArray, alpha: MaskArray) -> RGBArray:
    """Return the picture with the backdrop's share taken out of pixels with 0 < alpha < 1; all others unchanged.

    Blur-fusion foreground estimation (Forte 2021): local means of foreground and backdrop at two scales, made on a
    reduced grid, then corrected per pixel by the compositing equation.
    """
    soft = (alpha > 0.0) & (alpha < 1.0)
    out = rgb.copy()
    if not soft.any():
        return out
    small, _ = shrunk(rgb, _FOREGROUND_SIDE)
    height, width = small.shape[:2]
    weight = np.asarray(cv2.resize(alpha, (width, height), interpolation=cv2.INTER_AREA), np.float32)
    picture = np.asarray(small, np.float32)
    front, back = _fuse(picture, picture, weight, _FAR)
    front, back = _fuse(picture, np.clip(front + weight[..., None] * _error(picture, front, back, weight), 0, 255),
                        weight, _NEAR)  # fmt: skip
    size = (rgb.shape[1], rgb.shape[0])
    front_pixels = _at(front, size, soft)
    back_pixels = _at(back, size, soft)
    share = alpha[soft][:, None]
    seen = rgb[soft].astype(np.float32)
    fixed = front_pixels + share * (seen - share * front_pixels - (1 - share) * back_pixels)
    out[soft] = np.round(np.clip(fixed, 0, 255)).astype(np.uint8)
    return out


def _at(values: FloatArray, size: tuple[int, int], where: npt.NDArray[np.bool_]) -> FloatArray:
    """Sample an enlarged float picture at some pixels, through 8 bits to keep memory low."""
    return cv2.resize(np.round(values).astype(np.uint8), size, interpolation=cv2.INTER_LINEAR)[where].astype(np.float32)


def _error(picture: FloatArray, front: FloatArray, back: FloatArray, weight: MaskArray) -> FloatArray:
    share = weight[..., None]
    return np.asarray(picture - share * front - (1 - share) * back, np.float32)


def _fuse(picture: FloatArray, front: FloatArray, weight: MaskArray, size: int) -> tuple[FloatArray, FloatArray]:
    """One blur-fusion pass: weighted local means of foreground and backdrop, float32 0..255."""

    def mean(values: FloatArray) -> FloatArray:
        return np.asarray(cv2.boxFilter(values, -1, (size, size), borderType=cv2.BORDER_REFLECT), np.float32)

    # Steep weights: a mixed pixel says little about either side, and would drag the means together.
    inside, outside = weight**_STEEP, (1 - weight) ** _STEEP
    new_front = mean(np.asarray(front * inside[..., None], np.float32)) / (mean(inside)[..., None] + 1e-5)
    new_back = mean(np.asarray(picture * outside[..., None], np.float32)) / (mean(outside)[..., None] + 1e-5)
    return np.clip(new_front, 0, 255), np.clip(new_back, 0, 255)
