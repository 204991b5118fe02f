"""Pictures with known truth: a product on white or grey, its exact alpha, and planted defects."""

from __future__ import annotations

import cv2
import numpy as np

from processing.types import MaskArray, RGBArray

SIDE = 1000


def product_alpha(side: int = SIDE, fill: float = 0.86, softness: float = 1.2) -> MaskArray:
    """A rounded bottle-like shape with a clean, slightly soft edge."""
    big = np.zeros((side * 2, side * 2), np.uint8)
    half = int(side * fill)
    top, bottom = side - half, side + half
    width = int(half * 0.55)
    cv2.ellipse(big, (side, bottom - width), (width, width), 0, 0, 360, 255, -1)
    cv2.rectangle(big, (side - width, top + width), (side + width, bottom - width), 255, -1)
    cv2.ellipse(big, (side, top + width), (width, width), 0, 0, 360, 255, -1)
    alpha = cv2.resize(big, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    soft = cv2.GaussianBlur(alpha, (0, 0), softness) if softness else alpha
    soft[soft < 0.004] = 0
    return np.asarray(np.clip(soft, 0, 1), np.float32)


def product_colour(side: int = SIDE) -> RGBArray:
    """A shaded, textured teal product, everywhere."""
    x = np.arange(side, dtype=np.float32)[None, :]
    shade = np.repeat((0.75 + 0.35 * x / side)[..., None], side, axis=0)
    grain = np.random.default_rng(1).normal(0, 3, (side, side, 1))
    return np.clip(np.array([38, 105, 110], np.float32) * shade + grain, 0, 255).astype(np.uint8)


def over(colour: RGBArray, alpha: MaskArray, ground: tuple[int, int, int]) -> RGBArray:
    """Composite on a plain ground; exact where alpha is 0."""
    weight = alpha[..., None]
    return np.round(colour * weight + np.array(ground, np.float32) * (1 - weight)).astype(np.uint8)


def backdrop_photo(alpha: MaskArray, ground: tuple[int, int, int] = (168, 170, 172)) -> RGBArray:
    """The source as the camera saw it: the same product on a grey sweep."""
    return over(product_colour(alpha.shape[0]), alpha, ground)


def grown(alpha: MaskArray, px: int) -> MaskArray:
    """The matte let out (px > 0) or eaten away (px < 0)."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * abs(px) + 1, 2 * abs(px) + 1))
    moved = cv2.dilate(alpha, kernel) if px > 0 else cv2.erode(alpha, kernel)
    return np.asarray(moved, np.float32)
