"""The shop's photos: a plain product on a lit sweep, small, each another one."""

from __future__ import annotations

import cv2
import numpy as np

SIDE = 520
"""Px: what the profile basic-500 takes."""


def photo(seed: int) -> bytes:
    """Return a JPEG of a rounded, shaded product with a little grain, drawn from `seed`."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    radius = rng.uniform(0.20, 0.27, 2) * SIDE
    centre = SIDE / 2 + rng.uniform(-0.03, 0.03, 2) * SIDE
    power = rng.uniform(2.5, 6.0)
    field = np.abs((x - centre[0]) / radius[0]) ** power + np.abs((y - centre[1]) / radius[1]) ** power
    matte = np.clip((1 - field) * radius.min() / power + 0.5, 0, 1)[..., None]
    light = np.float32(228) - np.float32(10) * y / SIDE
    colour = rng.uniform(30, 150, 3).astype(np.float32) * (0.85 + 0.3 * x / SIDE)[..., None]
    pixels = light[..., None] * (1 - matte) + colour * matte + rng.normal(0, 1.2, (SIDE, SIDE, 1)).astype(np.float32)
    done, data = cv2.imencode(".jpg", np.clip(pixels, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 90])
    assert done, "OpenCV writes JPEG"
    return data.tobytes()
