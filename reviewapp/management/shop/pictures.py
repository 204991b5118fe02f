"""The shop's photos: a plain product on a lit sweep, small, each another one."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

SIDE = 500
"""Px: the smallest that the profile basic-500 takes."""
SOFT = 0.6
"""How sharp the lens is: at 1 edges are one pixel wide, and the score calls that hard."""
_SHIFTS = 64


def photo(seed: int) -> bytes:
    """Return a JPEG of a rounded, shaded product with a little grain, drawn from `seed`."""
    rng = np.random.default_rng(seed)
    across = np.arange(SIDE, dtype=np.float32)
    down = across[:, None]
    radius = (rng.uniform(0.17, 0.23, 2) * SIDE).astype(np.float32)
    centre = (SIDE / 2 + rng.uniform(-0.03, 0.03, 2) * SIDE).astype(np.float32)
    power = np.float32(rng.uniform(2.5, 6.0))
    field = (np.abs(across - centre[0]) / radius[0]) ** power + (np.abs(down - centre[1]) / radius[1]) ** power
    matte = np.clip((1 - field) * SOFT * radius.min() / power + np.float32(0.5), 0, 1)[..., None]
    light = (np.float32(228) - np.float32(10) * down / SIDE)[..., None]
    tone = (rng.uniform(40, 110) + rng.uniform(-20, 20, 3)).astype(np.float32)  # JPEG fringes on strong colours
    colour = tone * (np.float32(0.85) + np.float32(0.3) * across / SIDE)[:, None]
    x, y = rng.integers(_SHIFTS, size=2)
    pixels = light + (colour - light) * matte + _grain()[y : y + SIDE, x : x + SIDE]
    done, data = cv2.imencode(".jpg", np.clip(pixels, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 95])
    assert done, "OpenCV writes JPEG"
    return data.tobytes()


@lru_cache(maxsize=1)
def _grain() -> npt.NDArray[np.float32]:
    """The camera's noise, a little larger than a photo, so that each gets another part of it."""
    side = SIDE + _SHIFTS
    return np.random.default_rng(0).normal(0, 1.2, (side, side, 1)).astype(np.float32)
