"""Alpha from two local colours: where a pixel lies on the line from the backdrop's colour to the product's.

The compositing equation I = a F + (1 - a) B (Porter, Duff 1984) solved per pixel for a, with F and B taken as local
means of what is surely product and surely backdrop near by: Ruzon and Tomasi's idea ("Alpha Estimation in Natural
Images", 2000) with one colour on each side, which is what a narrow band leaves.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from processing.geometry import marked_pixels
from processing.types import AlphaArray, RGBArray

FloatArray = npt.NDArray[np.float32]

_HALF = 0.5
_MIDDLE, _WHOLE = 128, 255
_WHOLE_F = np.float32(255)
_NOISE = 0.15
"""Placed alphas this near to an end are that end: grain and lens blur reach that far into both sides."""
_RING = 1.5  # box for local means, in reaches
_FAR = 4  # how much wider the second mean is, where the near one is empty
_KNOWN = 1e-3  # mean weight from which there was any sure pixel near by
_LEAST_CONTRAST, _FULL_CONTRAST = 0.06, 0.18  # distance of F and B, RGB 0..1
_OFF_LINE = 0.06  # distance from the line at which a pixel is explained by 1/e
_COLUMNS = 8192  # remap takes no more than 32,767


@dataclass(frozen=True, slots=True)
class Band:
    """Pixels (N,) within reach of an outline: rows, columns, placed `alpha` 0..1 and how far to `trust` it, 0..1."""

    rows: npt.NDArray[np.intp]
    columns: npt.NDArray[np.intp]
    alpha: FloatArray
    trust: FloatArray


def place(picture: RGBArray, mask: AlphaArray, reach: int) -> Band | None:
    """Place the pixels within `reach` px of the outline of `mask` (H, W) uint8 between the two colours beside it.

    `picture` (H, W, 3) uint8. Trust is low where the colours are alike or the pixel is neither (texture). None when
    the mask has no outline.
    """
    height, width = mask.shape
    size = (max(1, width // 2), max(1, height // 2))
    solid = np.asarray(cv2.threshold(mask, _MIDDLE - 1, _WHOLE, cv2.THRESH_BINARY)[1], np.uint8)
    band = cv2.morphologyEx(solid, cv2.MORPH_GRADIENT, _disc(reach))
    rows, columns = marked_pixels(np.asarray(band, np.uint8))
    if not rows.size:
        return None
    half = cv2.resize(solid, size, interpolation=cv2.INTER_AREA)
    around = _disc((reach + 1) // 2)
    inside = cv2.erode((half == _WHOLE).view(np.uint8) * np.uint8(_WHOLE), around)
    outside = cv2.erode((half == 0).view(np.uint8) * np.uint8(_WHOLE), around)
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    box = max(2, round(_RING * reach / 2))
    places = Sampler(rows, columns, size, (width, height))
    front, back = (_near(small, np.asarray(where, np.uint8), box, places) for where in (inside, outside))
    return _placed(picture[rows, columns].astype(np.float32) / _WHOLE_F, front, back, rows, columns)


def _disc(reach: int) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)), np.uint8)


def _placed(
    seen: FloatArray, front: _Local, back: _Local, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]
) -> Band:
    line, offset = front.colour - back.colour, seen - back.colour
    length = np.maximum(_dot(line, line), np.float32(1e-6))
    share = _dot(offset, line) / length
    rest = offset - np.clip(share, 0.0, 1.0)[:, None] * line
    error = np.sqrt(_dot(rest, rest))
    contrast = np.clip((np.sqrt(length) - _LEAST_CONTRAST) / (_FULL_CONTRAST - _LEAST_CONTRAST), 0.0, 1.0)
    trust = contrast * np.exp(-((error / _OFF_LINE) ** 2)) * front.known * back.known
    alpha = np.clip((share - _NOISE) / (1 - 2 * _NOISE), 0.0, 1.0)
    return Band(rows, columns, alpha.astype(np.float32), trust.astype(np.float32))


def _dot(one: FloatArray, other: FloatArray) -> FloatArray:
    return np.asarray(np.einsum("ij,ij->i", one, other), np.float32)


@dataclass(frozen=True, slots=True)
class _Local:
    """Mean colour (N, 3) near each place and whether there was any (N,)."""

    colour: FloatArray
    known: npt.NDArray[np.bool_]


class Sampler:
    """Pixel places of a full grid, read from arrays of a smaller one."""

    def __init__(
        self,
        rows: npt.NDArray[np.intp],
        columns: npt.NDArray[np.intp],
        size: tuple[int, int],
        full: tuple[int, int],
    ) -> None:
        self._count = rows.size
        lines = -(-rows.size // _COLUMNS)
        x = np.zeros(lines * _COLUMNS, np.float32)
        y = np.zeros(lines * _COLUMNS, np.float32)
        x[: rows.size] = (columns + _HALF) * (size[0] / full[0]) - _HALF
        y[: rows.size] = (rows + _HALF) * (size[1] / full[1]) - _HALF
        self._x, self._y = x.reshape(lines, _COLUMNS), y.reshape(lines, _COLUMNS)

    def read(self, values: FloatArray) -> FloatArray:
        """Return (N,) or (N, C) of `values` (h, w) or (h, w, C), linear between pixels."""
        found = cv2.remap(values, self._x, self._y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(found.reshape(-1, *values.shape[2:])[: self._count], np.float32)


def _near(picture: RGBArray, where: AlphaArray, box: int, places: Sampler) -> _Local:
    """Mean colour of `where` (0 or 255) within `box` px of each place; from further away where there is none."""
    # Linear between the small grid's pixels: the nearest one alone makes steps in the matte that the score sees.
    marked = cv2.merge([*cv2.split(cv2.copyTo(picture, where)), where])
    colour, total = _mean(marked, box, places)
    empty = total <= _KNOWN
    if empty.any():
        further, total_further = _mean(marked, _FAR * box, places)
        colour[empty], total[empty] = further[empty], total_further[empty]
    return _Local(colour, total > _KNOWN)


def _mean(marked: cv2.typing.MatLike, box: int, places: Sampler) -> tuple[FloatArray, FloatArray]:
    """Mean colour (N, 3) 0..1 and share (N,) of the pixels marked round each place; `marked`: colours, then mark."""
    side = (2 * box + 1, 2 * box + 1)
    summed = cv2.boxFilter(marked, cv2.CV_32F, side, borderType=cv2.BORDER_REFLECT)
    found = places.read(np.asarray(summed, np.float32)) / _WHOLE_F
    total = found[:, 3]
    return np.asarray(found[:, :3] / np.maximum(total, np.float32(1e-6))[:, None], np.float32), total
