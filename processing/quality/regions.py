"""Areas of a result seen from afar: what was lost, left over, pierced or recoloured. One grid, one Lab conversion.

Works on the frame shrunk by a whole number to about `GRID_SIDE` px; the backdrop is the smooth surface through the
frame's border (IMAGING: border model).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from processing.quality.difference import LabArray, delta_e_2000, to_lab
from processing.removal.backdrop import Backdrop, fit_backdrop
from processing.types import MaskArray, RGBArray

GRID_SIDE = 500
NEAR_SIDE = 1000
_HALVED_FROM = 800
_FIT_STEP = 3  # every third grid px is enough to fit a smooth surface to, and keeps the grain
_RESTLESS = 6.0  # Lab residual of the border from which colour can't tell backdrop from product
_SHADOW_L = 45.0
_FIGURED = 2.0  # Lab residual of a ground with a figure, as wood has: on it what is nearly black is a thing of its own
_LEAST_LIGHT = 0.55  # of L* + 16 that a shadow leaves there, a sixth of the light
_SHADOW_CHROMA = 6.0
_BOUNCE = 0.35
_MOST_PIECES = 12
_DIM_ROUND = 0.5
_THIN_PX = 9
_LOOSE_ROUND = 0.35
_MOST_SAMPLES = 5_000
_BLOCK_PX = 48
_SMOOTH_L = 6.0  # lightness step in 3 px that ends a region
_LEAST_SEED_PX = 12
_MOST_HOLES = 40
_LEAST_HOLE = 4
_HOLE_ROUND = 5
_LEAST_POINTS_ROUND = 6
_LOOSE_HOLE = 0.25
_GAP_STEP = 6.0
_GHOST_DEPTH = 8
_TILE_PX = 256
_LEAST_DETAIL = 1.5
BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float32]
Pixels = TypeVar("Pixels", npt.NDArray[np.uint8], npt.NDArray[np.float32])


@dataclass(frozen=True, slots=True)
class Scene:
    """`alpha` (h, w) 0..1, `source` Lab and `frame` RGB (h, w, 3) on the grid; `off` Lab distance of the source from
    its backdrop; `shadow` where it is only dimmer; `is_plain` whether the backdrop is quiet enough to judge by colour;
    `limit` the distance from which a pixel is no backdrop; `scale` grid px per frame px, one over a whole number;
    `backdrop` on every third px of the grid."""

    alpha: MaskArray
    source: LabArray
    frame: RGBArray
    off: FloatArray
    shadow: BoolArray
    is_plain: bool
    limit: float
    scale: float
    backdrop: Backdrop


@dataclass(frozen=True, slots=True)
class Near:
    """`source`, `frame` (h, w, 3) uint8 and `alpha` (h, w) averaged over `step` x `step` px: about 1000 px a side."""

    source: RGBArray
    frame: RGBArray
    alpha: MaskArray
    step: int


def near(source: RGBArray, frame: RGBArray, alpha: MaskArray) -> Near:
    """Halve what is larger than 800 px a side, and shrink what is very large to about 1000."""
    step = 1 if max(alpha.shape) < _HALVED_FROM else max(2, round(max(alpha.shape) / NEAR_SIDE))
    return Near(shrunk(source, step), shrunk(frame, step), shrunk(alpha, step), step)


def scene(source: RGBArray, frame: RGBArray, alpha: MaskArray, view: Near | None = None) -> Scene:
    """Prepare what the areal measures share; `view` saves the first halving where the steps allow it."""
    whole = max(1, round(max(alpha.shape) / GRID_SIDE))
    step = whole
    if view is not None and whole % view.step == 0:
        source, frame, alpha, step = view.source, view.frame, view.alpha, whole // view.step
    small, lab = shrunk(alpha, step), to_lab(shrunk(source, step))
    backdrop = fit_backdrop(lab[::_FIT_STEP, ::_FIT_STEP])
    ground = cv2.resize(backdrop.surface, (lab.shape[1], lab.shape[0]), interpolation=cv2.INTER_LINEAR)
    off, shadow = against(lab, np.asarray(ground, np.float32), backdrop.spread)
    return Scene(
        small, lab, shrunk(frame, step), off, shadow, backdrop.spread < _RESTLESS and backdrop.inliers > 0.6,
        max(9.0, 4 * backdrop.spread + 4), 1 / whole, backdrop,
    )  # fmt: skip


def against(lab: LabArray, ground: LabArray, spread: float) -> tuple[FloatArray, BoolArray]:
    """Return how far each pixel of `lab` (h, w, 3) is from its ground in Lab, and where it is the ground under less
    light; `spread` is the ground's own, Lab."""
    light, tint_a, tint_b = (np.asarray(part, np.float32) for part in cv2.split(lab))
    ground_light, ground_a, ground_b = (np.asarray(part, np.float32) for part in cv2.split(ground))
    # Less light scales L* + 16, a* and b* alike (CIE 1976): on coloured paper a shadow loses chroma.
    dimming = (light + 16) / (ground_light + 16)
    least = _LEAST_LIGHT if spread > _FIGURED else 0.0
    chroma = _foreign_tint(tint_a - dimming * ground_a, tint_b - dimming * ground_b, ground_a, ground_b)
    darker = ground_light - light
    shadow = (darker > -2) & (darker < _SHADOW_L) & (dimming > least) & (chroma < _SHADOW_CHROMA + 0.6 * spread)
    off = cv2.magnitude(cv2.magnitude(darker, tint_a - ground_a), tint_b - ground_b)
    return np.asarray(off, np.float32), np.asarray(shadow)


