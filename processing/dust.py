"""Before a cut-out is framed: is there a product, is there a backdrop, and no loose specks between them."""

from __future__ import annotations

import cv2
import numpy as np

from processing import geometry
from processing.errors import StageFailed
from processing.types import AlphaArray, Finding

_DUST_SHARE = 0.0005  # loose specks below this share of the product are removed
_LEAST_TOLD = 0.0001
_SOLID = 255


def verified(alpha: AlphaArray) -> tuple[AlphaArray, tuple[Finding, ...]]:
    """Make sure that the background can be exactly the background colour: no dust, no veil, something left to show.

    Raises StageFailed(code="nothing_cut_out" | "everything_kept").
    """
    if int(alpha.max()) < geometry.level_of(alpha, geometry.PRODUCT_FROM):
        raise StageFailed("No product was found in the picture.", code="nothing_cut_out")
    if int(alpha.min()) > 0:
        raise StageFailed("No backdrop was found: the product would fill the whole picture.", code="everything_kept")
    clean, share = _without_dust(alpha)
    if not share:
        return alpha, ()
    amount = f"{share:.2%}" if share >= _LEAST_TOLD else f"under {_LEAST_TOLD:.2%}"
    return clean, (Finding("dust_removed", "info", f"Loose specks were removed ({amount} of the product)."),)


def _without_dust(alpha: AlphaArray) -> tuple[AlphaArray, float]:
    """Clear loose specks; returns the rest and their share of the product, 0 when there were none."""
    box = geometry.product_box(alpha, 1 / _SOLID) or geometry.Box(0, 0, 1, 1)
    window = (slice(box.y0, box.y1), slice(box.x0, box.x1))
    seen = (alpha[window] > 0).view(np.uint8)
    product = max(1, cv2.countNonZero(seen))
    least = max(4.0, _DUST_SHARE * product)
    contours, tree = cv2.findContours(seen, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    clean, gone = alpha, 0
    for contour, (_, _, _, parent) in zip(contours, tree[0] if tree is not None else (), strict=True):
        if len(contours) == 1 or parent >= 0 or cv2.contourArea(contour) >= least:
            continue
        x, y, width, height = cv2.boundingRect(contour)
        part = np.zeros((height, width), np.uint8)
        cv2.drawContours(part, [contour], 0, 1, cv2.FILLED, offset=(-x, -y))
        here = (part > 0) & (seen[y : y + height, x : x + width] > 0)
        if int(here.sum()) >= least:
            continue
        clean = alpha.copy() if clean is alpha else clean
        clean[window][y : y + height, x : x + width][here] = 0
        gone += int(here.sum())
    return clean, gone / product
