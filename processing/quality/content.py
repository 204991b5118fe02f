"""Whether the product's inside is still the photo's: local structural similarity, the worst place judged.

Source: Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image Quality Assessment: From Error Visibility to
Structural Similarity", IEEE Transactions on Image Processing 13 (2004): K1 = 0.01, K2 = 0.03, windows of 8 x 8 px,
after the averaging its authors put before it, and the next scale but one of Wang, Simoncelli, Bovik, "Multiscale
structural similarity for image quality assessment" (2003), which sees a flat patch on a soft shade. The finest octave,
which that takes away, is what `regions.detail_ratio` judges.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from processing.quality.regions import Near
from processing.types import MaskArray, RGBArray

_CELL = 4  # windows of two cells a side, one cell apart
_TILE_CELLS = 6
_STRIP_CELLS = 16
_SOLID = 0.99
_LEAST_INSIDE = 0.5
_STEADY_MEAN = (0.01 * 255) ** 2
_STEADY_SPREAD = (0.03 * 255) ** 2
_SUSPECT = 0.9  # from here on a tile is looked at again, moved a little
_SHIFT = 0.5  # px of the averaged picture: what registration leaves
_ROW_STEP = 8
_BAND_ROWS = 32
_MOST_BANDS = 6
_WORSE_SHARE = 0.05
MOST_PSNR = 99.0
FloatArray = npt.NDArray[np.float32]
GreyArray = npt.NDArray[np.uint8]
BoolArray = npt.NDArray[np.bool_]
Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Content:
    """`ssim`: mean SSIM of the product, -1..1; `psnr`: its peak signal-to-noise ratio in dB, at most `MOST_PSNR`;
    `worst`: SSIM's contrast and structure, the lower of two scales, in the worst place of about 56 px, -1..1, and where
    that is, (x, y, w, h) in frame px."""

    ssim: float
    psnr: float
    worst: float
    where: Box


def content(near: Near, frame: RGBArray, source: RGBArray, alpha: MaskArray) -> Content | None:
    """Compare `frame` with `source` (H, W, 3) uint8 inside the solid part of `alpha` (H, W); `near`: all averaged.

    None where the product has no solid place as large as a window. A tile below 0.9 is compared again with the source
    moved by half a px of the averaged picture to every side, and its best counts: half a px of misregistration is no
    change. Lightness and contrast of the whole aren't judged here: that is colour.
    """
    top, left, box = _box(near.alpha)
    if min(near.alpha[box].shape) < 2 * _CELL:
        return None
    inside = _windows(_cells(near.alpha[box])) > _SOLID
    if not inside.any():
        return None
    shipped, meant = (_grey(picture[box]) for picture in (near.frame, near.source))
    known = inside.astype(np.float32)
    likeness, tiles = _judged(shipped, meant, known)
    if float(tiles.min()) < _SUSPECT:
        for right, down in ((x, y) for x in (-_SHIFT, 0, _SHIFT) for y in (-_SHIFT, 0, _SHIFT) if x or y):
            tiles = np.maximum(tiles, _judged(shipped, _moved(meant, right, down), known)[1])
    row, column = np.unravel_index(int(tiles.argmin()), tiles.shape)
    cell, reach = _CELL * near.step, _TILE_CELLS // 2
    x, y = max(0, int(column) - reach) * cell, max(0, int(row) - reach) * cell
    where = (left * near.step + x, top * near.step + y, (_TILE_CELLS + 1) * cell, (_TILE_CELLS + 1) * cell)
    return Content(float(likeness[inside].mean()), psnr(frame, source, alpha), float(tiles.min()), where)


def ssim(first: RGBArray, second: RGBArray) -> float:
    """Return the mean SSIM, -1..1, of the luma of two pictures (H, W, 3) uint8 of one size, at least 8 px a side."""
    pair = [_grey(picture) for picture in (first, second)]
    return float(_similarity(_moments(pair[0], pair[1]))[0].mean())


def kept(frame: RGBArray, file: RGBArray, solid: GreyArray) -> float | None:
    """Return the SSIM, -1..1, that 95 % of the windows in the product reach in a lossy file of `frame`.

    Both (H, W, 3) uint8 of one size; `solid` (H, W): 255 in the product, else 0. Read at 1:1 in up to six bands of 32
    rows spread over the product. None where no window lies in it. A coarse quantiser spoils soft shades first: their
    mean barely falls, so the worse places are what is held.
    """
    x, y, width, height = cv2.boundingRect(solid)
    count = min(_MOST_BANDS, height // _BAND_ROWS)
    if not count or width < 2 * _CELL:
        return None
    tops = np.linspace(y, y + height - _BAND_ROWS, count).astype(int)
    parts = [np.concatenate([whole[top : top + _BAND_ROWS, x : x + width] for top in tops])
             for whole in (frame, file)]  # fmt: skip
    within = np.concatenate([solid[top : top + _BAND_ROWS, x : x + width] for top in tops])
    inside = _windows(_cells(within.astype(np.float32))) >= _SOLID * 255
    if not inside.any():
        return None
    likeness = _similarity(_moments(_grey(parts[0]), _grey(parts[1])))[0]
    return float(np.quantile(likeness[inside], _WORSE_SHARE))


def psnr(first: RGBArray, second: RGBArray, alpha: MaskArray) -> float:
    """Return the peak signal-to-noise ratio in dB where `alpha` (H, W) is solid, read at 1:1 in every eighth row.

    `MOST_PSNR` for equal pictures, and where nothing is solid.
    """
    solid = np.asarray(cv2.compare(np.ascontiguousarray(alpha[::_ROW_STEP]), np.array(_SOLID), cv2.CMP_GT), np.uint8)
    rows = [np.ascontiguousarray(picture[::_ROW_STEP]) for picture in (first, second)]
    off = cv2.norm(rows[0], rows[1], cv2.NORM_L2SQR, mask=solid) / max(1, 3 * cv2.countNonZero(solid))
    return min(MOST_PSNR, float(10 * np.log10(255.0**2 / off))) if off else MOST_PSNR


def _grey(pixels: RGBArray) -> GreyArray:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)


def _box(alpha: MaskArray) -> tuple[int, int, tuple[slice, slice]]:
    """Return top and left of the product, and its rows and columns."""
    x, y, width, height = cv2.boundingRect((alpha > _SOLID).view(np.uint8))
    return int(y), int(x), (slice(int(y), int(y + height)), slice(int(x), int(x + width)))


def _judged(first: GreyArray, second: GreyArray, known: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return SSIM a cell, and the lowest of both scales' structure a tile; 1 where less than half of it is `known`."""
    cells = _moments(first, second)
    likeness, structure = _similarity(cells)
    share = _tile(known)
    fine = _tile(structure * known) / np.maximum(share, 1e-6)
    wide = [np.asarray(_tile(field * known) / np.maximum(share, 1e-6), np.float32) for field in _squares(cells)]
    coarse = _structure(*wide)
    worst = np.where(share > _LEAST_INSIDE, np.minimum(fine, coarse), 1.0)
    return likeness, np.asarray(worst, np.float32)


