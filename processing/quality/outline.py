"""The outline looked at where it is: the matte's 0.5 contour, and the picture along its normals, at 1:1.

Only the band round the contour is read, so a frame of any size costs the same. Every number is a row per contour point;
`windows` turns rows into numbers per stretch of the outline, so one torn place isn't averaged away by a good rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from processing.quality.difference import LabArray, to_lab
from processing.types import MaskArray, RGBArray

REACH_PX = 16
"""How far the normals run to either side, px of the frame."""
WINDOWS = 64
"""Stretches the outline is judged in; a stretch has at least `_LEAST_POINTS` points."""
_MOST_POINTS = 2048
_LEAST_POINTS = 12
_LEAST_CONTOUR_PX = 40
_NORMAL_SIGMA = 4.0
_MOST_CRUMBS = 40
_GRAIN_STEP = 8
_MOST_SAMPLED = 32_000
FloatArray = npt.NDArray[np.float32]
Box = tuple[int, int, int, int]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Pixels = TypeVar("Pixels", npt.NDArray[np.uint8], npt.NDArray[np.float32])


@dataclass(frozen=True, slots=True)
class Outline:
    """`points` and `normals` (N, 2) float32, x and y in frame pixels, normals pointing away from the product; `window`
    (N,) the stretch each point belongs to; `jitter` (N,) how far the contour strays from its smoothed self, px;
    `length_px` of all contours kept, `crumbs_px` of those too short to follow (specks and pinholes), the largest of
    which are in `crumbs`.
    """

    points: FloatArray
    normals: FloatArray
    window: IntArray
    jitter: FloatArray
    length_px: float
    crumbs_px: float
    crumbs: tuple[Box, ...]

    def __len__(self) -> int:
        return len(self.points)

    def boxes(self, stretches: IntArray, margin: int = 12) -> tuple[Box, ...]:
        """Return (x, y, w, h) boxes in frame pixels round the stretches of these numbers, in their order."""
        found = []
        for number in stretches:
            spots = self.points[self.window == number]
            low, high = spots.min(axis=0) - margin, spots.max(axis=0) + margin
            left, top = max(0, int(low[0])), max(0, int(low[1]))
            found.append((left, top, int(high[0]) - left, int(high[1]) - top))
        return tuple(found)


def trace(alpha: MaskArray, solid: npt.NDArray[np.uint8] | None = None) -> Outline | None:
    """Follow the 0.5 contour of the matte (H, W) at full size; None when there is none of 40 px or more.

    Holes have a contour too. At most 2048 points, evenly spaced. `solid` (H, W): where alpha is above 0.5, 1, else 0,
    when it is at hand.
    """
    inside = (alpha > 0.5).view(np.uint8) if solid is None else solid
    contours, _ = cv2.findContours(inside, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    rings = [ring[:, 0].astype(np.float32) for ring in contours if len(ring) >= _LEAST_CONTOUR_PX]
    if not rings:
        return None
    length = float(sum(len(ring) for ring in rings))
    short = [ring for ring in contours if len(ring) < _LEAST_CONTOUR_PX]
    crumbs = float(sum(len(ring) for ring in short))
    largest = tuple(_box(ring) for ring in sorted(short, key=len, reverse=True)[:_MOST_CRUMBS])
    step = max(1, int(np.ceil(length / _MOST_POINTS)))
    span = max(_LEAST_POINTS * step, length / WINDOWS)
    points, normals, windows, jitter, used = [], [], [], [], 0
    for ring in rings:
        smooth = _around(ring, _NORMAL_SIGMA)
        along = np.roll(smooth, -2, axis=0) - np.roll(smooth, 2, axis=0)
        away = np.stack([-along[:, 1], along[:, 0]], axis=1)
        away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-6)
        if _leads_inwards(alpha, smooth, away):
            away = -away
        count = max(1, round(len(ring) / span))
        window = used + np.arange(len(ring)) * count // len(ring)
        used += count
        points.append(_around(ring, 1.5)[::step])
        normals.append(away[::step])
        windows.append(window[::step])
        jitter.append(((ring - smooth) * away).sum(axis=1)[::step])
    return Outline(
        np.concatenate(points), np.concatenate(normals), np.concatenate(windows), np.concatenate(jitter),
        length, crumbs, largest,
    )  # fmt: skip


def _box(ring: npt.NDArray[np.generic]) -> Box:
    x, y, width, height = cv2.boundingRect(np.asarray(ring, np.int32))
    return int(x), int(y), int(width), int(height)


def _around(ring: FloatArray, sigma: float) -> FloatArray:
    """Smooth a closed curve (N, 2) along itself."""
    reach = int(3 * sigma) + 1
    wrapped = np.concatenate([ring[-reach:], ring, ring[:reach]])[:, None, :]
    blurred = cv2.GaussianBlur(wrapped, (1, 2 * reach + 1), sigmaX=sigma, sigmaY=sigma)
    return np.asarray(blurred[reach:-reach, 0], np.float32)


def _leads_inwards(alpha: MaskArray, ring: FloatArray, away: FloatArray) -> bool:
    thin = slice(None, None, len(ring) // _MOST_SAMPLED + 1)  # cv2.remap takes no row of 32,767 places: fur has more
    ends = [sampled(alpha, (ring[thin] + side * 3 * away[thin])[None])[0] for side in (1, -1)]
    return float(ends[0].mean()) > float(ends[1].mean())


def sampled(pixels: Pixels, places: FloatArray, method: int = cv2.INTER_LINEAR) -> Pixels:
    """Read `pixels` (H, W[, C]) at `places` (A, B, 2), x and y; beyond the frame the edge repeats."""
    return np.asarray(
        cv2.remap(pixels, places[..., 0], places[..., 1], method, borderMode=cv2.BORDER_REPLICATE), pixels.dtype
    )


@dataclass(frozen=True, slots=True)
class Profiles:
    """The band unrolled: row = contour point, column = offset along the normal (`offsets`, px, negative inside).

    `alpha` (N, K) matte; `source` (N, K, 3) Lab of the source; `inner`, `outer` (N, 3) Lab of the product and of what
    lies outside, read from the row itself; `has_inner`, `has_outer` tell where there was enough to read; `noise` the
    backdrop's grain, Lab; `source_rgb`, `frame` (N, K, 3) RGB of source and result; `is_far` (N, K) where any contour
    is more than 2 px away: across a strap the normal meets the strap's other edge.
    """

    offsets: FloatArray
    alpha: FloatArray
    source: LabArray
    inner: LabArray
    outer: LabArray
    has_inner: BoolArray
    has_outer: BoolArray
    noise: float
    source_rgb: FloatArray
    frame: FloatArray
    is_far: BoolArray

    @property
    def contrast(self) -> FloatArray:
        """(N,) distance in Lab between product and surroundings; 0 where one of them is unknown."""
        apart = distance(self.inner[:, None], self.outer[:, None])[:, 0]
        return np.asarray(np.where(self.has_inner & self.has_outer, apart, 0.0), np.float32)

    def local(self, pixels: FloatArray, weight: FloatArray) -> FloatArray:
        """Return the weighted mean colour of each row of `pixels` (N, K, 3), smoothed along the outline, (N, 3)."""
        total = smoothed(weight.sum(axis=1)[:, None], 3.0)[:, 0]
        summed = smoothed(np.einsum("nkc,nk->nc", pixels, weight)[:, None], 3.0)[:, 0]
        return np.asarray(summed / np.maximum(total, 1e-3)[:, None], np.float32)


def unroll(outline: Outline, alpha: MaskArray, source: RGBArray, frame: RGBArray) -> Profiles:
    """Read matte, source and result along every normal, `REACH_PX` to either side, 1 px apart."""
    offsets = np.arange(-REACH_PX, REACH_PX + 1, dtype=np.float32)
    places = outline.points[:, None, :] + offsets[None, :, None] * outline.normals[:, None, :]
    matte = np.asarray(sampled(alpha, places), np.float32)
    raw = np.asarray(sampled(source, places), np.uint8)
    rgb = smoothed(raw.astype(np.float32), 2.0)
    lab = np.asarray(cv2.cvtColor(rgb / np.float32(255), cv2.COLOR_RGB2Lab), np.float32)
    inner, has_inner = _reference(lab, (matte > 0.9) & (offsets < -1), offsets)
    outer, has_outer = _reference(lab, (matte < 0.05) & (offsets > 1), offsets)
    return Profiles(
        offsets, matte, lab, inner, outer, has_inner, has_outer, _grain(raw, lab, matte, offsets), rgb,
        np.asarray(sampled(frame, places), np.float32), _far_from_contour(alpha, places),
    )  # fmt: skip


def _far_from_contour(alpha: MaskArray, places: FloatArray) -> BoolArray:
    """Whether `places` (N, K, 2) are more than 2 px from the edge of the solid part, to either side."""
    left, top = (max(0, int(places[..., axis].min()) - 2) for axis in (0, 1))
    right, bottom = (int(places[..., axis].max()) + 3 for axis in (0, 1))
    solid, around = (alpha[top:bottom, left:right] > 0.5).view(np.uint8), np.ones((5, 5), np.uint8)
    near = np.asarray(cv2.morphologyEx(solid, cv2.MORPH_GRADIENT, around), np.uint8)
    return np.asarray(sampled(near, places - np.array([left, top], np.float32), cv2.INTER_NEAREST) == 0)


def _grain(raw: RGBArray, lab: LabArray, matte: FloatArray, offsets: FloatArray) -> float:
    """Median distance in Lab of the backdrop's pixels from their smoothed selves; 1 where too few are seen."""
    thin = slice(None, None, _GRAIN_STEP)
    quiet = (matte[thin] < 0.02) & (offsets > 6)
    if int(quiet.sum()) * _GRAIN_STEP <= 100:
        return 1.0
    return float(np.median(np.abs(to_lab(raw[thin][quiet][None])[0] - lab[thin][quiet]).max(axis=1)))


