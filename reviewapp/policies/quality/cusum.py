"""A watch on a rate that must not jump: the Bernoulli CUSUM, look by look, and how its limit is set. Pure.

Sources: E. S. Page, "Continuous inspection schemes", Biometrika 41 (1954); that the mean time to a false alarm is at
least e^h for every rate up to p0: J. Shin, A. Ramdas, A. Rinaldo, "E-detectors", arXiv 2203.03532.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reviewapp.policies.quality.bounds import Floats, counted


@dataclass(frozen=True, slots=True)
class Cusum:
    """The state of one watch: rates p0 (good) < p1 (bad), alarm at `value` >= `limit`, looks since it was last 0.

    `looks_since_zero` is the change-point estimate: what came before is not suspected.
    """

    p0: float
    p1: float
    limit: float
    value: float = 0.0
    looks_since_zero: int = 0
    is_alarm: bool = False

    def __post_init__(self) -> None:
        if not 0.0 < self.p0 < self.p1 < 1.0 or self.limit <= 0.0:
            raise ValueError(f"A watch from {self.p0} to {self.p1} with limit {self.limit} is impossible.")

    def seen(self, outcomes: Iterable[bool]) -> Cusum:
        """Return the state after further looks, in order (True: a find). An alarm stays until `reset`."""
        up, down = steps(self.p0, self.p1)
        value, since, alarm = self.value, self.looks_since_zero, self.is_alarm
        for is_find in outcomes:
            value, since = value + (up if is_find else down), since + 1
            if value <= 0.0:
                value, since = 0.0, 0
            alarm = alarm or value >= self.limit
        return replace(self, value=value, looks_since_zero=since, is_alarm=alarm)

    def seen_counts(self, finds: int, looks: int) -> Cusum:
        """Return the state after `looks` with `finds`, as if the finds came last in it. Raises ValueError if
        impossible.
        """
        counted(finds, looks)
        _, down = steps(self.p0, self.p1)
        clean = looks - finds
        sunk = self.value + clean * down
        at_zero = replace(self, value=0.0, looks_since_zero=0)
        still = replace(self, value=sunk, looks_since_zero=self.looks_since_zero + clean)
        return (at_zero if sunk <= 0.0 and clean else still).seen([True] * finds)

    def reset(self) -> Cusum:
        """Return the watch at 0, without an alarm."""
        return replace(self, value=0.0, looks_since_zero=0, is_alarm=False)


def steps(p0: float, p1: float) -> tuple[float, float]:
    """Return what a find adds (> 0) and a clean look adds (< 0): the log likelihood ratios of p1 against p0."""
    return log(p1 / p0), log((1.0 - p1) / (1.0 - p0))


def path(outcomes: NDArray[Any], p0: float, p1: float) -> Floats:
    """Return the CUSUM's values after each look, from 0; `outcomes` bool (..., looks), the result has its shape."""
    up, down = steps(p0, p1)
    total = np.cumsum(np.where(outcomes, up, down), axis=-1)
    # max(0, C + step) unrolled: the sum less its lowest value so far, which starts at 0.
    values: Floats = total - np.minimum(np.minimum.accumulate(total, axis=-1), 0.0)
    return values


def first_alarms(outcomes: NDArray[Any], p0: float, p1: float, limit: float) -> NDArray[np.int64]:
    """Return the look (from 1) at which each run alarms, 0 where it doesn't; `outcomes` bool (runs, looks)."""
    if outcomes.shape[-1] == 0:
        return np.zeros(outcomes.shape[0], np.int64)
    over = path(outcomes, p0, p1) >= limit
    return np.where(over.any(axis=1), over.argmax(axis=1) + 1, 0)


def calibrated_limit(
    p0: float, p1: float, rate: float, looks: int, false_alarms: float, *, runs: int = 2000, seed: int = 1
) -> float:
    """Return the smallest limit with at most `false_alarms` (share 0..1) of runs of `looks` at a good `rate` alarming.

    By simulation with a fixed seed; store the result beside the watch. e^limit bounds the mean run length from below,
    the true one is much longer. Raises ValueError for no looks or a share outside 0..1.
    """
    if looks < 1 or not 0.0 < false_alarms < 1.0:
        raise ValueError(f"{looks} looks with {false_alarms} false alarms can't be calibrated.")
    rng = np.random.default_rng(seed)
    peaks = np.concatenate(
        [path(rng.random((min(200, runs - start), looks)) < rate, p0, p1).max(axis=1) for start in range(0, runs, 200)]
    )
    allowed = int(false_alarms * runs)
    return float(np.sort(peaks)[runs - 1 - allowed] + 1e-9)