def _foreign_tint(rest_a: FloatArray, rest_b: FloatArray, ground_a: FloatArray, ground_b: FloatArray) -> FloatArray:
    """How far a tint is from the ground's own, more of which a shadow on coloured paper may have: it lights itself.

    A grey ground has no tint of its own: there all of the rest is foreign.
    """
    own = cv2.magnitude(ground_a, ground_b)
    along = (rest_a * ground_a + rest_b * ground_b) / np.maximum(own, np.float32(1e-3))
    bounced = np.minimum(np.maximum(along, np.float32(0)), _BOUNCE * own)
    left = rest_a * rest_a + rest_b * rest_b - bounced * (2 * along - bounced)
    return np.asarray(cv2.sqrt(np.maximum(left, np.float32(0))), np.float32)


def shrunk(pixels: Pixels, step: int) -> Pixels:
    """Return the area averages of `step` x `step` px; a rest at the right and lower edge is left out.

    A whole number of px, and halves first, is what the resampler has fast ways for: a quarter of the time.
    """
    while step > 1:
        by = 2 if step % 2 == 0 else step
        height, width = max(1, pixels.shape[0] // by), max(1, pixels.shape[1] // by)
        pixels = np.asarray(
            cv2.resize(pixels[: height * by, : width * by], (width, height), interpolation=cv2.INTER_AREA), pixels.dtype
        )
        step //= by
    return pixels


def lost(view: Scene) -> BoolArray | None:
    """Where the photo shows something that is no backdrop and no shadow, and the matte dropped it; None if restless."""
    if not view.is_plain:
        return None
    product = (view.alpha > 0.5).view(np.uint8)
    away = (view.alpha < 0.1) & (cv2.dilate(product, np.ones((5, 5), np.uint8)) == 0)
    dropped = (away & (view.off > view.limit) & ~view.shadow).astype(np.uint8)
    opened = cv2.morphologyEx(dropped, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return _without_contact(view, np.asarray(opened, np.uint8))


def _without_contact(view: Scene, dropped: npt.NDArray[np.uint8]) -> BoolArray:
    """Leave out the darkest of a contact shadow: a thin piece that fades into shadow, not into the backdrop."""
    found = dropped > 0
    if not found.any():
        return found
    _, labels, stats, _ = cv2.connectedComponentsWithStats(dropped, connectivity=8)
    dim = view.shadow & (view.off > 0.5 * view.limit)
    for label in np.argsort(-stats[1:, cv2.CC_STAT_AREA])[:_MOST_PIECES] + 1:
        x, y, width, height = stats[label, :4]
        part = (slice(max(0, y - 6), y + height + 6), slice(max(0, x - 6), x + width + 6))
        piece = (labels[part] == label).astype(np.uint8)
        around = [cv2.dilate(piece, np.ones((px, px), np.uint8)) for px in (11, 5)]
        ring = (around[0] > around[1]) & (view.alpha[part] < 0.1)
        is_thin = not cv2.erode(piece, np.ones((_THIN_PX, _THIN_PX), np.uint8)).any()
        if is_thin and ring.any() and float(dim[part][ring].mean()) > _DIM_ROUND:
            found[part][piece > 0] = False
    return found


def loss_ratio(view: Scene, dropped: BoolArray | None) -> float | None:
    """Return discarded / (kept + discarded), 0..1 (QC-13); None when the backdrop is too restless to tell."""
    if dropped is None:
        return None
    gone, kept = float(dropped.sum()), float((view.alpha > 0.5).sum())
    return 0.0 if not kept + gone else gone / (kept + gone)


def detached(view: Scene, rim: Rim) -> BoolArray:
    """Kept pieces beside the main one that look like the backdrop or its shadow (QC-14), or whose outline is loose.

    A second earring does neither.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats((view.alpha > 0.3).astype(np.uint8), connectivity=8)
    if count <= 2 or not view.is_plain:
        return np.zeros(view.alpha.shape, bool)
    area = stats[:, cv2.CC_STAT_AREA].astype(np.float64)
    plain = ((view.off < view.limit) | view.shadow).astype(np.float64)
    share = np.bincount(labels.ravel(), weights=plain.ravel(), minlength=count) / np.maximum(area, 1)
    wrong = ((share > 0.5) | (rim.looseness(labels, count) > _LOOSE_ROUND)) & (area >= 4)
    wrong[0] = wrong[1 + int(np.argmax(area[1:]))] = False
    return np.asarray(wrong[labels])


@dataclass(frozen=True, slots=True)
class Rim:
    """The outline on the grid: `spots` (N, 2) x, y of its points, `loose` (N,) which the photo has no sharp edge at."""

    spots: npt.NDArray[np.intp]
    loose: BoolArray

    def drawn(self, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
        """Return the loose points on a map of `shape`, 1 where one is."""
        found = np.zeros(shape, np.uint8)
        x, y = self._inside(shape, self.loose)
        found[y, x] = 1
        return found

    def looseness(self, labels: npt.ArrayLike, count: int) -> FloatArray:
        """Return, for each of `count` labelled regions, the loose share of the outline points within 2 px of it."""
        reached = cv2.dilate(np.asarray(labels, np.float32), np.ones((5, 5), np.uint8))
        x, y = self._inside(reached.shape, np.ones(len(self.spots), bool))
        nearest = reached[y, x].astype(np.int64)
        total = np.bincount(nearest, minlength=count)
        return np.asarray(np.bincount(nearest, weights=self.loose, minlength=count) / np.maximum(total, 1), np.float32)

    def _inside(self, shape: tuple[int, ...], which: BoolArray) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        spots = self.spots[which]
        return np.clip(spots[:, 0], 0, shape[1] - 1), np.clip(spots[:, 1], 0, shape[0] - 1)


def attached(view: Scene, rim: Rim) -> BoolArray:
    """Kept backdrop or shadow that hangs on the product, grown from outline points the photo doesn't support.

    A region only counts where it is backdrop-coloured without an edge in between, and where much of the outline round
    it is loose: a white base on a white sweep has an edge nearly all along.
    """
    if not view.is_plain or not rim.loose.any():
        return np.zeros(view.alpha.shape, bool)
    smooth = cv2.morphologyEx(view.source[..., 0], cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) < _SMOOTH_L
    like = (view.alpha > 0.5) & ((view.off < 0.6 * view.limit) | view.shadow) & smooth
    # Thin bands are the blur of an edge, not a piece of something.
    opened = cv2.morphologyEx(like.astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    count, labels = cv2.connectedComponents(opened, connectivity=4)
    near = cv2.dilate(rim.drawn(view.alpha.shape), np.ones((5, 5), np.uint8)) > 0
    hits = np.bincount(labels[near].ravel(), minlength=count)
    chosen = (hits >= _LEAST_SEED_PX) & (rim.looseness(labels, count) > _LOOSE_ROUND)
    chosen[0] = False
    return np.asarray(chosen[labels])


def pierced(view: Scene, rim: Rim) -> BoolArray:
    """Enclosed holes, and half-transparent places well inside, where the photo shows the product.

    A hole with a sharp edge in the photo all round and the backdrop's tint in it is a gap, however deep its shadow.
    """
    solid = (view.alpha > 0.5).astype(np.uint8)
    padded = np.pad(1 - solid, 1, constant_values=1)
    _, all_labels, stats, _ = cv2.connectedComponentsWithStats(padded, connectivity=4)
    areas, labels = stats[:, cv2.CC_STAT_AREA].copy(), all_labels[1:-1, 1:-1]
    areas[0] = areas[all_labels[0, 0]] = 0
    around = np.ones((2 * _GHOST_DEPTH + 1, 2 * _GHOST_DEPTH + 1), np.uint8)
    deep = cv2.erode((view.alpha > 0.1).view(np.uint8), around) > 0
    found = (view.alpha < 0.9) & deep & (view.off > view.limit) & ~view.shadow
    for label in np.argsort(areas)[::-1][:_MOST_HOLES]:
        if areas[label] >= _LEAST_HOLE:
            x, y, width, height = (int(value) for value in stats[label, :4])
            part = (
                slice(max(0, y - 1 - _HOLE_ROUND), y - 1 + height + _HOLE_ROUND),
                slice(max(0, x - 1 - _HOLE_ROUND), x - 1 + width + _HOLE_ROUND),
            )
            hole = labels[part] == label
            step = _step_into(view, part, hole)
            is_gap = step > _GAP_STEP and _is_gap(view, rim, part, hole)
            if not is_gap and _shows_product(view, part, hole, step):
                found[part] |= hole
    return np.asarray(found)


def _is_gap(view: Scene, rim: Rim, part: tuple[slice, slice], hole: BoolArray) -> bool:
    around = cv2.dilate(hole.view(np.uint8), np.ones((5, 5), np.uint8)) > 0
    spots = rim.spots - np.array([part[1].start, part[0].start])
    here = ((spots >= 0) & (spots < np.array(hole.shape[::-1]))).all(axis=1)
    own = here.copy()
    own[here] = around[spots[here, 1], spots[here, 0]]
    if int(own.sum()) < _LEAST_POINTS_ROUND or float(rim.loose[own].mean()) > _LOOSE_HOLE:
        return False
    light, tint_a, tint_b = np.median(view.source[part][hole], axis=0)
    middle = (part[0].start + hole.shape[0] // 2, part[1].start + hole.shape[1] // 2)
    ground = view.backdrop.surface[tuple(min(at // _FIT_STEP, size - 1) for at, size in
                                         zip(middle, view.backdrop.surface.shape[:2], strict=True))]  # fmt: skip
    dimming = (light + 16) / (ground[0] + 16)
    return bool(dimming < 1 and np.hypot(tint_a - dimming * ground[1], tint_b - dimming * ground[2]) < _SHADOW_CHROMA)


def _core(hole: BoolArray) -> BoolArray:
    inner = cv2.erode(hole.view(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return np.asarray(inner if inner.any() else hole)


def _step_into(view: Scene, part: tuple[slice, slice], hole: BoolArray) -> float:
    """How far the photo in the hole is from what is kept round it, Lab; endless where nothing is."""
    ring = (cv2.dilate(hole.view(np.uint8), np.ones((9, 9), np.uint8)) > 0) & (view.alpha[part] > 0.9)
    if not ring.any():
        return float("inf")
    source = view.source[part]
    return float(np.linalg.norm(np.median(source[_core(hole)], axis=0) - np.median(source[ring], axis=0)))


def _shows_product(view: Scene, part: tuple[slice, slice], hole: BoolArray, step: float) -> bool:
    """Whether the photo goes on in the hole as round it, or shows no backdrop; `hole` is within `part` of the grid."""
    if step == float("inf"):
        return False
    inner = _core(hole)
    off = float(np.median(view.off[part][inner]))
    return bool((off > view.limit and not np.median(view.shadow[part][inner])) or (off > 2.5 * step and off > 5.0))


Box = tuple[int, int, int, int]


def colour_shift(view: Scene) -> tuple[float, float, tuple[Box, ...]] | None:
    """Return the median CIEDE2000 inside the product between shipped and meant, the worst block's, and that block.

    The block is (x, y, w, h) in frame pixels. None when there is too little product to measure.
    """
    inside = cv2.erode((view.alpha > 0.98).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    rows, columns = np.nonzero(inside)
    if len(rows) < 100:
        return None
    step = max(1, len(rows) // _MOST_SAMPLES)
    rows, columns = rows[::step], columns[::step]
    off = delta_e_2000(to_lab(view.frame[rows, columns][None])[0], view.source[rows, columns])
    block = rows // _BLOCK_PX * (inside.shape[1] // _BLOCK_PX + 1) + columns // _BLOCK_PX
    numbers, counts = np.unique(block, return_counts=True)
    least = max(5, 40 // step)
    large = numbers[counts >= least]
    shift = float(np.median(off))
    if not len(large):
        return shift, shift, ()
    # All medians at once: a distance is below 1000, so that sorting by both keeps the blocks apart.
    ordered = off[np.argsort(block * 1000.0 + off)]
    starts, sizes = (np.cumsum(counts) - counts)[counts >= least], counts[counts >= least]
    medians = (ordered[starts + (sizes - 1) // 2] + ordered[starts + sizes // 2]) / 2
    across = inside.shape[1] // _BLOCK_PX + 1
    at, side = int(large[int(np.argmax(medians))]), _BLOCK_PX / view.scale
    return shift, float(medians.max()), ((int(at % across * side), int(at // across * side), int(side), int(side)),)


def likeness(view: Scene) -> float | None:
    """Return how far the result's lightness follows the photo's inside the product, -1..1; None if it is too flat."""
    rows, columns = np.nonzero(view.alpha > 0.9)
    if len(rows) < 200:
        return None
    step = max(1, len(rows) // _MOST_SAMPLES)
    rows, columns = rows[::step], columns[::step]
    first, second = to_lab(view.frame[rows, columns][None])[0, :, 0], view.source[rows, columns, 0]
    if min(first.std(), second.std()) < 2.0:
        return None
    return float(np.corrcoef(first, second)[0, 1])


def boxes(found: BoolArray, view: Scene, most: int = 8) -> tuple[tuple[int, int, int, int], ...]:
    """Return the largest connected places as (x, y, w, h) in frame pixels."""
    if not found.any():
        return ()
    count, _, stats, _ = cv2.connectedComponentsWithStats(found.astype(np.uint8), connectivity=8)
    order = [int(label) + 1 for label in np.argsort(stats[1:, cv2.CC_STAT_AREA])[::-1][:most]] if count > 1 else []
    return tuple(
        (int(x / view.scale), int(y / view.scale), int(np.ceil(w / view.scale)), int(np.ceil(h / view.scale)))
        for x, y, w, h in (stats[label, :4] for label in order)
    )


def detail_ratio(frame: RGBArray, source: RGBArray, alpha: MaskArray, view: Scene) -> tuple[float, Box] | None:
    """Return the detail of the result over the photo's, at 1:1, in the product's busiest tile, and the tile.

    None if the photo has none there.

    Detail: standard deviation of the Laplacian of the luma (Pech-Pacheco et al. 2000).
    """
    scale = view.scale
    tile = max(8, round(_TILE_PX * scale))
    kernel = np.ones((5, 5), np.uint8)
    inside = cv2.erode((view.alpha > 0.98).astype(np.uint8), kernel) > 0
    busy = np.abs(cv2.Laplacian(view.source[..., 0], cv2.CV_32F)) * inside
    spread = cv2.boxFilter(np.asarray(busy, np.float32), -1, (tile, tile), normalize=False)
    y, x = np.unravel_index(int(spread.argmax()), spread.shape)
    left, top = max(0, int(x / scale) - _TILE_PX // 2), max(0, int(y / scale) - _TILE_PX // 2)
    window = (slice(top, top + _TILE_PX), slice(left, left + _TILE_PX))
    solid = cv2.erode((alpha[window] > 0.98).astype(np.uint8), kernel) > 0
    if int(solid.sum()) < 400:
        return None
    shipped, meant = (_detail(picture[window], solid) for picture in (frame, source))
    height, width = solid.shape
    return None if meant < _LEAST_DETAIL else (shipped / meant, (left, top, width, height))


def _detail(tile: RGBArray, where: BoolArray) -> float:
    fine = np.asarray(cv2.Laplacian(cv2.cvtColor(tile, cv2.COLOR_RGB2GRAY), cv2.CV_32F), np.float32)
    return float(fine[where].std())
