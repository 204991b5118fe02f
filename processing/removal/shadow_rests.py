"""What a flood leaves of a cast shadow: strips that its own penumbra closes off, beside thin legs and under handles.

A flood over the backdrop is stopped by edges, and the rim of a shadow near its caster is as steep as a faint product's.
Seen as a whole a rest tells itself: it has the backdrop's tint, is darker and even, lies free of the product nearly all
round, and ends softly for how dark it is.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

_MOST_DIMMED = 0.3  # a product with more of the backdrop's tint than this is white or grey itself: nothing is dropped
_EVEN_L = 6.0  # lightness per px
_LEAST_PX = 8
_MOST_SHARE = 0.03
_LEAST_FREE = 0.6
_MOST_STEEP = 0.15  # lightness per px along the rim, as a share of how much darker the rest is
_REACH = 3
_RIM = 6  # px of about 512
_UNLIKELY = 0.3


def without_shadow_rests(product: BoolArray, dimmed: BoolArray, darker: FloatArray, gradient: FloatArray) -> BoolArray:
    """Return `product` (h, w) without rests of shadow; about 512 px a side.

    `dimmed` (h, w): of the backdrop's tint and no brighter; `darker` (h, w): by how many L*; `gradient` (h, w): L* per
    px. Pictures whose product is mostly of that tint are left alone.
    """
    inside = product & dimmed
    whole = int(np.count_nonzero(product))
    if not whole or np.count_nonzero(inside) > _MOST_DIMMED * whole:
        return product
    even = (inside & (gradient < _EVEN_L)).view(np.uint8)
    opened = cv2.morphologyEx(even, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
    kept = product
    for label in range(1, count):
        if not _LEAST_PX <= stats[label, cv2.CC_STAT_AREA] <= _MOST_SHARE * whole:
            continue
        x, y, width, height = (int(value) for value in stats[label, :4])
        if min(x, y, product.shape[1] - x - width, product.shape[0] - y - height) <= _REACH:
            continue  # what runs out of the picture can't be seen as a whole
        part = (
            slice(max(0, y - 2 * _REACH), y + height + 2 * _REACH),
            slice(max(0, x - 2 * _REACH), x + width + 2 * _REACH),
        )
        piece = (labels[part] == label).view(np.uint8)
        if _is_rest(piece, product[part], darker[part], gradient[part]):
            kept = product.copy() if kept is product else kept
            kept[part] &= ~((_grown(piece, _REACH) > 0) & dimmed[part])
    return kept


def without_contact_shadow(product: BoolArray, shadow: BoolArray, probability: FloatArray) -> BoolArray:
    """Return `product` (h, w) without the dark rim of shadow that touches it, where a second opinion sees none of it.

    Near the product a contact shadow is as dark as a base, and its steep side looks like an edge: colours alone can't
    tell. `shadow` (h, w): of the backdrop's tint, clearly darker and even; `probability` (h, w) 0..1: the network's, on
    a grid too coarse to draw the line by, but fine enough to know on which side of it something lies.
    """
    inner = cv2.erode(product.view(np.uint8), np.ones((2 * _RIM + 1, 2 * _RIM + 1), np.uint8))
    doubted = product & (inner == 0) & shadow & (probability < _UNLIKELY)
    doubted = cv2.morphologyEx(doubted.view(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)) > 0
    if not doubted.any():
        return product
    _, labels = cv2.connectedComponents((doubted | ~product).view(np.uint8), connectivity=4)
    outside = np.unique(labels[~product])
    return np.asarray(product & ~(doubted & np.isin(labels, outside)))


def _is_rest(piece: npt.NDArray[np.uint8], product: BoolArray, darker: FloatArray, gradient: FloatArray) -> bool:
    """Whether a `piece` lies free of the product and ends softly; all of one window (h, w)."""
    near = _grown(piece, _REACH - 1)
    around = (_grown(piece, _REACH) > 0) & (near == 0)
    if not around.any() or float((~product[around]).mean()) < _LEAST_FREE:
        return False
    rim = (near > 0) & (piece == 0) & (_grown((~product).view(np.uint8), 2) > 0)
    if not rim.any():
        return False
    depth = max(1.0, float(np.percentile(darker[piece > 0], 75)))
    return float(np.median(gradient[rim])) < _MOST_STEEP * depth


def _grown(mask: npt.NDArray[np.uint8], px: int) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.dilate(mask, np.ones((2 * px + 1, 2 * px + 1), np.uint8)), np.uint8)
