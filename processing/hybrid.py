"""Cheap tool or AI provider: the seed's three questions to a picture (CLS-16; seed 000 L1501-1512).

needs_ai = it has an alpha channel, or edge density > 0.3, or background complexity > 0.5. The seed gives no formula for
the last two; these are ours, on a picture of at most 400 px. A picture whose alpha leaves something out is cut out
already and needs no AI for that (D15): `is_cut_out` says so, and the seed's answer stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from processing import codecs
from processing.geometry import quickly_shrunk
from processing.types import JsonMixin, RGBArray

EDGE_DENSITY, BACKGROUND_COMPLEXITY = 0.3, 0.5
SIDE = 400
_CANNY = (60, 150)
_DENSE = 0.25  # share of edge pixels that counts as 1: Canny's lines are one pixel wide and seldom closer than four
_BORDER = 0.08
_MIXED = 40.0  # standard deviation of the border's colours, levels of 255, that counts as 1
_ALPHA_MODES = frozenset({"RGBA", "LA", "PA", "RGBa", "La"})


@dataclass(frozen=True, slots=True)
class Difficulty(JsonMixin):
    """The three answers, what they come to, and the first of them that decided. Shares are 0..1."""

    has_alpha: bool
    edge_density: float
    background_complexity: float
    needs_ai: bool
    rule: str
    is_cut_out: bool = False


def decide(mode: str, edges: float, background: float, *, is_cut_out: bool = False) -> Difficulty:
    """Apply the seed's rule: exactly at a limit is not above it. `mode` is Pillow's ("RGB", "RGBA")."""
    has_alpha = mode in _ALPHA_MODES
    if has_alpha:
        rule = f"The picture is {mode}"
    elif edges > EDGE_DENSITY:
        rule = f"Edge density {edges:.2f} is above {EDGE_DENSITY:.2f}"
    elif background > BACKGROUND_COMPLEXITY:
        rule = f"Background complexity {background:.2f} is above {BACKGROUND_COMPLEXITY:.2f}"
    else:
        return Difficulty(False, edges, background, False, "All three are within the limits", is_cut_out)
    return Difficulty(has_alpha, edges, background, True, rule, is_cut_out)


def assess(photo: codecs.Photo) -> Difficulty:
    """Measure a decoded photo and decide."""
    small = quickly_shrunk(photo.rgb, SIDE)
    return decide(
        photo.info.mode, edge_density(small), background_complexity(small), is_cut_out=photo.alpha is not None
    )


def edge_density(small: RGBArray) -> float:
    """Return 0..1: the share of pixels on an edge (Canny 1986), 1 from a quarter of them on."""
    edges = cv2.Canny(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), *_CANNY, L2gradient=True)
    return min(1.0, cv2.countNonZero(edges) / edges.size / _DENSE)


def background_complexity(small: RGBArray) -> float:
    """Return 0..1: how mixed the colours along the frame are, an even fall of light left out.

    A plane is fitted to each channel over a border of 8 % and what it leaves is measured.
    """
    height, width = small.shape[:2]
    depth = max(1, round(_BORDER * min(height, width)))
    ring = np.ones((height, width), bool)
    ring[depth : height - depth, depth : width - depth] = False
    rows, columns = np.nonzero(ring)
    places = np.stack([np.ones(len(rows)), rows / max(1, height - 1), columns / max(1, width - 1)], axis=1)
    colours: npt.NDArray[np.float64] = small[ring].astype(np.float64)
    left = colours - places @ np.linalg.lstsq(places, colours, rcond=None)[0]
    return min(1.0, float(np.sqrt((left**2).sum(axis=1).mean())) / _MIXED)
