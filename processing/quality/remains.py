"""Small remains of shadow or backdrop on the outline, weighed by how they stand out at 1:1 and not by area alone.

A share of the frame says nothing about a strip of shadow between two chair legs: at 2000 px it takes 0.1 % of the frame
and everybody sees it. So a region counts by px times contrast, 36 px of a Lab distance of 15 being the unit at which a
person sees it. Only places where the photo fades under the outline are read, at about 1000 px a side.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from processing.quality.difference import LabArray, to_lab
from processing.quality.edges import EdgeView
from processing.quality.outline import FloatArray
from processing.quality.regions import Box, Scene, against, shrunk
from processing.types import MaskArray, RGBArray

_SIDE = 1000
_INSIDE_PX = 4
_CELLS = 125  # a side; places on the outline in cells that touch are looked at in one window
_MOST_WINDOWS = 12
_MOST_SHARE = 0.03  # a window above this share of the frame holds no small thing,
_MOST_IN_ALL = 0.06  # and more than this share isn't looked at, for the time it takes
_SMOOTH_L = 8.0
_LEAST_POINTS = 3
_LEAST_RAGGED_POINTS = 12  # corners of a short outline make it look ragged
_FADED_ROUND = 0.5
_LEAST_FREE = 0.7  # share of its border that is outline: else it is a part of the product
_LEAST_FREE_RAGGED = 0.55  # where the matte found nothing to follow it is ragged: such a rest may lie along a base
_RAGGED_PX = 0.6  # rms of how far the contour strays from its smoothed self; along an edge of the photo below 0.4
_LEAST_SIDE_PX = 6
_PLAIN_CONTRAST = 15.0
_FAINTEST = 5.0
_WHITE_L = 100.0
_CLEAR = 0.02


@dataclass(frozen=True, slots=True)
class Remains:
    """`visible` px weighed by contrast: 36 = 6 x 6 px at a Lab distance of 15 from the new ground; `boxes` (x, y, w, h)
    in frame px, the most visible first."""

    visible: float
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class _Window:
    """A part of the frame: `top`, `left` and `step` in frame px; `matte` and `kept` (h, w): where it is what the photo
    shows as backdrop or shadow."""

    top: int
    left: int
    step: int
    matte: MaskArray
    kept: npt.NDArray[np.uint8]


def remains(view: EdgeView, scene: Scene, source: RGBArray, frame: RGBArray, alpha: MaskArray) -> Remains | None:
    """Find kept pieces of shadow or backdrop: smooth, of their colour, and nearly all round without an edge.

    All in one grid (H, W[, 3]). None where the backdrop is too restless to tell by colour. A dark base that fades into
    its own contact shadow along one side is none: too little of its border is outline.
    """
    if not scene.is_plain:
        return None
    found: dict[Box, float] = {}
    for rows, columns in _places(_suspects(view, scene), alpha.shape):
        window = _window(rows, columns, scene, source, alpha)
        if window is not None:
            found |= _pieces(window, view, frame[rows, columns])
    boxes = sorted(found, key=lambda box: -found[box])
    return Remains(float(sum(found.values())), tuple(boxes))


def _suspects(view: EdgeView, scene: Scene) -> FloatArray:
    """Return the faded outline points (N, 2), frame px, that have the backdrop's colour or its shadow's inside."""
    line = view.outline
    inside = ((line.points - _INSIDE_PX * line.normals)[view.faded] * scene.scale).astype(int)
    height, width = scene.alpha.shape
    x, y = np.clip(inside[:, 0], 0, width - 1), np.clip(inside[:, 1], 0, height - 1)
    return np.asarray(line.points[view.faded][scene.shadow[y, x] | (scene.off[y, x] < scene.limit)])


def _places(spots: FloatArray, shape: tuple[int, ...]) -> list[tuple[slice, slice]]:
    """Return windows (rows, columns) round gatherings of outline points, the largest gatherings first."""
    if len(spots) < _LEAST_POINTS:
        return []
    cell = max(4, round(max(shape) / _CELLS))
    cells = np.zeros((shape[0] // cell + 1, shape[1] // cell + 1), np.uint8)
    across, down = (np.clip(spots[:, axis] // cell, 0, cells.shape[1 - axis] - 1).astype(int) for axis in (0, 1))
    cells[down, across] = 1
    joined = cv2.dilate(cells, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    points = np.bincount(labels[down, across], minlength=count)
    chosen = [label for label in np.argsort(-points)[:_MOST_WINDOWS] if points[label] >= _LEAST_POINTS]
    found, left = [], _MOST_IN_ALL * shape[0] * shape[1]
    for label in chosen:
        x, y, width, height = (int(value) * cell for value in stats[label, :4])
        rows = slice(max(0, y - cell), min(shape[0], y + height + cell))
        columns = slice(max(0, x - cell), min(shape[1], x + width + cell))
        area = (rows.stop - rows.start) * (columns.stop - columns.start)
        if area < min(left, _MOST_SHARE * shape[0] * shape[1]):
            found.append((rows, columns))
            left -= area
    return found


def _window(rows: slice, columns: slice, scene: Scene, source: RGBArray, alpha: MaskArray) -> _Window | None:
    """Read one part of the picture; None where nothing in it is kept backdrop."""
    step = max(1, round(max(alpha.shape) / _SIDE))
    matte = shrunk(alpha[rows, columns], step)
    lab = to_lab(shrunk(source[rows, columns], step))
    ground = _ground(scene, rows.start, columns.start, step, alpha.shape, matte.shape)
    off, shadow = against(lab, ground, scene.backdrop.spread)
    change = cv2.morphologyEx(lab[..., 0], cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    like = (matte > 0.5) & ((off < 0.6 * scene.limit) | shadow) & (change < _SMOOTH_L)
    kept = cv2.morphologyEx(like.view(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return _Window(rows.start, columns.start, step, matte, np.asarray(kept, np.uint8)) if kept.any() else None


def _ground(scene: Scene, top: int, left: int, step: int, whole: tuple[int, ...], size: tuple[int, ...]) -> LabArray:
    """Return the scene's backdrop under a window of `size` (h, w) that begins at `top`, `left` of the frame `whole`."""
    surface = scene.backdrop.surface
    across, down = surface.shape[1] / whole[1], surface.shape[0] / whole[0]
    matrix = np.array(
        [[step * across, 0, (left + step / 2) * across - 0.5], [0, step * down, (top + step / 2) * down - 0.5]]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    ground = cv2.warpAffine(surface, matrix, (size[1], size[0]), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(ground, np.float32)


def _pieces(window: _Window, view: EdgeView, frame: RGBArray) -> dict[Box, float]:
    """Return the remains in one window with their weight; `frame` is the result there."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(window.kept, connectivity=4, ltype=cv2.CV_16U)
    spots = np.floor((view.outline.points - np.array([window.left, window.top])) / window.step).astype(int)
    height, width = window.kept.shape
    here = (spots[:, 0] >= 0) & (spots[:, 0] < width) & (spots[:, 1] >= 0) & (spots[:, 1] < height)
    reached = cv2.dilate(labels, np.ones((7, 7), np.uint8))
    nearest = reached[spots[here, 1], spots[here, 0]]
    points = np.bincount(nearest, minlength=count)
    faded = np.bincount(nearest, weights=view.faded[here], minlength=count)
    stray = np.bincount(nearest, weights=view.outline.jitter[here] ** 2, minlength=count)
    spacing = view.outline.length_px / len(view.outline) / window.step
    area = stats[:, cv2.CC_STAT_AREA] * window.step**2
    sides = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].min(axis=1) * window.step
    likely = (points >= _LEAST_POINTS) & (faded > _FADED_ROUND * points) & (sides >= _LEAST_SIDE_PX)
    found: dict[Box, float] = {}
    for label in np.flatnonzero(likely[1:]) + 1:
        x, y, across, down = (int(value) for value in stats[label, :4])
        if x == 0 or y == 0 or x + across == width or y + down == height:
            continue  # goes on beyond the window: a part of the product
        piece = (labels[y : y + down, x : x + across] == label).view(np.uint8)
        ragged = points[label] >= _LEAST_RAGGED_POINTS and stray[label] > _RAGGED_PX**2 * points[label]
        if points[label] * spacing < (_LEAST_FREE_RAGGED if ragged else _LEAST_FREE) * _border(piece):
            continue
        weight = area[label] * _contrast(window, frame, piece, (slice(y, y + down), slice(x, x + across)))
        if weight:
            left, top = window.left + x * window.step, window.top + y * window.step
            found[(left, top, across * window.step, down * window.step)] = float(weight)
    return found


def _border(piece: npt.NDArray[np.uint8]) -> int:
    contours, _ = cv2.findContours(piece, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return max(len(contour) for contour in contours)


def _contrast(window: _Window, frame: RGBArray, piece: npt.NDArray[np.uint8], part: tuple[slice, slice]) -> float:
    """How a piece stands out of the new ground, in units of a Lab distance of 15; 0 where nobody sees it."""
    shipped = to_lab(shrunk(frame, window.step))
    clear = shipped[window.matte < _CLEAR]
    ground = np.median(clear, axis=0) if len(clear) else np.array([_WHITE_L, 0, 0])
    mean = float(np.linalg.norm(shipped[part][piece > 0] - ground, axis=1).mean())
    return mean / _PLAIN_CONTRAST if mean >= _FAINTEST else 0.0
