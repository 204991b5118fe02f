"""Is the background white: the perimeter's samples and every background pixel. All pure: arrays in, numbers out.

`frame` is the picture as it ships (H, W, 3) uint8; `alpha` its matte (H, W) float32 0..1 in the same grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from processing.types import FailurePoint, MaskArray, RGBArray

BoolArray = npt.NDArray[np.bool_]
ByteArray = npt.NDArray[np.uint8]
_STRIP_ROWS = 64
_WHITE = 255


@dataclass(frozen=True, slots=True)
class Background:
    """What the perimeter samples say (QC-01). `compliance_rate` 0..1; `failures` in frame pixels."""

    compliance_rate: float
    passed: bool
    failures: tuple[FailurePoint, ...]


def perimeter_points(width: int, height: int, count: int) -> list[tuple[int, int]]:
    """Return `count` points spread evenly along the frame's outermost pixels, clockwise from the top left corner."""
    length = 2 * (width - 1) + 2 * (height - 1)
    points = []
    for index in range(count):
        at = int(index * length / count)
        if at < width - 1:
            points.append((at, 0))
        elif (at := at - (width - 1)) < height - 1:
            points.append((width - 1, at))
        elif (at := at - (height - 1)) < width - 1:
            points.append((width - 1 - at, height - 1))
        else:
            points.append((0, height - 1 - (at - (width - 1))))
    return points


def background_samples(frame: RGBArray, *, samples: int, tolerance: int, wanted_rate: float) -> Background:
    """Sample the perimeter: a sample fails when any channel is below `tolerance` (QC-01, QC-02; 002 L118-151)."""
    height, width = frame.shape[:2]
    failures = []
    for x, y in perimeter_points(width, height, samples):
        red, green, blue = (int(value) for value in frame[y, x])
        if min(red, green, blue) < tolerance:
            failures.append(FailurePoint(x, y, (red, green, blue), (255 - red, 255 - green, 255 - blue)))
    rate = 1 - len(failures) / samples
    return Background(rate, rate >= wanted_rate, tuple(failures))


def off_white_share(frame: RGBArray, alpha: MaskArray, margin_px: int = 0) -> float:
    """Return the share of background pixels, further than `margin_px` from the product, that aren't pure white (B5)."""
    reached = _reached(alpha, margin_px)
    total = reached.size - cv2.countNonZero(reached)
    if not total or is_white_beyond(frame, reached):
        return 0.0
    return 1 - cv2.countNonZero(cv2.bitwise_and(_white(frame), _outside(alpha, margin_px))) / total


def is_white_beyond(frame: RGBArray, reached: ByteArray) -> bool:
    """Whether all of `frame` (H, W, 3) is pure white where `reached` (H, W) is 0.

    Nearly every frame is, and that is told fast: beside the box of what is reached by the darkest byte, in it by the
    largest deviation under a mask, in strips that stay in the processor's cache.
    """
    x, y, width, height = cv2.boundingRect(reached)
    rows, flat = slice(y, y + height), frame.reshape(len(frame), -1)
    beside = (flat[:y], flat[y + height :], flat[rows, : 3 * x], flat[rows, 3 * (x + width) :])
    if any(part.size and int(part.min()) < _WHITE for part in beside):
        return False
    for top in range(y, y + height, _STRIP_ROWS):
        part = (slice(top, min(top + _STRIP_ROWS, y + height)), slice(x, x + width))
        background = np.asarray(reached[part] == 0).view(np.uint8)
        if cv2.norm(cv2.bitwise_not(frame[part]), cv2.NORM_INF, mask=background):
            return False
    return True


def box_of(wrong: BoolArray) -> tuple[tuple[int, int, int, int], ...]:
    """Return one (x, y, w, h) box round all True pixels, none when there are none."""
    x, y, width, height = cv2.boundingRect(wrong.astype(np.uint8))
    return ((x, y, width, height),) if width else ()


def off_white_mask(frame: RGBArray, alpha: MaskArray, margin_px: int = 0) -> BoolArray:
    """Return where the background, further than `margin_px` from the product, isn't pure white (H, W)."""
    return np.asarray((_white(frame) == 0) & (_outside(alpha, margin_px) > 0))


def off_white_ring(frame: RGBArray) -> float:
    """Return the share of the frame's outermost pixels that aren't pure white."""
    ring = np.concatenate([frame[0], frame[-1], frame[:, 0], frame[:, -1]])
    return float((ring != 255).any(axis=1).mean())


def _white(frame: RGBArray) -> ByteArray:
    """255 where all channels are 255, else 0: bytes all the way, a frame of 4 MP passes here for every photo."""
    return np.asarray(cv2.inRange(frame, np.array([255.0] * 3), np.array([255.0] * 3)), np.uint8)


def _outside(alpha: MaskArray, margin_px: int) -> ByteArray:
    """1 further than `margin_px` from any trace of the product, else 0."""
    return np.asarray((_reached(alpha, margin_px) == 0).view(np.uint8))


def _reached(alpha: MaskArray, margin_px: int) -> ByteArray:
    """1 within `margin_px` of any trace of the product, else 0."""
    product, size = (alpha > 0).view(np.uint8), 2 * margin_px + 1
    return np.asarray(cv2.dilate(product, np.ones((size, size), np.uint8)) if margin_px else product, np.uint8)


def holds_product(alpha: MaskArray) -> bool:
    """Whether anything is more than half opaque; asks every eighth pixel first."""
    return bool((alpha[::8, ::8] > 0.5).any()) or bool((alpha > 0.5).any())
