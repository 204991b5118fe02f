"""Finding the 24-patch card in a photo by its lattice of even squares; no model, no marks (PRO-11)."""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np
import numpy.typing as npt

from processing import geometry
from processing.errors import InputRejected
from processing.reference_card import COLUMNS, ROWS, CardFit, CardReading, Points, fit_card, patch_centres, read_card
from processing.types import RGBArray

_SEARCH_SIDE = 1200
_LEAST_SQUARES = 12  # patches that must be seen as squares; the rest follows from the lattice
_SIDES = 0.35  # a square's sides differ by less than this share
_BLOCKS = (15, 31, 61)  # windows of the adaptive threshold, px


def find_card(rgb: RGBArray) -> tuple[CardFit, CardReading]:
    """Find the card in a photo (H, W, 3) uint8, turned any way, and fit it: the best of all placements that fit.

    Raises InputRejected(code="card_not_found") when no lattice of squares has the card's colours.
    """
    small, scale = geometry.shrunk(rgb, _SEARCH_SIDE)
    best: tuple[CardFit, CardReading] | None = None
    for squares in _families(_squares(small)):
        for corners in _placements(squares):
            try:
                reading = read_card(rgb, patch_centres(corners / scale))
                fit = fit_card(reading)
            except InputRejected:
                continue  # this placement is not the card
            if best is None or fit.mean_after < best[0].mean_after:
                best = (fit, reading)
    if best is None:
        raise InputRejected(
            "No reference card was found in the photo. Click the centres of its corner patches, or shoot it larger.",
            code="card_not_found",
        )
    return best


def _squares(rgb: RGBArray) -> npt.NDArray[np.float64]:
    """Return (N, 3): centre x, y and side in px of every even quadrilateral that is about square."""
    found = []
    for channel in cv2.split(cv2.medianBlur(rgb, 3)):
        for block in _BLOCKS:
            edges = cv2.adaptiveThreshold(channel, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, block, 4)
            for mask in (edges, cv2.bitwise_not(edges)):
                contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
                found += [square for contour in contours if (square := _as_square(np.asarray(contour, np.int32)))]
    return np.array(found, np.float64).reshape(-1, 3)


def _as_square(contour: npt.NDArray[np.int32]) -> tuple[float, float, float] | None:
    area = cv2.contourArea(contour)
    if area < 60:
        return None
    corners = cv2.approxPolyDP(contour, 0.08 * cv2.arcLength(contour, True), True)
    if len(corners) != 4 or not cv2.isContourConvex(corners):
        return None
    points = corners[:, 0].astype(np.float64)
    sides = np.hypot(*(np.roll(points, -1, axis=0) - points).T)
    if sides.min() < (1 - _SIDES) * sides.max() or area < 0.75 * float(np.prod(sides[:2])):
        return None
    x, y = points.mean(axis=0)
    return float(x), float(y), float(sides.mean())


def _families(squares: npt.NDArray[np.float64]) -> list[npt.NDArray[np.float64]]:
    """Group squares of nearly one size, each place once; the largest groups first."""
    families: list[npt.NDArray[np.float64]] = []
    for side in np.unique(np.round(np.log(squares[:, 2]) / np.log(1.25))) if len(squares) else ():
        middle = 1.25**side
        near = squares[(squares[:, 2] > middle / 1.35) & (squares[:, 2] < middle * 1.35)]
        once: list[npt.NDArray[np.float64]] = []
        for square in near[np.argsort(np.abs(near[:, 2] - middle))]:
            if all(np.hypot(*(square[:2] - other[:2])) > 0.5 * middle for other in once):
                once.append(square)
        if _LEAST_SQUARES <= len(once) <= 400:
            families.append(np.array(once))
    return sorted(families, key=len, reverse=True)[:6]


def _placements(squares: npt.NDArray[np.float64]) -> list[Points]:
    """Return the possible corner centres (4, 2) of the card: every 6 x 4 window over the lattice, all ways round."""
    cells, centres = _numbered(squares)
    if len(cells) < _LEAST_SQUARES:
        return []
    matrix, _ = cv2.findHomography(cells.astype(np.float64), centres, cv2.RANSAC, 0.2 * float(squares[:, 2].mean()))
    if matrix is None:
        return []
    low, high = cells.min(axis=0), cells.max(axis=0)
    found: list[Points] = []
    for across, down in ((COLUMNS, ROWS), (ROWS, COLUMNS)):
        for x in range(int(high[0]) - across + 1, int(low[0]) + 1):
            for y in range(int(high[1]) - down + 1, int(low[1]) + 1):
                box = np.array([(x, y), (x + across - 1, y), (x + across - 1, y + down - 1), (x, y + down - 1)], float)
                round_the_card = cv2.perspectiveTransform(box.reshape(1, -1, 2), matrix)[0].astype(np.float64)
                first = 0 if across == COLUMNS else 1
                found += [np.roll(round_the_card, -(first + turn), axis=0) for turn in (0, 2)]
    return found


def _numbered(squares: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.int64], Points]:
    """Give the squares whole lattice numbers, from neighbour to neighbour, starting in the densest place."""
    centres, side = squares[:, :2], float(np.median(squares[:, 2]))
    apart = np.hypot(*(centres[:, None] - centres[None]).transpose(2, 0, 1))
    near = (apart > 0.7 * side) & (apart < 1.9 * side)
    start = int(near.sum(axis=1).argmax())
    numbers: dict[int, tuple[int, int]] = {start: (0, 0)}
    axis = _axis(centres, near, start, apart)
    if axis is None:
        return np.zeros((0, 2), np.int64), np.zeros((0, 2))
    queue = deque([(start, axis)])
    while queue:
        here, (right, down) = queue.popleft()
        for other in np.flatnonzero(near[here]):
            step = centres[other] - centres[here]
            for unit, move, own in ((right, (1, 0), 0), (down, (0, 1), 1)):
                for sign in (1, -1):
                    if int(other) in numbers or np.hypot(*(step - sign * unit)) > 0.3 * np.hypot(*unit):
                        continue
                    x, y = numbers[here]
                    numbers[int(other)] = (x + sign * move[0], y + sign * move[1])
                    # Perspective bends the lattice slowly: each neighbour is looked for with the last step seen.
                    queue.append((int(other), (sign * step, down) if own == 0 else (right, sign * step)))
    chosen = list(numbers)
    return np.array([numbers[index] for index in chosen], np.int64), centres[chosen]


def _axis(
    centres: Points, near: npt.NDArray[np.bool_], start: int, apart: npt.NDArray[np.float64]
) -> tuple[Points, Points] | None:
    """The two steps of the lattice at `start`: to its nearest neighbour, and the shortest one about square to that."""
    order = [int(index) for index in np.argsort(apart[start]) if near[start, index]]
    if not order:
        return None
    right = centres[order[0]] - centres[start]
    for index in order[1:]:
        down = centres[index] - centres[start]
        sine = (right[0] * down[1] - right[1] * down[0]) / (np.hypot(*right) * np.hypot(*down))
        if abs(sine) > 0.8:
            return right, down if sine > 0 else -down
    return None
