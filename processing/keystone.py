"""Upright verticals and a standard ratio for photos of rooms and buildings (PRO-27).

A camera held up or down makes verticals meet in a point. The point is found from the photo's own straight lines, the
photo is turned about its horizon until it lies at infinity straight above, and the largest picture of the wanted ratio
is cut from what is left: no corner is made up.

Lines: R. Grompone von Gioi, J. Jakubowicz, J.-M. Morel, G. Randall, "LSD: a fast line segment detector with a false
detection control", IEEE TPAMI 32 (2010). Lens: the radial terms of D. C. Brown (1966).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from processing.errors import InputRejected, StageFailed
from processing.geometry import quickly_shrunk
from processing.types import RGBArray

FloatArray = npt.NDArray[np.float64]
_SIDE = 1200
_STEEP_DEG = 20.0  # lines further from upright are no verticals
_SHORTEST = 0.04  # of the longest side
_LEAST_LENGTH = 1.0  # verticals must add up to this many times the picture's height
_ROUNDS = 30
_AGREE = 0.004  # sine of the angle between a line and the point's direction at which a line counts half
_STRONGEST = 0.45  # how much of the height may be lost at an edge; beyond, the guess is no keystone


@dataclass(frozen=True, slots=True)
class Upright:
    """The corrected `rgb` (h, w, 3) uint8; `matrix` (3, 3) takes the photo's pixels to it; `tilt_deg`: how far the
    photo's verticals leaned at its left and right edge, at most."""

    rgb: RGBArray
    matrix: FloatArray
    tilt_deg: float


def undistorted(rgb: RGBArray, k1: float, k2: float = 0.0) -> RGBArray:
    """Take out radial distortion: `k1`, `k2` of the lens for radii in half diagonals; below 0 barrel, above pincushion.

    Raises InputRejected(code="invalid_parameter") for terms beyond 0.5.
    """
    if not (abs(k1) <= 0.5 and abs(k2) <= 0.5):
        raise InputRejected(f"Lens terms of {k1:g} and {k2:g}; each is -0.5 to 0.5.", code="invalid_parameter")
    height, width = rgb.shape[:2]
    half = math.hypot(width, height) / 2
    camera = np.array([[half, 0, (width - 1) / 2], [0, half, (height - 1) / 2], [0, 0, 1]])
    return np.asarray(cv2.undistort(rgb, camera, np.array([k1, k2, 0.0, 0.0])), np.uint8)


def straighten(rgb: RGBArray, ratio: tuple[int, int] = (4, 3)) -> Upright:
    """Return the photo with upright verticals, cut to `ratio` (width, height) exactly, never enlarged.

    Raises StageFailed(code="no_verticals") where too few lines are seen or they agree on no keystone, and
    InputRejected(code="invalid_parameter") for a ratio outside 1:4 to 4:1.
    """
    if not (min(ratio) >= 1 and 0.25 <= ratio[0] / ratio[1] <= 4.0):
        raise InputRejected(f"{ratio[0]}:{ratio[1]} is no ratio; 1:4 to 4:1 are taken.", code="invalid_parameter")
    small = quickly_shrunk(rgb, _SIDE)
    height, width = rgb.shape[:2]
    scale = small.shape[1] / width
    lines = _verticals(small)
    if not len(lines) or _lengths(lines).sum() < _LEAST_LENGTH * small.shape[0]:
        raise StageFailed("Too few straight verticals are seen to turn the photo by.", code="no_verticals")
    meeting = _meeting_point(lines, small.shape[1], small.shape[0])
    middle = np.array([[1, 0, -(width - 1) / 2], [0, 1, -(height - 1) / 2], [0, 0, 1]])
    turned = _to_infinity(meeting * np.array([1, 1, scale])) @ middle
    corners = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], np.float64)
    quad = _moved(corners, turned)
    if not np.isfinite(quad).all() or not cv2.isContourConvex(quad.astype(np.float32)):
        raise StageFailed("The lines agree on no keystone that can be taken out.", code="no_verticals")
    return _cut(rgb, turned, quad, ratio, _tilt(meeting, small.shape[1]))


def _verticals(small: RGBArray) -> FloatArray:
    """Return (N, 4): x, y of both ends, px from the middle of the picture."""
    found = cv2.createLineSegmentDetector().detect(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))[0]
    if found is None:
        return np.zeros((0, 4))
    height, width = small.shape[:2]
    lines = found.reshape(-1, 4).astype(np.float64) - np.array([width - 1, height - 1] * 2) / 2
    along = np.abs(lines[:, 2:] - lines[:, :2])
    is_steep = along[:, 0] <= math.tan(math.radians(_STEEP_DEG)) * along[:, 1]
    return np.asarray(lines[is_steep & (_lengths(lines) >= _SHORTEST * max(small.shape[:2]))])


