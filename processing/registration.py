"""Where a finished picture's product lies in its photo: scale and shift between two pictures nobody kept a record of.

Coarse to fine: masked template matching over scales (normalised correlation), then Gauss-Newton on the grey values with
free gain and offset (Lucas, Kanade, "An Iterative Image Registration Technique", 1981).
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from processing.errors import StageFailed
from processing.types import MaskArray, RGBArray

_COARSE_SIDE = 160
_FINE_SIDES = (400, 1000)
_SCALES = 25
_SMALLEST, _LARGEST = 0.25, 1.0  # longest side of the product in the photo, as a share of the photo's longest side
_LEAST_MATCH = 0.6
_WHITE_FROM = 250
_ROUNDS = 12
FloatArray = npt.NDArray[np.float32]


def alpha_from_white(frame: RGBArray) -> MaskArray:
    """Read a matte from a picture on white (H, W, 3): white that touches the frame is background, the rest product.

    Pixels between white and the product's nearest solid colour are soft in proportion. Returns (H, W) float32 0..1.
    """
    darkest = frame.min(axis=2)
    padded = np.pad((darkest >= _WHITE_FROM).astype(np.uint8), 1, constant_values=1)
    _, labels = cv2.connectedComponents(padded, connectivity=4)
    ground = (labels == labels[0, 0])[1:-1, 1:-1]
    depth = cv2.distanceTransform((~ground).astype(np.uint8), cv2.DIST_L2, 3)
    # The colour 4 px further in is what the rim would be if it were solid.
    solid = np.where(depth > 3, darkest, 255).astype(np.uint8)
    nearest = cv2.erode(solid, np.ones((9, 9), np.uint8)).astype(np.float32)
    share = (255.0 - darkest) / np.maximum(255.0 - nearest, 6.0)
    alpha = np.where(depth > 3, 1.0, np.clip(share, 0.0, 1.0)) * ~ground
    return np.asarray(alpha, np.float32)


def find_affine(before: RGBArray, after: RGBArray, alpha: MaskArray) -> npt.NDArray[np.float64]:
    """Return the 2 x 3 matrix (scale and shift) that maps photo pixels to pixels of the result.

    `alpha` (h, w) is the result's matte. Raises StageFailed(code="not_registered") when the product isn't found.
    """
    rows, columns = np.flatnonzero(alpha.max(axis=1) > 0.5), np.flatnonzero(alpha.max(axis=0) > 0.5)
    if not rows.size:
        raise StageFailed("The result holds no product, so it can't be laid over the photo.", code="not_registered")
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    photo_scale = min(1.0, _COARSE_SIDE / max(before.shape[:2]))
    photo = _grey(before, photo_scale)
    near = min(1.0, 2 * _COARSE_SIDE / max(after[box].shape[:2]))
    template, weight = _grey(after[box], near), _sized(alpha[box], near)
    best, found = -1.0, (1.0, 0.0, 0.0)
    for share in np.geomspace(_SMALLEST, _LARGEST, _SCALES):
        scale = share * max(photo.shape) / max(after[box].shape[:2])
        match, place = _match(photo, _sized(template, scale / near), _sized(weight, scale / near))
        if match > best:
            best, found = match, (scale, float(place[0]), float(place[1]))
    if best < _LEAST_MATCH:
        raise StageFailed(
            f"The result's product was not found in the photo (correlation {best:.2f}).", code="not_registered"
        )
    scale, x, y = found
    zoom = photo_scale / scale
    coarse = np.array([[zoom, 0, columns[0] - x / scale], [0, zoom, rows[0] - y / scale]], np.float64)
    return _refined(before, after, alpha, coarse)


def _grey(pixels: RGBArray, scale: float) -> FloatArray:
    return _sized(np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.float32), scale)


def _sized(pixels: FloatArray, scale: float) -> FloatArray:
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.float32)


def _match(photo: FloatArray, template: FloatArray, weight: FloatArray) -> tuple[float, tuple[int, int]]:
    """Best zero-mean correlation of the product with the photo, and its place."""
    height, width = template.shape
    if min(height, width) < 8 or height > photo.shape[0] or width > photo.shape[1]:
        return -1.0, (0, 0)
    # The rim of the product, with a little of the ground, tells more of its place than its flat inside.
    mask = cv2.dilate((weight > 0.5).astype(np.float32), np.ones((3, 3), np.uint8))
    answer = cv2.matchTemplate(photo, template, cv2.TM_CCOEFF_NORMED, mask=mask)
    answer = np.where(np.isfinite(answer) & (np.abs(answer) <= 1.01), answer, -1.0)
    y, x = np.unravel_index(int(answer.argmax()), answer.shape)
    return float(answer[y, x]), (int(x), int(y))


def _refined(
    before: RGBArray, after: RGBArray, alpha: MaskArray, coarse: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Sharpen scale and shift to a fraction of a pixel, at two sizes; stops where the pictures stop agreeing."""
    matrix = coarse
    grey = np.asarray(cv2.cvtColor(before, cv2.COLOR_RGB2GRAY), np.float32)
    for side in _FINE_SIDES:
        shrink = min(1.0, side / max(after.shape[:2]))
        target, inside = _grey(after, shrink), _sized(alpha, shrink) > 0.95
        inside = cv2.erode(inside.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        if int(inside.sum()) < 200:
            return matrix
        for _ in range(_ROUNDS):
            step = _gauss_newton(grey, target, inside, matrix, shrink)
            if abs(step[0]) > 0.05:
                return matrix
            matrix = matrix + _as_change(step, matrix, shrink, target.shape)
            if max(abs(step[0]) * side, abs(step[1]), abs(step[2])) < 0.01:
                break
    return matrix


def _gauss_newton(
    grey: FloatArray, target: FloatArray, inside: npt.NDArray[np.bool_], matrix: npt.NDArray[np.float64], shrink: float
) -> npt.NDArray[np.float64]:
    """One step in (relative scale about the middle, shift x, shift y), px of the small result; gain and offset free."""
    height, width = target.shape
    small = matrix * shrink
    small[:, 2] += (shrink - 1) / 2
    size = (width, height)
    guess = np.asarray(
        cv2.warpAffine(grey, small, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE), np.float32
    )
    guess = np.asarray(cv2.GaussianBlur(guess, (0, 0), 1.0), np.float32)
    target = np.asarray(cv2.GaussianBlur(target, (0, 0), 1.0), np.float32)
    down, right = cv2.Sobel(guess, cv2.CV_32F, 0, 1) / 8, cv2.Sobel(guess, cv2.CV_32F, 1, 0) / 8
    rows, columns = np.nonzero(inside)
    gx, gy, seen = right[inside], down[inside], guess[inside]
    pull = gx * (columns - width / 2) + gy * (rows - height / 2)
    design = np.stack([pull, gx, gy, seen, np.ones_like(seen)], axis=1).astype(np.float64)
    wanted = (target[inside] - seen).astype(np.float64)
    # Highlights and grain disagree by accident: one reweighting keeps them from steering.
    first = np.linalg.lstsq(design, wanted, rcond=None)[0]
    off = np.abs(wanted - design @ first)
    weight = np.sqrt(1 / (1 + (off / max(float(np.median(off)) * 3, 0.5)) ** 2))
    return np.asarray(np.linalg.lstsq(design * weight[:, None], wanted * weight, rcond=None)[0], np.float64)


def _as_change(
    step: npt.NDArray[np.float64], matrix: npt.NDArray[np.float64], shrink: float, shape: tuple[int, ...]
) -> npt.NDArray[np.float64]:
    """Turn a step of the content (it moves by minus the step) into a change of the matrix."""
    zoom = -float(step[0])
    middle = np.array([shape[1] / 2, shape[0] / 2]) / shrink
    change = matrix * zoom
    change[:, 2] += -zoom * middle - step[1:3] / shrink
    return np.asarray(change, np.float64)


def warped(pixels: npt.NDArray[np.uint8], affine: npt.NDArray[np.float64], size: tuple[int, int]) -> RGBArray:
    """Bring a picture into another grid of `size` (w, h); beyond its edges the edge pixels repeat.

    `affine` maps pixel coordinates measured at pixel centres.
    """
    zoom = float(affine[0, 0])
    matrix = affine.copy()
    if zoom < 0.75:  # shrink by area first, so that detail doesn't alias
        small = cv2.resize(pixels, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
        actual = (small.shape[1] / pixels.shape[1], small.shape[0] / pixels.shape[0])
        back_x, back_y = 1 / actual[0], 1 / actual[1]
        shift = np.array([[back_x, 0, back_x / 2 - 0.5], [0, back_y, back_y / 2 - 0.5], [0, 0, 1]])
        pixels, matrix = np.asarray(small, np.uint8), (affine @ shift)[:2]
    return np.asarray(
        cv2.warpAffine(pixels, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )
