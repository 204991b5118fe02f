"""Gaps of the product that were never opened: backdrop seen through it, kept as if it were product.

Such a place has no outline, so nothing along the outline shows it. What tells it from a pale part of the product is
that it is the backdrop's own colour at that very place, as even as it is, with product all round. A printed label that
happens to have that colour is taken for a gap: so gaps cost points, and no gate falls for them.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from processing.quality.difference import to_lab
from processing.quality.regions import Box, Scene

_LIKE, _LIKE_SPREADS = 3.0, 2.0  # Lab distance within which a pixel may be backdrop: this, or so many spreads and 2
_LEAST_PX = 15  # of the scene's grid, about 500 px a side
_MOST_PIECES = 8
_SAME = 0.75  # Lab distance of the mean colour from the backdrop's at the place
_EVEN = 1.0
_PRODUCT_ROUND, _OPEN_ROUND = 0.85, 0.1
_PLAIN_CONTRAST = 15.0
_FAINTEST = 3.0
_WHITE_L = 100.0
_CLEAR = 0.02
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Gaps:
    """`visible` px of the frame weighed by contrast as for remains; `boxes` (x, y, w, h) in frame px, the most visible
    first; `found` (h, w) where they are on the scene's grid."""

    visible: float
    boxes: tuple[Box, ...]
    found: BoolArray


def gaps(scene: Scene) -> Gaps | None:
    """Find kept backdrop that the product encloses. None where the backdrop is too restless to tell."""
    if not scene.is_plain:
        return None
    found = np.zeros(scene.alpha.shape, bool)
    near = max(_LIKE, _LIKE_SPREADS * scene.backdrop.spread + 2)
    like = ((scene.alpha > 0.9) & (scene.off < near)).view(np.uint8)
    opened = cv2.morphologyEx(like, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
    weights: dict[Box, float] = {}
    for label in np.argsort(-stats[1:, cv2.CC_STAT_AREA])[:_MOST_PIECES] + 1:
        if stats[label, cv2.CC_STAT_AREA] < _LEAST_PX:
            break
        x, y, width, height = (int(value) for value in stats[label, :4])
        part = (slice(max(0, y - 5), y + height + 5), slice(max(0, x - 5), x + width + 5))
        piece = labels[part] == label
        if _is_enclosed(scene, part, piece) and _is_backdrop(scene, part, piece):
            found[part] |= piece
            side = 1 / scene.scale
            box = (int(x * side), int(y * side), int(width * side), int(height * side))
            weights[box] = float(piece.sum()) * side**2 * _contrast(scene, part, piece)
    boxes = tuple(sorted((box for box, weight in weights.items() if weight), key=lambda box: -weights[box]))
    return Gaps(float(sum(weights.values())), boxes, found)


def _is_enclosed(scene: Scene, part: tuple[slice, slice], piece: BoolArray) -> bool:
    mask = piece.view(np.uint8)
    ring = (cv2.dilate(mask, np.ones((7, 7), np.uint8)) > 0) & (cv2.dilate(mask, np.ones((5, 5), np.uint8)) == 0)
    if not ring.any():
        return False
    alpha, off = scene.alpha[part][ring], scene.off[part][ring]
    return bool(((alpha > 0.9) & (off > scene.limit)).mean() > _PRODUCT_ROUND and (alpha < 0.5).mean() < _OPEN_ROUND)


def _is_backdrop(scene: Scene, part: tuple[slice, slice], piece: BoolArray) -> bool:
    inner = cv2.erode(piece.view(np.uint8), np.ones((3, 3), np.uint8)) > 0
    inner = inner if inner.sum() >= 4 else piece
    rows, columns = np.nonzero(inner)
    surface = scene.backdrop.surface
    down = np.minimum((rows + part[0].start) * surface.shape[0] // scene.alpha.shape[0], surface.shape[0] - 1)
    across = np.minimum((columns + part[1].start) * surface.shape[1] // scene.alpha.shape[1], surface.shape[1] - 1)
    colours = scene.source[part][inner]
    apart = float(np.linalg.norm((colours - surface[down, across]).mean(axis=0)))
    return apart <= _SAME and float(colours.std(axis=0).max()) <= _EVEN


def _contrast(scene: Scene, part: tuple[slice, slice], piece: BoolArray) -> float:
    """How the gap stands out of the new ground, in units of a Lab distance of 15; 0 where nobody sees it."""
    clear = scene.frame[::2, ::2][(scene.alpha < _CLEAR)[::2, ::2]]
    ground = np.median(to_lab(clear[None])[0], axis=0) if len(clear) else np.array([_WHITE_L, 0, 0])
    shipped = to_lab(np.ascontiguousarray(scene.frame[part])[piece][None])[0].mean(axis=0)
    apart = float(np.linalg.norm(shipped - ground))
    return apart / _PLAIN_CONTRAST if apart >= _FAINTEST else 0.0