def _lengths(lines: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.norm(lines[:, 2:] - lines[:, :2], axis=1))


def _meeting_point(lines: FloatArray, width: int, height: int) -> FloatArray:
    """Return (x, y, w) homogeneous where the lines meet, px of the reduced picture from its middle.

    Least squares of the sines between each line and the direction to the point, reweighted (Geman, McClure 1985), so
    that rails and roofs, which meet elsewhere, lose their say.
    """
    unit = float(max(width, height))
    ends = lines / unit
    middles, along = (ends[:, :2] + ends[:, 2:]) / 2, ends[:, 2:] - ends[:, :2]
    along = along / np.linalg.norm(along, axis=1, keepdims=True)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    rows = np.concatenate([across, -(across * middles).sum(axis=1, keepdims=True)], axis=1)
    weight, point = _lengths(ends), np.array([0.0, 1.0, 0.0])
    for turn in range(_ROUNDS):
        reach = _AGREE * max(1.0, 20.0 * 0.8**turn)
        toward = point[:2] - middles * point[2]
        size = np.maximum(np.linalg.norm(toward, axis=1), 1e-9)
        sines = (across * toward).sum(axis=1) / size
        say = weight * (reach**2 / (reach**2 + sines**2)) ** 2
        _, _, axes = np.linalg.svd(rows * np.sqrt(say / size)[:, None] if turn else rows * np.sqrt(say)[:, None])
        point = axes[-1] if axes[-1][1] >= 0 else -axes[-1]
    return np.asarray(point * np.array([unit, unit, 1.0]))


def _to_infinity(meeting: FloatArray) -> FloatArray:
    """Return the homography (3, 3) about the picture's middle that sends the point straight up; the horizon stays."""
    x, y, w = meeting
    if abs(y) < 1e-9:
        raise StageFailed("The lines agree on no keystone that can be taken out.", code="no_verticals")
    return np.array([[1.0, -x / y, 0.0], [0.0, 1.0, 0.0], [0.0, -w / y, 1.0]])


def _tilt(meeting: FloatArray, width: int) -> float:
    x, y, w = meeting
    leans = [math.degrees(math.atan2(abs(x - side * w * width / 2), abs(y))) for side in (-1, 1)]
    return max(leans)


def _moved(points: FloatArray, matrix: FloatArray) -> FloatArray:
    seen = np.concatenate([points, np.ones((len(points), 1))], axis=1) @ matrix.T
    if (seen[:, 2] < _STRONGEST).any():
        return np.full((len(points), 2), np.nan)
    return np.asarray(seen[:, :2] / seen[:, 2:])


def _cut(rgb: RGBArray, turned: FloatArray, quad: FloatArray, ratio: tuple[int, int], tilt: float) -> Upright:
    """Cut the largest upright rectangle of `ratio` out of the turned photo, its middle near the photo's."""
    share = math.gcd(*ratio)
    across, down = ratio[0] // share, ratio[1] // share
    best, left, top = 0.0, 0.0, 0.0
    low, high = quad.min(axis=0), quad.max(axis=0)
    for middle_x in np.linspace(low[0], high[0], 41):
        for middle_y in np.linspace(low[1], high[1], 41):
            units = _largest(quad, (float(middle_x), float(middle_y)), across, down)
            if units > best:
                best, left, top = units, middle_x - units * across / 2, middle_y - units * down / 2
    steps = int(best)
    if steps < 1:
        raise StageFailed("Nothing of that ratio is left of the turned photo.", code="no_verticals")
    matrix = np.array([[1.0, 0, -left], [0, 1.0, -top], [0, 0, 1.0]]) @ turned
    size = (steps * across, steps * down)
    picture = cv2.warpPerspective(rgb, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return Upright(np.asarray(picture, np.uint8), matrix, tilt)


def _largest(quad: FloatArray, middle: tuple[float, float], across: int, down: int) -> float:
    """Return how many times across x down fits round `middle` into the convex `quad` (4, 2), clockwise."""
    most = math.inf
    for here, there in zip(quad, np.roll(quad, -1, axis=0), strict=True):
        inwards = np.array([-(there[1] - here[1]), there[0] - here[0]])
        room = float(inwards @ (np.array(middle) - here))
        need = abs(inwards[0]) * across / 2 + abs(inwards[1]) * down / 2
        most = min(most, room / need)
    return most
