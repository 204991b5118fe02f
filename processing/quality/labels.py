"""Where something is wrong, as a small picture the viewer can lay over the frame."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import numpy.typing as npt

from processing.png import encode_matte
from processing.quality.difference import delta_e_2000, to_lab
from processing.quality.outline import Outline
from processing.types import AlphaArray, RGBArray

MAP_SIDE = 256
CODES = {
    "off_white": 1, "fringe": 2, "edge_width": 3, "edge_hardness": 4, "edge_roughness": 5, "stray": 6, "thin_edge": 7,
    "halo": 8, "missing_edge": 9, "unsupported": 10, "holes": 11, "lost": 12, "colour_spot": 13, "leftover": 14,
    "specks": 15, "content": 16,
}  # fmt: skip
"""What the values of a label map stand for. Where two meet, the higher code is drawn."""
COLOUR_SIDE = 96
COLOUR_STEPS = 10
"""Values of a colour map per unit of CIEDE2000."""
_SOLID = 255


class LabelMap:
    """Collects places of a frame (height, width in px) on a map of at most `MAP_SIDE` px a side."""

    def __init__(self, shape: tuple[int, int]) -> None:
        scale = min(1.0, MAP_SIDE / max(shape))
        self._scale = scale
        self._map = np.zeros((max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))), np.uint8)

    def add_area(self, name: str, found: npt.NDArray[np.bool_]) -> None:
        """Draw an area given in any grid of the frame's shape."""
        height, width = self._map.shape
        small = cv2.resize(found.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
        self._draw(name, np.asarray(small > 0.1))

    def add_stretches(self, name: str, outline: Outline, wanted: npt.NDArray[np.bool_]) -> None:
        """Draw the stretches of the outline whose number is True in `wanted`."""
        spots = np.round(outline.points[wanted[outline.window]] * self._scale).astype(int)
        drawn = np.zeros_like(self._map)
        height, width = self._map.shape
        drawn[np.clip(spots[:, 1], 0, height - 1), np.clip(spots[:, 0], 0, width - 1)] = 1
        self._draw(name, cv2.dilate(drawn, np.ones((3, 3), np.uint8)) > 0)

    def add_boxes(self, name: str, boxes: tuple[tuple[int, int, int, int], ...]) -> None:
        """Draw (x, y, w, h) boxes given in frame pixels."""
        drawn = np.zeros_like(self._map)
        for box in boxes:
            x, y, width, height = (round(value * self._scale) for value in box)
            drawn[y : y + max(1, height) + 1, x : x + max(1, width) + 1] = 1
        self._draw(name, drawn > 0)

    def _draw(self, name: str, where: npt.NDArray[np.bool_]) -> None:
        np.maximum(self._map, np.where(where, np.uint8(CODES[name]), np.uint8(0)), out=self._map)

    def encoded(self) -> str:
        """Return the map as a base64 PNG, "" when nothing is on it."""
        return base64.b64encode(encode_matte(self._map, level=9)).decode() if self._map.any() else ""


def colour_map(frame: RGBArray, expected: RGBArray, alpha: AlphaArray) -> str:
    """Return how far the colours are off inside the product, as the text `QualityReport.colour_map` describes.

    `frame` and `expected` (H, W, 3) uint8, `alpha` (H, W) uint8, one grid. The difference is CIEDE2000 (Sharma, Wu,
    Dalal 2005) of averages, so that noise and grain don't count. "" where less than a pixel of the map is product.
    """
    height, width = alpha.shape
    step = max(1, -(-max(height, width) // COLOUR_SIDE))
    size = (max(1, width // step), max(1, height // step))
    # Whole steps are averaged five times faster; the last few px at the right and lower edge are left out for it.
    window = (slice(0, size[1] * step), slice(0, size[0] * step))
    near, meant, inside = (
        cv2.resize(each[window], size, interpolation=cv2.INTER_AREA) for each in (frame, expected, alpha)
    )
    product = inside == _SOLID
    if not product.any():
        return ""
    off = delta_e_2000(to_lab(near[product][None])[0], to_lab(meant[product][None])[0])
    drawn = np.zeros((size[1], size[0]), np.uint8)
    drawn[product] = np.clip(np.round(off * COLOUR_STEPS), 0, 255).astype(np.uint8)
    return base64.b64encode(encode_matte(drawn, level=9)).decode()


def decoded(label_map: str) -> npt.NDArray[np.uint8]:
    """Return the codes (h, w) uint8 of a label map's text; an empty array for ""."""
    if not label_map:
        return np.zeros((0, 0), np.uint8)
    data = np.frombuffer(base64.b64decode(label_map), np.uint8)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)
