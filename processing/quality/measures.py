"""Numbers about one result and what they mean at 1:1. All pure: arrays in, numbers out.

`frame` is the picture as it ships (H, W, 3) uint8; `alpha` its matte (H, W) float32 0..1 in the same grid; `expected`
the source in that grid with the declared colour correction and its backdrop, so that purposeful changes are no error.
Edge measures are taken at `EDGE_SIDE` px, so their thresholds mean the same at every output size.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from processing.quality.difference import LabArray, delta_e_2000, to_lab
from processing.types import FailurePoint, MaskArray, RGBArray

EDGE_SIDE = 1000
COLOUR_SIDE = 600
_BAND_PX = 6
_DEEP_PX = 9
_SAME_DE = 7.0
_APART_DE = 14.0
_SHADOW_L = 40.0
_SHADOW_CHROMA = 6.0
_UNIFORM_SPREAD = 6.0
BoolArray = npt.NDArray[np.bool_]
Pixels = TypeVar("Pixels", npt.NDArray[np.uint8], npt.NDArray[np.float32])


@dataclass(frozen=True, slots=True)
class Background:
    """What the perimeter samples say (QC-01). `compliance_rate` 0..1; `failures` in frame pixels."""

    compliance_rate: float
    passed: bool
    failures: tuple[FailurePoint, ...]


def perimeter_points(width: int, height: int, count: int) -> list[tuple[int, int]]:
    """Return `count` points spread evenly along the frame's outermost pixels, clockwise from the top left corner."""
    length = 2 * (width - 1) + 2 * (height - 1)
    points = []
    for index in range(count):
        at = int(index * length / count)
        if at < width - 1:
            points.append((at, 0))
        elif (at := at - (width - 1)) < height - 1:
            points.append((width - 1, at))
        elif (at := at - (height - 1)) < width - 1:
            points.append((width - 1 - at, height - 1))
        else:
            points.append((0, height - 1 - (at - (width - 1))))
    return points


def background_samples(frame: RGBArray, *, samples: int, tolerance: int, wanted_rate: float) -> Background:
    """Sample the perimeter: a sample fails when any channel is below `tolerance` (QC-01, QC-02; 002 L118-151)."""
    height, width = frame.shape[:2]
    failures = []
    for x, y in perimeter_points(width, height, samples):
        red, green, blue = (int(value) for value in frame[y, x])
        if min(red, green, blue) < tolerance:
            failures.append(FailurePoint(x, y, (red, green, blue), (255 - red, 255 - green, 255 - blue)))
    rate = 1 - len(failures) / samples
    return Background(rate, rate >= wanted_rate, tuple(failures))


def off_white_share(frame: RGBArray, alpha: MaskArray, margin_px: int = 0) -> float:
    """Return the share of background pixels, further than `margin_px` from the product, that aren't pure white (B5)."""
    outside = _outside(alpha, margin_px)
    total = int(outside.sum())
    return 0.0 if not total else float((frame[outside] != 255).any(axis=1).sum() / total)


def _outside(alpha: MaskArray, margin_px: int) -> BoolArray:
    product = (alpha > 0).astype(np.uint8)
    if margin_px:
        size = 2 * margin_px + 1
        product = np.asarray(cv2.dilate(product, np.ones((size, size), np.uint8)), np.uint8)
    return np.asarray(product == 0)


@dataclass(frozen=True, slots=True)
class Edge:
    """Shape of the matte's edge at `EDGE_SIDE` px.

    `width_px`: soft pixels per edge pixel; `roughness`: surplus contour length as a share.
    """

    width_px: float
    roughness: float
    length_px: float


def edge_shape(alpha: MaskArray) -> Edge:
    """Measure softness and jaggedness of the 0.5 contour (jagged and binary masks AUC .995 in the design's trials)."""
    small = scaled(alpha, EDGE_SIDE)
    length = _contour_length(small)
    if length == 0:
        return Edge(0.0, 0.0, 0.0)
    soft = float(((small > 0.1) & (small < 0.9)).sum())
    smooth = _contour_length(np.asarray(cv2.GaussianBlur(small, (0, 0), 2.5), np.float32))
    return Edge(soft / length, max(0.0, length / max(smooth, 1.0) - 1.0), length)


