"""Where the product sits: its box, the frame round it, and the way from source pixels to frame pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from processing.errors import StageFailed
from processing.params import ChannelSpec, ProcessingParams
from processing.types import AffineMatrix, AlphaArray, Finding, MaskArray

PRODUCT_FROM = 0.5
"""Alpha from which a pixel counts as product when its box is measured."""
_BILINEAR_FROM, _BICUBIC_FROM = 0.6, 0.65
_LEAST_STEP = 1e-6
_CLOSER_FROM = 1.1  # a frame so little larger shows nothing new
_WHOLE_FROM = 0.999
_SOLID = 255
_WORD = 8  # bytes looked at as one number
_SLACK_PX = 2  # so that rounding can never leave the product short of the wanted fill


@dataclass(frozen=True, slots=True)
class Box:
    """Half-open pixel rectangle: x0 <= x < x1, y0 <= y < y1."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def width(self) -> int:
        """Columns."""
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        """Rows."""
        return self.y1 - self.y0

    @property
    def longest(self) -> int:
        """The longer side, px."""
        return max(self.width, self.height)


@dataclass(frozen=True, slots=True)
class Framing:
    """Crop `crop` of the source, resized to `size` (w, h), pasted with its top left at `offset` into a `frame` (w, h).

    Parts of the paste outside the frame are cut off.
    """

    crop: Box
    size: tuple[int, int]
    offset: tuple[int, int]
    frame: tuple[int, int]
    findings: tuple[Finding, ...] = ()

    @property
    def matrix(self) -> AffineMatrix:
        """Map source pixel coordinates (edges, not centres) to frame pixels."""
        sx, sy = self.size[0] / self.crop.width, self.size[1] / self.crop.height
        return (sx, 0.0, self.offset[0] - sx * self.crop.x0, 0.0, sy, self.offset[1] - sy * self.crop.y0)

    def closer(self, longest: int) -> Framing | None:
        """Return the same frame as large as the photo resolves it, at most `longest` px a side; None if this one is."""
        own = self.size[0] / self.crop.width
        more = min(1 / own, longest / max(self.frame))
        if more < _CLOSER_FROM:
            return None
        is_whole = more * own > _WHOLE_FROM
        width, height = (round(side * more) for side in self.size)
        size = (self.crop.width, self.crop.height) if is_whole else (width, height)
        left, top = (round(at * more) for at in self.offset)
        across, down = (round(side * more) for side in self.frame)
        return Framing(self.crop, size, (left, top), (across, down))


Pixels = TypeVar("Pixels", npt.NDArray[np.uint8], npt.NDArray[np.float32])
Matte = MaskArray | AlphaArray
Places = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]
"""Rows (N,) and columns (N,) of pixels."""


def level_of(alpha: Matte, share: float) -> float:
    """Return the least value that is `share` (0..1) of full alpha: uint8 mattes count to 255, float ones to 1."""
    return math.ceil(share * 255.0) if alpha.dtype == np.uint8 else share


def levels(alpha: Matte) -> AlphaArray:
    """Return a matte as it is stored, 0..255."""
    if alpha.dtype == np.uint8:
        return np.asarray(alpha, np.uint8)
    return np.asarray(cv2.convertScaleAbs(alpha, alpha=255.0), np.uint8)


def product_box(alpha: Matte, threshold: float = PRODUCT_FROM) -> Box | None:
    """Return the box of pixels with alpha >= threshold (0..1), None when there are none."""
    least = level_of(alpha, threshold)
    rows = np.flatnonzero(alpha.max(axis=1) >= least)
    if not rows.size:
        return None
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(alpha[top:bottom].max(axis=0) >= least)
    return Box(int(columns[0]), top, int(columns[-1]) + 1, bottom)


def soft_pixels(alpha: Matte) -> Places:
    """Return rows and columns of the pixels that are neither wholly backdrop nor wholly product."""
    if alpha.dtype == np.uint8:
        return marked_pixels(np.asarray(cv2.inRange(alpha, 1, _SOLID - 1), np.uint8))
    return marked_pixels(np.asarray(cv2.inRange(alpha, _LEAST_STEP, 1.0 - _LEAST_STEP), np.uint8))


def faint_pixels(alpha: Matte, below: float, soft: Places | None = None) -> Places:
    """Return rows and columns of the pixels that are not wholly backdrop, but less than `below` (0..1) product.

    `soft`: the places of `soft_pixels`, when they are at hand.
    """
    rows, columns = soft_pixels(alpha) if soft is None else soft
    faint = alpha[rows, columns] < level_of(alpha, below)
    return rows[faint], columns[faint]


