"""Colours toward a reference picture: histogram specification, bounded, as a declared correction (PRO-10, PRO-12).

R. C. Gonzalez, R. E. Woods, "Digital Image Processing", 4th edition (2018), section 3.3 (histogram matching). A map
from one distribution to another is the same in linear light and in sRGB, since each is a rising function of the other;
it is bounded in sRGB, where equal steps look about equal.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from processing.errors import InputRejected
from processing.types import MaskArray, RGBArray

Histogram = npt.NDArray[np.float64]
"""(4, 256) float64, each row's sum 1: red, green, blue and BT.709 luma of the product's pixels, sRGB 0..255."""
Curves = tuple[tuple[float, ...], ...]

KNOTS = 33
SOLID = 0.9
LEAST_PIXELS = 500
_LUMA = np.array([0.2126, 0.7152, 0.0722])
_SMOOTHING = 5  # levels on each side: keeps a curve from following the noise of single levels


def histogram(rgb: RGBArray, alpha: MaskArray) -> Histogram:
    """Return the distribution of the product's colours in (H, W, 3) uint8, where `alpha` (H, W) is above 0.9.

    Raises InputRejected(code="too_little_product") below 500 such pixels.
    """
    pixels = rgb[alpha > SOLID]
    if len(pixels) < LEAST_PIXELS:
        raise InputRejected(
            f"Only {len(pixels)} pixels are product; {LEAST_PIXELS} are needed to compare colours.",
            code="too_little_product",
        )
    luma = np.rint(pixels @ _LUMA).astype(np.int64)
    rows = [np.bincount(values, minlength=256) for values in (*pixels.T.astype(np.int64), luma)]
    return np.array(rows, np.float64) / len(pixels)


def distance(first: Histogram, second: Histogram) -> float:
    """Return how far two distributions are apart: levels of 255 that R, G and B move in the mean (Wasserstein)."""
    return float(np.abs(np.cumsum(first[:3], axis=1) - np.cumsum(second[:3], axis=1)).sum(axis=1).mean())


def match(
    source: Histogram, reference: Histogram, *, limit: float = 0.12, mode: Literal["each", "together"] = "together"
) -> Curves:
    """Return three curves (33 sRGB values 0..1 each) that bring `source` toward `reference`, no value by over `limit`.

    `together` uses the luma's curve for all three channels: neutral stays neutral and hues keep their order. `each`
    moves every channel by itself and so matches the reference's tint as well. Curves rise throughout and keep black and
    white.
    Raises InputRejected(code="invalid_parameter") for a limit outside 0..0.5.
    """
    if not 0.0 <= limit <= 0.5:
        raise InputRejected(f"limit is {limit:g}; allowed is 0 to 0.5.", code="invalid_parameter")
    rows = (3, 3, 3) if mode == "together" else (0, 1, 2)
    return tuple(_curve(source[row], reference[row], limit) for row in rows)


def _curve(source: Histogram, reference: Histogram, limit: float) -> tuple[float, ...]:
    levels = np.arange(256, dtype=np.float64)
    # The middle of each level's share, so that two equal distributions give exactly the same level.
    share = np.cumsum(source) - source / 2
    there = np.cumsum(reference) - reference / 2
    filled = reference > 0
    wanted = np.interp(share, there[filled], levels[filled])
    # Levels that don't occur take the offset of their neighbours.
    seen = source > 0
    offset = np.interp(levels, levels[seen], (wanted - levels)[seen])
    padded = np.pad(offset, _SMOOTHING, mode="edge")
    smooth = np.convolve(padded, np.full(2 * _SMOOTHING + 1, 1 / (2 * _SMOOTHING + 1)), mode="valid")
    bound = np.clip(smooth / 255.0, -limit, limit)
    knots = np.linspace(0.0, 1.0, KNOTS)
    curve = np.clip(knots + np.interp(knots, levels / 255.0, bound), 0.0, 1.0)
    curve[0], curve[-1] = 0.0, 1.0
    return tuple(round(float(value), 5) for value in np.maximum.accumulate(curve))