def _contour_length(alpha: npt.NDArray[np.float32]) -> float:
    """Length of the 0.5 iso-contour, sub-pixel: traced on a 2x enlargement, so that antialiasing counts."""
    twice = cv2.resize(alpha, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    contours, _ = cv2.findContours((twice > 0.5).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    return sum(cv2.arcLength(contour, closed=True) for contour in contours) / 2


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The product's and the backdrop's colours near each pixel of the edge, from the source itself.

    `lab` is the expected picture; `inner` and `outer` the local colour of product and backdrop; `alpha` the matte; all
    at `EDGE_SIDE` px. `is_uniform` says whether the backdrop is plain enough to judge leftovers by its colour.
    """

    lab: LabArray
    alpha: MaskArray
    inner: LabArray
    outer: LabArray
    depth: npt.NDArray[np.float32]
    distance: npt.NDArray[np.float32]
    is_uniform: bool


def surroundings(expected: RGBArray, alpha: MaskArray) -> Surroundings:
    """Prepare what the edge measures share: one Lab conversion and local colours by normalised convolution."""
    small = scaled(alpha, EDGE_SIDE)
    lab = to_lab(np.asarray(scaled(expected, EDGE_SIDE), np.uint8))
    inside = (small > 0.5).astype(np.uint8)
    depth = np.asarray(cv2.distanceTransform(inside, cv2.DIST_L2, 3), np.float32)
    distance = np.asarray(cv2.distanceTransform(1 - inside, cv2.DIST_L2, 3), np.float32)
    deep = depth > _DEEP_PX if (depth > _DEEP_PX).sum() > 200 else depth > 2
    far = (distance > _DEEP_PX) & (small < 0.02) & _reaches_frame(inside)
    border = np.concatenate([lab[0], lab[-1], lab[:, 0], lab[:, -1]])
    # Median, not mean: a letter or a clip on the backdrop must not make a plain sweep look restless.
    spread = float(np.median(np.abs(border - np.median(border, axis=0)), axis=0).max())
    return Surroundings(
        lab, small, _local(lab, deep, 12.0), _local(lab, far, 25.0), depth, distance, spread < _UNIFORM_SPREAD
    )


def _reaches_frame(inside: npt.NDArray[np.uint8]) -> BoolArray:
    """Where the background is connected to the frame: a hole in the product tells nothing of the backdrop's colour."""
    padded = np.pad(1 - inside, 1, constant_values=1).astype(np.uint8)
    _, labels = cv2.connectedComponents(padded, connectivity=4)
    return np.asarray((labels == labels[0, 0])[1:-1, 1:-1])


def _border_surface(lab: LabArray) -> LabArray:
    """Return the backdrop as a plane through the frame's outermost pixels: what it would be without any product."""
    height, width = lab.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    basis = np.stack([np.ones_like(x), x / width, y / height], axis=-1)
    ring = np.zeros((height, width), bool)
    ring[[0, -1]] = ring[:, [0, -1]] = True
    fit, *_ = np.linalg.lstsq(basis[ring], lab[ring], rcond=None)
    return np.asarray(basis @ fit, np.float32)


def _local(lab: LabArray, where: BoolArray, sigma: float) -> LabArray:
    weight = where.astype(np.float32)
    total = np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma), 1e-4)
    summed = cv2.GaussianBlur(lab * weight[..., None], (0, 0), sigma)
    fallback = np.median(lab[where], axis=0) if where.any() else np.array([100.0, 0.0, 0.0], np.float32)
    trust = np.clip(cv2.GaussianBlur(weight, (0, 0), sigma) / 0.02, 0, 1)[..., None]
    return np.asarray(summed / total[..., None] * trust + fallback * (1 - trust), np.float32)


def _is_shadow(near: Surroundings) -> BoolArray:
    """Darker than the backdrop by up to 40 L* at nearly the same chroma: a cast shadow, not product."""
    darker = near.outer[..., 0] - near.lab[..., 0]
    chroma = np.hypot(near.lab[..., 1] - near.outer[..., 1], near.lab[..., 2] - near.outer[..., 2])
    return np.asarray((darker > -6) & (darker < _SHADOW_L) & (chroma < _SHADOW_CHROMA))


def halo_ratio(near: Surroundings) -> float:
    """Return the share of the band just inside the edge that shows the backdrop's colour instead of the product's.

    Counted only where product and backdrop differ enough to tell (CIEDE2000 > 14); 0 when they never do: then neither a
    machine nor a buyer can see a halo.
    """
    band = (near.depth > 0.5) & (near.depth <= _BAND_PX) & (near.alpha > 0.85)
    tell = band & (_de(near.inner, near.outer, band) > _APART_DE)
    count = int(tell.sum())
    if count < 100:
        return 0.0
    return float((_de(near.lab, near.outer, tell)[tell] < _SAME_DE).sum() / count)


def missing_edge_ratio(near: Surroundings) -> float:
    """Return the share of the band just outside the edge that still shows the product (an eroded or bitten matte)."""
    band = (near.distance > 1.0) & (near.distance <= _BAND_PX) & (near.alpha < 0.1)
    tell = band & (_de(near.inner, near.outer, band) > _APART_DE) & ~_is_shadow(near)
    count = int(band.sum())
    if count < 100:
        return 0.0
    to_product = _de(near.lab, near.inner, tell)
    to_backdrop = _de(near.lab, near.outer, tell)
    return float((tell & (to_backdrop > _APART_DE) & (to_product < to_backdrop * 0.6)).sum() / count)


