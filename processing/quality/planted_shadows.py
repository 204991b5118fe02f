"""Shadows drawn into a photo and kept in its matte, for the planted defects: pure functions of input and seed."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from processing.types import MaskArray, RGBArray

FloatArray = npt.NDArray[np.float32]
_TRIES = 12


def blurred(values: FloatArray, sigma: float) -> FloatArray:
    """Blur a plane (H, W) by a Gaussian of `sigma` px."""
    return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma), np.float32)


def outline_point(alpha: MaskArray, rng: np.random.Generator) -> tuple[int, int]:
    """Return a point (x, y) of the longest outline of a matte (H, W)."""
    outline = _longest(alpha)
    x, y = outline[rng.integers(len(outline))]
    return int(x), int(y)


def _longest(alpha: MaskArray) -> npt.NDArray[np.int32]:
    contours, _ = cv2.findContours((alpha > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(max(contours, key=len)[:, 0], np.int32)


def contact(photo: RGBArray, alpha: MaskArray, rng: np.random.Generator) -> tuple[RGBArray, MaskArray]:
    """The darkest part of a contact shadow under the product, kept with a ragged edge (KSTR4471): photo and matte."""
    height, width = alpha.shape
    rows, columns = np.flatnonzero(alpha.max(axis=1) > 0.5), np.flatnonzero(alpha.max(axis=0) > 0.5)
    low = alpha[max(0, rows[-1] - int(0.05 * height)) : rows[-1] + 1].max(axis=0) > 0.5
    base = np.flatnonzero(low)
    shadow = np.zeros((height, width), np.float32)
    reach = (max(12, int(np.ptp(base) * 0.55)), max(8, int(0.022 * height)))
    at = (int(base.mean() + 0.1 * np.ptp(columns)), int(rows[-1] - 0.2 * reach[1]))
    cv2.ellipse(shadow, at, reach, 0, 0, 360, 1.0, -1)
    shadow = blurred(shadow, 0.006 * max(height, width)) * (1 - alpha)
    grain = blurred(rng.normal(0, 1, (height, width)).astype(np.float32), 1.2)
    kept = np.maximum(alpha, np.clip((shadow - 0.45) * 4 + 0.8 * grain * (shadow > 0.25), 0, 1))
    return _darkened(photo, 0.45 * shadow), np.asarray(kept, np.float32)


def strip(photo: RGBArray, alpha: MaskArray, rng: np.random.Generator) -> tuple[RGBArray, MaskArray]:
    """A short strip of cast shadow kept beside a foot (NW-CHR-0701): 0.1 % of the frame; photo and matte."""
    longest = max(alpha.shape)
    outline, clear = _longest(alpha), (alpha < 0.05).astype(np.float32)
    low = outline[outline[:, 1] > outline[:, 1].max() - 0.3 * alpha.shape[0]]
    bars = [_bar(alpha.shape, low[rng.integers(len(low))], rng) for _ in range(_TRIES)]
    shade = blurred(max(bars, key=lambda bar: float((bar * clear).sum())), 0.0035 * longest)
    kept = np.maximum(alpha, np.clip((shade - 0.4) * 5, 0, 1))
    return _darkened(photo, 0.22 * shade * (1 - alpha)), np.asarray(kept, np.float32)


def _bar(shape: tuple[int, ...], start: npt.NDArray[np.int32], rng: np.random.Generator) -> FloatArray:
    """A bar of 4.5 x 1.8 % of the frame's side that leads away sideways from `start` (x, y)."""
    length = 0.045 * max(shape) * rng.choice([-1, 1])
    end = (int(start[0] + length), int(start[1] - abs(length) * rng.uniform(-0.2, 0.2)))
    bar = np.zeros(shape, np.float32)
    cv2.line(bar, (int(start[0]), int(start[1])), end, 1.0, max(3, round(0.018 * max(shape))), cv2.LINE_AA)
    return bar


def _darkened(photo: RGBArray, shade: FloatArray) -> RGBArray:
    return np.round(photo * (1 - shade[..., None])).astype(np.uint8)