def _squares(cells: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """The moments of the cells' own means: the pictures at the next scale."""
    first, second, apart = cells[0], cells[1], cells[0] - cells[1]
    return first, second, first * second, apart * apart


def _similarity(cells: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return SSIM, and its contrast and structure alone, by moments (4, h, w) of two pictures: a value a cell."""
    mean_1, mean_2, product, apart = (_windows(field) for field in cells)
    structure = _structure(mean_1, mean_2, product, apart)
    light = (2 * mean_1 * mean_2 + _STEADY_MEAN) / (mean_1 * mean_1 + mean_2 * mean_2 + _STEADY_MEAN)
    return np.asarray(light * structure, np.float32), structure


def _structure(mean_1: FloatArray, mean_2: FloatArray, product: FloatArray, apart: FloatArray) -> FloatArray:
    shared = 2 * (product - mean_1 * mean_2) + _STEADY_SPREAD
    # The sum of both squares is that of the difference and twice the product: one picture less to average.
    spread = apart + 2 * product - mean_1 * mean_1 - mean_2 * mean_2 + _STEADY_SPREAD
    return np.asarray(shared / spread, np.float32)


def _moments(first: GreyArray, second: GreyArray) -> FloatArray:
    """Return the means a cell (4, h, w) of both pictures, of their product and of their squared difference."""
    height, width = max(1, first.shape[0] // _CELL), max(1, first.shape[1] // _CELL)
    found = np.empty((4, height, width), np.float32)
    for top in range(0, height, _STRIP_CELLS):  # strips stay in the processor's cache
        rows = slice(top * _CELL, min(height, top + _STRIP_CELLS) * _CELL)
        pair = first[rows, : width * _CELL], second[rows, : width * _CELL]
        apart = np.asarray(cv2.absdiff(*pair), np.uint8)
        fields = (pair[0].astype(np.float32), pair[1].astype(np.float32), _product(*pair), _product(apart, apart))
        for index, values in enumerate(fields):
            found[index, top : top + _STRIP_CELLS] = _cells(values)
    return found


def _product(first: GreyArray, second: GreyArray) -> FloatArray:
    return np.asarray(cv2.multiply(first, second, dtype=cv2.CV_32F), np.float32)


def _cells(values: FloatArray) -> FloatArray:
    """Return the means (h, w) of the cells of `values` (H, W); a rest at the right and lower edge is left out."""
    height, width = max(1, values.shape[0] // _CELL), max(1, values.shape[1] // _CELL)
    whole = values[: height * _CELL, : width * _CELL]
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.float32)


def _windows(cells: FloatArray) -> FloatArray:
    """Return the means of the windows of two cells a side that begin at every cell."""
    return np.asarray(cv2.blur(cells, (2, 2), anchor=(0, 0), borderType=cv2.BORDER_REPLICATE), np.float32)


def _tile(field: FloatArray) -> FloatArray:
    """Return the mean of `field` round every cell."""
    return np.asarray(cv2.blur(field, (_TILE_CELLS, _TILE_CELLS), borderType=cv2.BORDER_CONSTANT), np.float32)


def _moved(pixels: GreyArray, right: float, down: float) -> GreyArray:
    matrix = np.array([[1, 0, right], [0, 1, down]], np.float64)
    size = (pixels.shape[1], pixels.shape[0])
    moved = cv2.warpAffine(pixels, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)
