"""A result against the rest of its batch (QC-16)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Z_LIMIT = 3.0
ROBUST_LIMIT = 3.5
SMALLEST_FOR_Z = 11
SMALLEST_FOR_ROBUST = 8
_MAD_TO_SIGMA = 0.6745


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