def fringe_difference(frame: RGBArray, near: Surroundings) -> float:
    """Return the mean CIEDE2000, in the soft band, between the frame and a clean composite of the local product colour.

    High values are backdrop colour left in half-transparent pixels. Needs a white background behind the product.
    """
    lab = to_lab(np.asarray(scaled(frame, EDGE_SIDE), np.uint8))
    soft = (near.alpha > 0.15) & (near.alpha < 0.85) & (near.distance < 4) & (near.depth < 4)
    if int(soft.sum()) < 50:
        return 0.0
    weight = near.alpha[soft][:, None]
    clean = near.inner[soft] * weight + np.array([100.0, 0.0, 0.0], np.float32) * (1 - weight)
    # Backdrop left over pulls towards the backdrop; texture scatters both ways: count only what is nearer the backdrop.
    off = delta_e_2000(lab[soft], clean)
    nearer = delta_e_2000(lab[soft], near.outer[soft]) < delta_e_2000(clean, near.outer[soft]) - 2.0
    return float(np.where(nearer, off, 0.0).mean())


def _de(first: LabArray, second: LabArray, where: BoolArray) -> npt.NDArray[np.float32]:
    out = np.zeros(first.shape[:2], np.float32)
    if where.any():
        out[where] = delta_e_2000(first[where], second[where])
    return out


def hole_ratio(near: Surroundings) -> float:
    """Return the area of enclosed holes that don't show the backdrop, as a share of the product's area."""
    solid = (near.alpha > 0.5).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(1 - solid, connectivity=4)
    frame_labels = set(np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])))
    wrong = 0
    for label in range(1, count):
        if label in frame_labels or stats[label, cv2.CC_STAT_AREA] < 12:
            continue
        hole = labels == label
        if (
            float(np.median(_de(near.lab, near.outer, hole)[hole])) > _APART_DE
            and not _is_shadow(near)[hole].mean() > 0.5
        ):
            wrong += int(stats[label, cv2.CC_STAT_AREA])
    return wrong / max(1, int(solid.sum()))


def leftover_ratio(near: Surroundings) -> float:
    """Return the area of detached pieces that look like the backdrop, as a share of the frame (QC-14).

    A detached piece in the product's own colours (the second earring) is no leftover.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats((near.alpha > 0.3).astype(np.uint8), connectivity=8)
    if count <= 2:
        return 0.0
    main = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    wrong = 0
    for label in range(1, count):
        if label == main or stats[label, cv2.CC_STAT_AREA] < 12:
            continue
        piece = labels == label
        like_backdrop = float(np.median(_de(near.lab, near.outer, piece)[piece])) < _APART_DE
        if like_backdrop or _is_shadow(near)[piece].mean() > 0.5:
            wrong += int(stats[label, cv2.CC_STAT_AREA])
    return float(wrong / near.alpha.size)


def content_loss(near: Surroundings) -> float | None:
    """Return how much of what isn't backdrop was thrown away: discarded / (kept + discarded), 0..1 (QC-13).

    None when the backdrop is too restless to tell product from background by colour; cast shadows don't count.
    """
    if not near.is_uniform:
        return None
    away = (near.alpha < 0.1) & (near.distance > 2)
    # Against the frame's own colours, not the local ones: next to a dropped half the "backdrop" is that half.
    empty = replace(near, outer=_border_surface(near.lab))
    apart = _de(near.lab, empty.outer, away) > _APART_DE
    discarded = float((away & apart & ~_is_shadow(empty)).sum())
    kept = float((near.alpha > 0.5).sum())
    return 0.0 if not kept + discarded else discarded / (kept + discarded)


def colour_shift(frame: RGBArray, expected: RGBArray, alpha: MaskArray) -> float | None:
    """Return the median CIEDE2000 inside the product between shipped and meant colours; None if there is too little."""
    small = scaled(alpha, COLOUR_SIDE)
    inside = cv2.erode((small > 0.98).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    if int(inside.sum()) < 100:
        return None
    first = to_lab(np.asarray(scaled(frame, COLOUR_SIDE), np.uint8))[inside]
    second = to_lab(np.asarray(scaled(expected, COLOUR_SIDE), np.uint8))[inside]
    return float(np.median(delta_e_2000(first, second)))


def sharpness_ratio(frame: RGBArray, expected: RGBArray, alpha: MaskArray) -> float:
    """Return detail energy inside the product, shipped / meant: 1.0 keeps it, below about 0.5 it looks soft."""
    inside = alpha > 0.98
    if int(inside.sum()) < 500:
        return 1.0
    first = cv2.Laplacian(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), cv2.CV_32F)[inside]
    second = cv2.Laplacian(cv2.cvtColor(expected, cv2.COLOR_RGB2GRAY), cv2.CV_32F)[inside]
    return float(first.std() / max(float(second.std()), 1e-3))


def scaled(pixels: Pixels, side: int) -> Pixels:
    """Return the array with its longest side at most `side` px (area average); values keep their range."""
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), pixels.dtype)
