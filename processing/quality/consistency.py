"""A result against the rest of its batch or its shoot group: outliers (QC-16) and the set's consistency (QC-17, 35)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from processing import geometry
from processing.geometry import Matte
from processing.quality.difference import to_lab
from processing.quality.parts import ramp
from processing.types import JsonMixin, Look, RGBArray

Z_LIMIT = 3.0
ROBUST_LIMIT = 3.5
SMALLEST_FOR_Z = 11
SMALLEST_FOR_ROBUST = 8
_MAD_TO_SIGMA = 0.6745
_LOOK_SIDE = 160
_SOLID_FROM = 0.9
_DIGITS = 4
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
    """One outlier: `key` names the item, `z` is its distance in standard deviations (or robust ones).

    `what` is the field of Look that is odd, or "file_size"; `reason` says it.
    """

    key: str
    value: float
    z: float
    reason: str
    what: str = "file_size"


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


def look_of(frame: RGBArray, alpha: Matte) -> Look | None:
    """Measure the product in its frame, (h, w, 3) uint8, by its matte (H, W); None when the matte is empty.

    Box and fill are read from the matte at its full size, colours at 160 px a side: the frame may be a thumbnail of the
    picture that the matte is for, which saves most of the time. Where nothing is that wide and solid (a chain), colours
    are those of its densest places.
    """
    matte = geometry.levels(alpha)
    box = geometry.product_box(matte)
    if box is None:
        return None
    small = geometry.quickly_shrunk(frame, _LOOK_SIDE)
    size = (small.shape[1], small.shape[0])
    cover = cv2.resize(geometry.halved(matte, 2 * _LOOK_SIDE - 1), size, interpolation=cv2.INTER_LINEAR)
    least = min(geometry.level_of(matte, _SOLID_FROM), int(cover.max()))
    if least == 0:
        return None
    mean, spread = cv2.meanStdDev(to_lab(small), mask=(cover >= least).view(np.uint8))
    fill = max(box.width / matte.shape[1], box.height / matte.shape[0])
    lightness, a, b, contrast = (round(float(value), _DIGITS) for value in (*mean.ravel(), spread[0, 0]))
    return Look(lightness, a, b, contrast, round(fill, _DIGITS), round(box.width / box.height, _DIGITS))


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
        found += [Anomaly(keys[i], float(values[i]), round(float(z[i]), 3), _WORDS[name], name) for i in odd]
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
