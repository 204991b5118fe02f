"""A backdrop seen as a smooth surface of colour, fitted to the border of the picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from processing.types import RGBArray

_BAND_SHARE = 0.03
_MAX_SAMPLES = 4000
_ROUNDS = 6
_TUKEY = 4.685  # 95 % efficiency for normal residuals
_RIDGE = 1e-3


@dataclass(frozen=True, slots=True)
class Backdrop:
    """`surface` (H, W, 3) float32 Lab; `spread`: robust residual on the border in Lab units; `inliers`: share 0..1."""

    surface: npt.NDArray[np.float32]
    spread: float
    inliers: float


def to_lab(rgb: RGBArray) -> npt.NDArray[np.float32]:
    """Return CIE Lab (L 0..100) of an sRGB picture."""
    return np.asarray(cv2.cvtColor(rgb.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2Lab), np.float32)


@lru_cache(maxsize=4)
def _terms(height: int, width: int) -> npt.NDArray[np.float32]:
    """The surface's terms at every pixel; kept, because photos of one batch have few shapes."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    y, x = rows / height * 2 - 1, columns / width * 2 - 1
    terms = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=-1)
    terms.flags.writeable = False
    return terms


@lru_cache(maxsize=4)
def _sample(height: int, width: int) -> npt.NDArray[np.intp]:
    """Flat places of the border's pixels, evenly thinned to about _MAX_SAMPLES."""
    places = np.flatnonzero(border_band(height, width))
    return places[:: max(1, len(places) // _MAX_SAMPLES)]


def border_band(height: int, width: int) -> npt.NDArray[np.bool_]:
    """Return a mask of the band along the frame that stands for the backdrop."""
    depth = max(3, int(_BAND_SHARE * max(height, width)))
    band = np.ones((height, width), bool)
    band[depth:-depth, depth:-depth] = False
    return band


def fit_backdrop(lab: npt.NDArray[np.float32]) -> Backdrop:
    """Fit the surface by iteratively reweighted least squares (Tukey's biweight outvotes products at the border)."""
    height, width = lab.shape[:2]
    terms = _terms(height, width)
    places = _sample(height, width)
    design, colours = (values.reshape(height * width, -1)[places].astype(np.float64) for values in (terms, lab))
    off = _lengths(colours - np.median(colours, axis=0))
    weight = (off < 3 * (np.median(off) * 1.5 + 2)).astype(np.float64)
    coefficients: npt.NDArray[np.float64] = np.zeros((design.shape[1], 3))
    spread = 0.0
    for _ in range(_ROUNDS):
        weighted = design * weight[:, None]
        normal = weighted.T @ design + _RIDGE * np.eye(design.shape[1])
        coefficients = np.asarray(np.linalg.solve(normal, weighted.T @ colours), np.float64)
        residual = _lengths(colours - design @ coefficients)
        spread = max(float(np.median(residual)) * 1.4826, 0.6)
        scaled = residual / (_TUKEY * spread)
        weight = np.where(scaled < 1, (1 - scaled**2) ** 2, 0.0)
    surface = terms @ coefficients.astype(np.float32)
    return Backdrop(surface, spread, float((weight > 0).mean()))


def _lengths(colours: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the lengths (N,) of (N, 3): to the bit what numpy's norm gives, which is slow over three numbers."""
    squares = colours * colours
    return np.asarray(np.sqrt(squares[:, 0] + squares[:, 1] + squares[:, 2]))
