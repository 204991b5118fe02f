"""Two versions on the same photos, measure by measure: what got better, what worse, what neither. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from reviewapp.policies.quality.bounds import Floats

PARTS = ("total", "background", "edge", "fill_part", "colour")
"""The score and its four parts; `fill_part` so called because a measure is called fill."""
HIGHER_IS_BETTER = frozenset(
    {*PARTS, "fill", "detail", "content", "ssim", "psnr", "compliance_rate", "removal_confidence"}
)
"""Of all other measures less is better."""
FEATURES = (
    "background", "edge", "fill_part", "colour", "halo", "fringe", "missing_edge", "lost", "leftover", "edge_width",
    "edge_roughness", "stray", "holes", "specks", "thin_edge", "detail", "colour_shift", "off_white",
)  # fmt: skip
"""What a chance of a defect is fitted on: the four parts, and the measures that reasons speak of. Area the mask lost or
gained against the photo is in missing_edge, lost, leftover and halo.
"""
SIGNS = tuple(-1.0 if name in HIGHER_IS_BETTER else 1.0 for name in FEATURES)
"""Which way each of them means worse."""
SPAN = {"halo": 4.0, "edge_width": 12.0, "stray": 6.0, "missing_edge": 4.0, "colour_shift": 6.0}
"""Beyond these a measure says no more, so that one odd photo doesn't bend the fit. The unit is the measure's own."""
DOUBT = 3.0
"""Standard errors: with some thirty measures at once, two would call one of them changed by chance alone most times."""


def feature_row(measured: Mapping[str, float]) -> list[float]:
    """Return one photo's row for the fit, in the order of FEATURES; a measure that wasn't taken counts as faultless."""
    row = []
    for name in FEATURES:
        value = float(measured.get(name, 1.0 if name in HIGHER_IS_BETTER else 0.0))
        row.append(float(np.clip(value, -SPAN[name], SPAN[name])) if name in SPAN else value)
    return row


@dataclass(frozen=True, slots=True)
class Compared:
    """One measure on both sides. `champion`, `challenger`: weighted means as measured.

    `change` is the mean of challenger - champion beyond the measure's limit, `error` its standard error; `better` and
    `worse` count photos by it. `verdict` is better, worse or same: beyond DOUBT standard errors, or not.
    """

    name: str
    champion: float
    challenger: float
    change: float
    error: float
    better: int
    worse: int
    photos: int
    verdict: str


def compare(
    champion: Sequence[Mapping[str, float]],
    challenger: Sequence[Mapping[str, float]],
    weights: Sequence[float] = (),
    limits: Mapping[str, float] = MappingProxyType({}),
) -> list[Compared]:
    """Compare two versions over the same photos in the same order, each given as {measure: value}.

    Within its limit a measure finds no fault, so only what lies beyond counts as a change; a measure without a limit
    that is no part of the score is told, never judged. Only measures that both sides of a photo have count. Weighted
    paired differences; SE^2 = sum (w / sum w)^2 (d - mean)^2. [] without photos. Raises ValueError when the numbers of
    photos differ.
    """
    if len(champion) != len(challenger) or (weights and len(weights) != len(champion)):
        raise ValueError("Both versions need the same photos, and a weight each.")
    given = list(weights) or [1.0] * len(champion)
    names = sorted({name for row in champion for name in row}, key=lambda name: (name not in PARTS, name))
    found = []
    for name in names:
        rows = [
            (old[name], new[name], weight)
            for old, new, weight in zip(champion, challenger, given, strict=True)
            if name in old and name in new
        ]
        if rows:
            found.append(_compared(name, rows, limits.get(name)))
    return found


def _compared(name: str, rows: list[tuple[float, float, float]], limit: float | None) -> Compared:
    old, new, weight = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
    shares = weight / weight.sum()
    is_better_high = name in HIGHER_IS_BETTER
    counted = (old, new) if limit is None else tuple(_beyond(side, limit, is_better_high) for side in (old, new))
    gaps = counted[1] - counted[0]
    change = float(shares @ gaps)
    error = float(np.sqrt((shares**2 * (gaps - change) ** 2).sum()))
    moved = gaps if is_better_high else -gaps
    gain, least = (change if is_better_high else -change), max(DOUBT * error, 1e-6)
    verdict = "better" if gain > least else "worse" if gain < -least else "same"
    if limit is None and name not in PARTS:
        verdict = "same"
    return Compared(
        name, float(shares @ old), float(shares @ new), change, error,
        int((moved > 1e-9).sum()), int((moved < -1e-9).sum()), len(rows), verdict,
    )  # fmt: skip


def _beyond(values: Floats, limit: float, is_better_high: bool) -> Floats:
    return np.minimum(values, limit) if is_better_high else np.maximum(values, limit)