def marked_pixels(mask: AlphaArray) -> Places:
    """Return rows and columns of the pixels of `mask` (H, W) uint8 that are not 0, row by row.

    Made for marks that are few: eight pixels are looked at as one number first, which takes half of cv2.findNonZero's
    time and a tenth of np.nonzero's.
    """
    flat = np.ascontiguousarray(mask).reshape(-1)
    whole = flat.size // _WORD * _WORD
    words = np.flatnonzero(flat[:whole].view(np.uint64))
    places = (words[:, None] * _WORD + np.arange(_WORD)).reshape(-1)
    places = np.concatenate([places, np.arange(whole, flat.size)])
    rows, columns = np.divmod(places[flat[places] > 0], mask.shape[1])
    return rows, columns


def fill_ratio(alpha: Matte) -> float:
    """Return the product's longest side as a share of the frame side it runs along (the larger of both), 0 if empty."""
    box = product_box(alpha)
    if box is None:
        return 0.0
    return float(max(box.width / alpha.shape[1], box.height / alpha.shape[0]))


def touches_frame(alpha: Matte, threshold: float = PRODUCT_FROM) -> bool:
    """Tell whether the product reaches an edge of the picture."""
    edges = (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1])
    return any(bool((edge >= level_of(alpha, threshold)).any()) for edge in edges)


def _wanted_frame(params: ProcessingParams, channel: ChannelSpec) -> tuple[int, int]:
    width, height = params.output.width, params.output.height
    longest = channel.recommended_dimension or max(width, height)
    if channel.aspect == "1:1":
        return longest, longest
    share = longest / max(width, height)
    return round(width * share), round(height * share)


def _whole_source(alpha: Matte) -> Framing:
    height, width = alpha.shape
    return Framing(Box(0, 0, width, height), (width, height), (0, 0), (width, height))


def plan_frame(alpha: Matte, params: ProcessingParams, channel: ChannelSpec) -> Framing:
    """Plan the frame of one channel from the alpha in the source grid.

    The product's longest side fills `geometry.fill_ratio` (at least the channel's minimum). Pixels are never enlarged
    beyond `geometry.max_enlarge`: the frame gets smaller instead, down to the channel's minimum, with a finding.
    Raises StageFailed(code="nothing_cut_out") when no pixel is product.
    """
    box = product_box(alpha)
    if box is None:
        raise StageFailed("No product was found in the picture, so there is nothing to frame.", code="nothing_cut_out")
    if channel.sizing == "full_resolution":
        return _whole_source(alpha)
    fill = min(max(params.geometry.fill_ratio, channel.fill_min), channel.fill_max)
    frame_w, frame_h = _wanted_frame(params, channel)
    scale = _scale(box, frame_w, frame_h, fill)
    findings: list[Finding] = []
    limit = params.geometry.max_enlarge
    if scale > limit:
        shrink = max(limit / scale, min(1.0, channel.min_dimension / max(frame_w, frame_h)))
        frame_w, frame_h = math.floor(frame_w * shrink), math.floor(frame_h * shrink)
        scale = min(limit, _scale(box, frame_w, frame_h, fill))
        findings.append(_small_source(box, frame_w, frame_h, channel))
    if scale > 1.0:
        findings.append(Finding("enlarged", "warning", f"The product was enlarged {scale:.2f} times."))
    return _place(alpha, box, scale, (frame_w, frame_h), params.geometry.centring, findings)


def _scale(box: Box, frame_w: int, frame_h: int, fill: float) -> float:
    slack = _SLACK_PX if fill < 1.0 else 0
    return min((frame_w * fill + slack) / box.width, (frame_h * fill + slack) / box.height)


def _small_source(box: Box, frame_w: int, frame_h: int, channel: ChannelSpec) -> Finding:
    message = (
        f"The product is only {box.longest} px long, so the frame is {frame_w} x {frame_h} px instead of enlarging it."
    )
    suggestion = f"Shoot closer or send more pixels: {channel.name} recommends {channel.recommended_dimension} px."
    is_enough = max(frame_w, frame_h) > channel.min_dimension
    return Finding("frame_reduced", "warning" if is_enough else "error", message, suggestion)


def _place(
    alpha: Matte, box: Box, scale: float, frame: tuple[int, int], centring: str, findings: list[Finding]
) -> Framing:
    """Take as the crop everything of the source that falls into the frame: product and backdrop share one grid."""
    centre = ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)
    if centring == "mass":
        centre = _centre_of_mass(alpha)
    spans = [
        _span(centre[axis], frame[axis] / scale, alpha.shape[1 - axis], scale, frame[axis]) for axis in (0, 1)
    ]  # x, then y
    (x0, x1, width, left), (y0, y1, height, top) = spans
    return Framing(Box(x0, y0, x1, y1), (width, height), (left, top), frame, tuple(findings))


