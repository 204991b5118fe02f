"""Small things the score found and a machine can put right: remains of shadow on the outline, gaps never opened.

The score says where (boxes of `remains` and `gaps`); here the pixels of such a place are told apart at 1:1, in the
photo's own grid, and taken off the matte. Whether that was an improvement is for the score to say again
(`is_better`): a mending that costs anything elsewhere is not taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from processing.geometry import Box, Framing
from processing.quality.difference import to_lab
from processing.quality.parts import LIMITS, PART, ramp
from processing.quality.regions import GRID_SIDE, against, shrunk
from processing.quality.score import AUTO_LINE
from processing.removal.backdrop import Backdrop, fit_backdrop
from processing.types import AlphaArray, Measure, QualityReport, RGBArray

MENDED = ("remains", "gaps")
"""Measures whose places can be mended."""
_MARGINS_PX = (64, 200, 600)  # of the photo, round a place, one after the other until a piece is seen whole
_FIT_STEP = 3
_RESTLESS = 6.0  # Lab residual of the backdrop from which colour tells nothing
_LIKE, _LIKE_SPREADS = (
    5.0,
    2.0,
)  # Lab distance within which a pixel is the backdrop itself: this, or so many spreads and 3
_STEP_L = 5.0  # lightness per 3 px that ends a place
_MOST_SHARE = 0.02  # of the product
_ALONG = ("unsupported", "stray", "specks")
_LEAST_GAIN = 5.0
_MOST_VISIBLE = 3000.0  # of `remains` or `gaps`: more is no small thing, and who took it for product must look again
_SOLID, _HALF = 255, 128
_FRINGE_PX = 4
_BLUR_PX = 8  # of the photo, within which a product's edge goes over into the shadow beside it
_STRIP_PX = 14
_CRUMB_PX = 64
_SMOOTH_PX, _SOFT_PX = 1.5, 0.7
_GONE, _PRODUCT = 1, 2
Mask = npt.NDArray[np.uint8]


def is_worth_it(quality: QualityReport) -> bool:
    """Whether mending could lift the score: something small to mend was found, and nothing else takes the points.

    What stands on the same outline (loose stretches, veil, specks) may go with it and isn't asked.
    """
    others = 1.0
    found = False
    for measure in quality.measures:
        if measure.passed is not False or measure.part != "edge":
            continue
        if measure.name in MENDED:
            found = True
            others *= measure.value <= _MOST_VISIBLE
        elif measure.name not in _ALONG:
            others *= ramp(measure.value, *LIMITS[measure.name])
    return found and PART * others - quality.edge >= _LEAST_GAIN


def places_of(quality: QualityReport, framing: Framing) -> list[Box]:
    """Return where the score found something to mend, in px of the photo; [] when there is nothing."""
    sx, _, tx, _, sy, ty = framing.matrix
    found = []
    for measure in quality.measures:
        if measure.name in MENDED and measure.passed is False:
            for x, y, width, height in measure.where:
                left, top = (x - tx) / sx, (y - ty) / sy
                found.append(Box(int(left), int(top), int(left + width / sx) + 1, int(top + height / sy) + 1))
    return found


def mended(rgb: RGBArray, alpha: AlphaArray, places: Iterable[Box]) -> AlphaArray | None:
    """Return the matte (H, W) uint8 without the backdrop or shadow kept at `places`; None where nothing can be told.

    `rgb` (H, W, 3) uint8 is the photo. A place that goes on beyond its surroundings, or is large, is left alone.
    """
    step = max(1, round(max(alpha.shape) / GRID_SIDE)) * _FIT_STEP
    backdrop = fit_backdrop(to_lab(shrunk(rgb, step)))
    if backdrop.spread >= _RESTLESS:
        return None
    result, most = alpha, _MOST_SHARE * cv2.countNonZero(alpha)
    for place in places:
        for margin in _MARGINS_PX:
            window = _window(place, margin, alpha.shape)
            piece = _piece(rgb, result[window], place, window, backdrop, alpha.shape)
            if piece is not None:
                break
        if piece is None or cv2.countNonZero(piece) > most:
            continue
        result = result.copy() if result is alpha else result
        result[window] = _without(result[window], piece)
    return None if result is alpha else result


def told(places: Sequence[Box], framing: Framing) -> Measure:
    """Return what was mended as a measure that costs nothing, its boxes in px of the frame: who looks must find it."""
    sx, _, tx, _, sy, ty = framing.matrix
    boxes = [
        (round(place.x0 * sx + tx), round(place.y0 * sy + ty), round(place.width * sx), round(place.height * sy))
        for place in places
    ]
    return Measure("mended", float(len(boxes)), "", "info", where=tuple(boxes))


def is_better(now: QualityReport, before: QualityReport) -> bool:
    """Whether a mended result scores more, reaches the line, and nothing fails in it that did not fail before.

    Where it stays below, what was taken off was not what was wrong: of two such photos product had been taken.
    """
    if now.total < AUTO_LINE:
        return False
    failed = {measure.name for measure in before.measures if measure.passed is False}
    shut = {gate.code for gate in before.gates if not gate.passed}
    is_clean = all(gate.passed or gate.code in shut for gate in now.gates) and all(
        measure.passed is not False or measure.name in failed for measure in now.measures
    )
    return is_clean and now.total > before.total


def _window(place: Box, least: int, shape: tuple[int, ...]) -> tuple[slice, slice]:
    margin = max(least, place.longest)
    rows = slice(max(0, place.y0 - margin), min(shape[0], place.y1 + margin))
    return rows, slice(max(0, place.x0 - margin), min(shape[1], place.x1 + margin))


def _piece(
    rgb: RGBArray,
    alpha: AlphaArray,
    place: Box,
    window: tuple[slice, slice],
    backdrop: Backdrop,
    shape: tuple[int, ...],
) -> Mask | None:
    """Return what of the window is kept backdrop or shadow and hangs together with `place`; None: it can't be told.

    `alpha` is the window's.
    """
    lab = to_lab(np.asarray(cv2.blur(rgb[window], (3, 3)), np.uint8))
    off, shadow = against(lab, _ground(backdrop, window, shape), backdrop.spread)
    change = cv2.morphologyEx(lab[..., 0], cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    near = max(_LIKE, _LIKE_SPREADS * backdrop.spread + 3)
    coloured = ((off < near) | shadow) & (alpha >= _HALF)
    like = coloured & (change < _STEP_L)
    opened = cv2.morphologyEx(like.view(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
    top, left = place.y0 - window[0].start, place.x0 - window[1].start
    inside = labels[max(0, top) : top + place.height, max(0, left) : left + place.width]
    chosen = [label for label in np.unique(inside) if label and _is_whole(stats[label], alpha.shape)]
    if not chosen:
        return None
    return _to_the_edge(rgb[window], alpha, np.isin(labels, chosen).astype(np.uint8), coloured.view(np.uint8))


def _to_the_edge(rgb: RGBArray, alpha: AlphaArray, piece: Mask, coloured: Mask) -> Mask | None:
    """Return `piece` grown to the steepest step between it and the product: by colour it ends where a blur begins.

    And along the outline as far as a strip of the same goes on that is too thin to be found by itself: `coloured` says
    where the photo may show backdrop or shadow; None where it goes on beyond the window. Watershed from markers (Meyer,
    "Topographic distance and watershed lines", Signal Processing 38, 1994).
    """
    kept = alpha >= _HALF
    strips = coloured & _grown((~kept).view(np.uint8), _STRIP_PX)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(strips, connectivity=8)
    joined = [label for label in np.unique(labels[_grown(piece, 3) > 0]) if label]
    if not all(_is_whole(stats[label], alpha.shape) for label in joined):
        return None
    beside = _grown(np.isin(labels, joined).astype(np.uint8), 3) > 0
    unknown = ((_grown(piece, _BLUR_PX) > 0) | beside) & (piece == 0) & kept
    markers = np.where(kept, _PRODUCT, _GONE).astype(np.int32)
    markers[piece > 0] = _GONE
    markers[unknown] = 0
    found = cv2.watershed(np.ascontiguousarray(rgb), markers)
    # The line between two floods, a px wide, lies on the product's side of a step and stays.
    grown = ((found == _GONE) & kept).astype(np.uint8)
    rest = (kept & (grown == 0)).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(rest, connectivity=4)
    crumbs = np.flatnonzero(stats[:, cv2.CC_STAT_AREA] < _CRUMB_PX)
    grown[np.isin(labels, crumbs[crumbs > 0]) & unknown] = 1
    return np.asarray(grown, np.uint8)


def _grown(mask: Mask, px: int) -> Mask:
    return np.asarray(cv2.dilate(mask, np.ones((2 * px + 1, 2 * px + 1), np.uint8)), np.uint8)


def _is_whole(stats: npt.NDArray[np.int32], shape: tuple[int, ...]) -> bool:
    """Whether a piece ends within its window."""
    x, y, width, height, _ = (int(value) for value in stats)
    return x > 0 and y > 0 and x + width < shape[1] and y + height < shape[0]


def _ground(backdrop: Backdrop, window: tuple[slice, slice], shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    surface = backdrop.surface
    down, across = surface.shape[0] / shape[0], surface.shape[1] / shape[1]
    rows, columns = window
    matrix = np.array(
        [[across, 0, (columns.start + 0.5) * across - 0.5], [0, down, (rows.start + 0.5) * down - 0.5]], np.float64
    )
    size = (columns.stop - columns.start, rows.stop - rows.start)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    found = cv2.warpAffine(surface, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float32)


def _without(alpha: AlphaArray, piece: Mask) -> AlphaArray:
    """Return the window's matte without `piece` and the soft fringe that was its own; the new edge is a px wide."""
    rest = ((alpha >= _HALF) & (piece == 0)).astype(np.uint8)
    # The blur between piece and product belongs to neither; half of it goes with the piece.
    reached = cv2.dilate(piece, np.ones((3, 3), np.uint8))
    core = cv2.morphologyEx(rest, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) * np.uint8(_SOLID)
    # A watershed runs along px: smoothed as a drawn line would be, then as soft as a lens makes an edge.
    smooth = cv2.GaussianBlur(core, (0, 0), _SMOOTH_PX) >= _HALF
    kept = np.asarray(cv2.GaussianBlur(smooth.view(np.uint8) * np.uint8(_SOLID), (0, 0), _SOFT_PX), np.uint8)
    around = cv2.dilate(reached, np.ones((2 * _FRINGE_PX + 1, 2 * _FRINGE_PX + 1), np.uint8)) > 0
    return np.where(around, np.minimum(alpha, kept), alpha)
