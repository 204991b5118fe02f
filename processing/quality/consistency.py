"""A result against the rest of its batch or its shoot group: outliers (QC-16) and the set's consistency (QC-17, 35)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from processing.quality.difference import to_lab
from processing.quality.parts import fill_ratio, ramp
from processing.types import JsonMixin, MaskArray, RGBArray

Z_LIMIT = 3.0
ROBUST_LIMIT = 3.5
SMALLEST_FOR_Z = 11
SMALLEST_FOR_ROBUST = 8
_MAD_TO_SIGMA = 0.6745
_LOOK_SIDE = 256
# Differences nobody sees: (Lab or share) a deviation below is no outlier, however alike the others are.
_FLOORS = {"lightness": 4.0, "chroma_a": 3.0, "chroma_b": 3.0, "contrast": 4.0, "fill": 0.03, "aspect": 0.15}
_WORDS = {
    "lightness": "lighter or darker than the rest of the set",
    "chroma_a": "another colour cast (green to red) than the rest of the set",
    "chroma_b": "another colour cast (blue to yellow) than the rest of the set",
    "contrast": "another contrast than the rest of the set",
    "fill": "larger or smaller in its frame than the rest of the set",
    "aspect": "another shape than the rest of the set",
}


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One outlier: `key` names the item, `z` is its distance in standard deviations (or robust ones)."""

    key: str
    value: float
    z: float
    reason: str


def file_size_anomalies(sizes: Mapping[str, int]) -> tuple[Anomaly, ...]:
    """Return the items whose file size stands out of the batch (QC-16; seed 000 L825-845).

    z > 3 from the mean (sample deviation) from 11 items up: below that no single outlier can reach 3. From 8 items the
    robust z of Iglewicz and Hoaglin (1993), 0.6745 (x - median) / MAD > 3.5, is used too. Fewer items, or equal sizes,
    give no anomaly and no error.
    """
    keys, values = list(sizes), np.array(list(sizes.values()), np.float64)
    return tuple(
        Anomaly(keys[index], float(values[index]), round(float(z), 3), "File size anomaly")
        for index, z in _outliers(values)
    )


def _outliers(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Sequence[tuple[int, float]]:
    if len(values) < SMALLEST_FOR_ROBUST or np.ptp(values) == 0:
        return ()
    found: dict[int, float] = {}
    if len(values) >= SMALLEST_FOR_Z:
        z = (values - values.mean()) / values.std(ddof=1)
        found.update({int(i): float(z[i]) for i in np.flatnonzero(np.abs(z) > Z_LIMIT)})
    middle = float(np.median(values))
    spread = float(np.median(np.abs(values - middle)))
    if spread > 0:
        robust = _MAD_TO_SIGMA * (values - middle) / spread
        for i in np.flatnonzero(np.abs(robust) > ROBUST_LIMIT):
            found.setdefault(int(i), float(robust[i]))
    return tuple(sorted(found.items()))


@dataclass(frozen=True, slots=True)
class Look(JsonMixin):
    """How a cut-out looks. `lightness` (0..100), `chroma_a`, `chroma_b`: mean Lab of the product; `contrast`: standard
    deviation of its lightness; `fill`: as in the score; `aspect`: width over height of its box."""

    lightness: float
    chroma_a: float
    chroma_b: float
    contrast: float
    fill: float
    aspect: float


def look_of(frame: RGBArray, alpha: MaskArray) -> Look | None:
    """Measure the product in its frame, (H, W, 3) uint8 and (H, W) float32; None when the matte is empty."""
    height, width = alpha.shape
    scale = min(1.0, _LOOK_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    solid = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA) > 0.9
    if not solid.any():
        return None
    lab = to_lab(np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8))[solid]
    rows, columns = np.flatnonzero((alpha > 0.5).any(axis=1)), np.flatnonzero((alpha > 0.5).any(axis=0))
    lightness, a, b = (float(value) for value in lab.mean(axis=0))
    aspect = (columns[-1] - columns[0] + 1) / (rows[-1] - rows[0] + 1)
    return Look(lightness, a, b, float(lab[:, 0].std()), fill_ratio(alpha), float(aspect))


def look_anomalies(looks: Mapping[str, Look]) -> tuple[Anomaly, ...]:
    """Return who stands out of a shoot group by colour, contrast, fill or aspect (QC-17, QC-35).

    The robust z of Iglewicz and Hoaglin (1993) from 8 items up; differences too small to see never count.
    """
    keys = list(looks)
    if len(keys) < SMALLEST_FOR_ROBUST:
        return ()
    found = []
    for name, floor in _FLOORS.items():
        values = np.array([getattr(looks[key], name) for key in keys], np.float64)
        off = values - np.median(values)
        spread = max(float(np.median(np.abs(off))), floor * _MAD_TO_SIGMA / ROBUST_LIMIT)
        z = _MAD_TO_SIGMA * off / spread
        odd = np.flatnonzero((np.abs(z) > ROBUST_LIMIT) & (np.abs(off) > floor))
        found += [Anomaly(keys[i], float(values[i]), round(float(z[i]), 3), _WORDS[name]) for i in odd]
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Consistency(JsonMixin):
    """QC-17: four metrics and their mean, each 0..100, 100 = as alike as can be seen."""

    colour_variance: float
    exposure_variance: float
    size_consistency: float
    style_match: float

    @property
    def score(self) -> float:
        """The overall score, 0..100."""
        return (self.colour_variance + self.exposure_variance + self.size_consistency + self.style_match) / 4


def measure_consistency(looks: Sequence[Look]) -> Consistency:
    """Score how alike a set looks (QC-17; seed 000 L612-625). One item, or none, is consistent with itself.

    Standard deviations: colour 2 to 20 Lab chroma, exposure 2 to 20 L*, fill 0.01 to 0.15, contrast 1 to 12 L*; the
    first gives 100, the last 0.
    """
    if len(looks) < 2:
        return Consistency(100.0, 100.0, 100.0, 100.0)
    table = np.array([[look.lightness, look.chroma_a, look.chroma_b, look.contrast, look.fill] for look in looks])
    spread = table.std(axis=0)
    return Consistency(
        colour_variance=100 * ramp(float(np.hypot(spread[1], spread[2])), 2.0, 20.0),
        exposure_variance=100 * ramp(float(spread[0]), 2.0, 20.0),
        size_consistency=100 * ramp(float(spread[4]), 0.01, 0.15),
        style_match=100 * ramp(float(spread[3]), 1.0, 12.0),
    )