def _span(centre: float, reach: float, length: int, scale: float, frame: int) -> tuple[int, int, int, int]:
    """Along one axis: first and last source pixel in the frame, their size in it and where they start."""
    first, last = max(0, math.floor(centre - reach / 2)), min(length, math.ceil(centre + reach / 2))
    size = max(1, round((last - first) * scale))
    return first, last, size, round(frame / 2 - (centre - first) * size / (last - first))


def _centre_of_mass(alpha: Matte) -> tuple[float, float]:
    moments = cv2.moments(alpha)
    return moments["m10"] / moments["m00"] + 0.5, moments["m01"] / moments["m00"] + 0.5


def to_frame(pixels: Pixels, framing: Framing) -> Pixels:
    """Bring a source-grid array (H, W) or (H, W, C) into the frame; beyond the source it is 0."""
    return _pasted(pixels, framing, cv2.BORDER_CONSTANT)


def frame_source(rgb: npt.NDArray[np.uint8], framing: Framing) -> npt.NDArray[np.uint8]:
    """Bring the whole source picture (backdrop included) into the frame; beyond its edges the edge pixels repeat."""
    return _pasted(rgb, framing, cv2.BORDER_REPLICATE)


def _pasted(pixels: Pixels, framing: Framing, border: int) -> Pixels:
    crop = framing.crop
    scaled = _resized(pixels[crop.y0 : crop.y1, crop.x0 : crop.x1], framing.size)
    (left, top), (frame_w, frame_h) = framing.offset, framing.frame
    right, bottom = frame_w - left - framing.size[0], frame_h - top - framing.size[1]
    seen = scaled[max(0, -top) : frame_h - top, max(0, -left) : frame_w - left]
    above, below, before, after = (max(0, margin) for margin in (top, bottom, left, right))
    if not above + below + before + after:
        return np.ascontiguousarray(seen)
    return np.asarray(cv2.copyMakeBorder(seen, above, below, before, after, border), pixels.dtype)


def _resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Resize to `size` (w, h) by the method nearest to Lanczos with a full kernel (benchmarks/resampling.py).

    Area average below 0.6, bilinear to 0.65, bicubic above, where it is also a fifth of the cost. A matte has nothing
    finer than its edge, and bicubic would ring there: it is halved by averaging and sampled bilinearly.
    """
    height, width = pixels.shape[:2]
    if (width, height) == size:
        return pixels
    share = min(size[0] / width, size[1] / height)
    if pixels.ndim == 3 and share < _BILINEAR_FROM:
        return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), pixels.dtype)
    while size[0] * 2 <= pixels.shape[1] and size[1] * 2 <= pixels.shape[0]:
        pixels = _halved(pixels)
    method = cv2.INTER_CUBIC if pixels.ndim == 3 and share >= _BICUBIC_FROM else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, size, interpolation=method), pixels.dtype)


def _halved(pixels: Pixels) -> Pixels:
    """Average blocks of 2 x 2; an odd last row or column is left out, because only whole blocks are fast."""
    height, width = (side // 2 for side in pixels.shape[:2])
    even = pixels[: 2 * height, : 2 * width]
    return np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), pixels.dtype)


def shrunk(pixels: Pixels, longest: int) -> tuple[Pixels, float]:
    """Return the picture with its longest side at most `longest` px, and the scale used (1.0 = untouched)."""
    height, width = pixels.shape[:2]
    scale = min(1.0, longest / max(height, width))
    if scale == 1.0:
        return pixels, 1.0
    return _resized(pixels, (max(1, round(width * scale)), max(1, round(height * scale)))), scale


def halved(pixels: Pixels, longest: int) -> Pixels:
    """Return the picture halved by averaging until its longest side is at most `longest` px: the fastest way down."""
    while max(pixels.shape[:2]) > longest and min(pixels.shape[:2]) > 1:
        pixels = _halved(pixels)
    return pixels


def quickly_shrunk(rgb: npt.NDArray[np.uint8], longest: int, multiple: int = 1) -> npt.NDArray[np.uint8]:
    """Like `shrunk`, bilinear all the way, for pictures that are measured and never shipped.

    What has to be shrunk gets sides that are multiples of `multiple`: halving is fast only for even ones.
    """
    height, width = rgb.shape[:2]
    scale = min(1.0, longest / max(height, width))
    if scale == 1.0:
        return np.ascontiguousarray(rgb)
    size = (_rounded(width * scale, multiple), _rounded(height * scale, multiple))
    while max(rgb.shape[:2]) >= 2 * longest and min(rgb.shape[:2]) > 1:
        rgb = _halved(rgb)
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _rounded(length: float, multiple: int) -> int:
    return max(multiple, round(length / multiple) * multiple)