def distance(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return the Euclidean distance (N, K) of colours (N, K, 3)."""
    apart = np.asarray(first - second, np.float32)
    return np.asarray(np.sqrt(dotted(apart, apart)), np.float32)


def dotted(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return the inner product (N, K) of colours (N, K, 3): numpy takes ten times as long for it."""
    return np.asarray(cv2.transform(first * second, np.ones((1, 3), np.float32)), np.float32)


def smoothed(rows: FloatArray, sigma: float) -> FloatArray:
    """Smooth along the outline only, never across it."""
    reach = int(3 * sigma) + 1
    return np.asarray(cv2.GaussianBlur(rows, (1, 2 * reach + 1), sigmaX=sigma, sigmaY=sigma), np.float32)


def _reference(lab: LabArray, usable: BoolArray, offsets: FloatArray) -> tuple[LabArray, BoolArray]:
    """Mean colour of each row's usable part, weightier further from the edge, smoothed along the outline."""
    weight = usable * np.clip(np.abs(offsets) - 2, 0.05, 6.0).astype(np.float32)
    total = smoothed(weight.sum(axis=1)[:, None].astype(np.float32), 4.0)[:, 0]
    summed = smoothed(np.einsum("nkc,nk->nc", lab, weight.astype(np.float32))[:, None], 4.0)[:, 0]
    return np.asarray(summed / np.maximum(total, 1e-3)[:, None], np.float32), np.asarray(total > 2.0)


def over_windows(outline: Outline, rows: FloatArray, judged: BoolArray | None = None) -> FloatArray:
    """Return the mean of `rows` (N,) in each stretch (M,), over the judged points; NaN where fewer than a third are."""
    where = np.ones(len(rows), bool) if judged is None else judged
    size = int(outline.window.max()) + 1
    count = np.bincount(outline.window, weights=where, minlength=size)
    total = np.bincount(outline.window, weights=np.where(where, rows, 0.0), minlength=size)
    whole = np.bincount(outline.window, minlength=size)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count * 3 >= np.maximum(whole, 3), total / count, np.nan).astype(np.float32)
