"""Lots of pictures whose truth is known, and people who look at them: what every question of the benchmark shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

REVIEWER = (0.92, 0.985)
"""Sensitivity and specificity of a first look."""
ADJUDICATOR = (0.97, 0.99)
FOUND = REVIEWER[0] * ADJUDICATOR[0]
FALSELY_FOUND = (1 - REVIEWER[1]) * (1 - ADJUDICATOR[1])


@dataclass(slots=True)
class Pictures:
    """A lot in its random order. `defects`: ranks; `seen`: whether a look at each finds it; `false`: ranks of false
    finds.
    """

    size: int
    defects: list[int]
    seen: list[bool]
    false: list[int]
    rng: np.random.Generator

    def finds(self, looks: int) -> list[int]:
        """Ranks of what the first `looks` looks find, false finds among them, rising."""
        true = [place for place, is_seen in zip(self.defects, self.seen, strict=True) if is_seen and place < looks]
        return sorted([*true, *(place for place in self.false if place < looks)])

    def fixed(self, looks: int) -> int:
        """True defects among those finds."""
        return sum(is_seen and place < looks for place, is_seen in zip(self.defects, self.seen, strict=True))

    def second_pass(self, rng: np.random.Generator) -> None:
        """Let another person look at all of it once more."""
        self.seen = [is_seen or bool(rng.random() < FOUND) for is_seen in self.seen]

    def adjudications(self, looks: int) -> int:
        """How many flags a second person had to judge."""
        bad = sum(place < looks for place in self.defects)
        return int(self.rng.binomial(bad, REVIEWER[0]) + self.rng.binomial(looks - bad, 1 - REVIEWER[1]))


def lot(rng: np.random.Generator, size: int, rate: float | None = None, defects: int | None = None) -> Pictures:
    """Make a lot with a defect rate (binomial) or with a number of defects, at random places."""
    count = int(rng.binomial(size, min(1.0, rate))) if rate is not None else int(defects or 0)
    places = rng.choice(size, count, replace=False).tolist() if count else []
    seen = (rng.random(count) < FOUND).tolist()
    false_count = int(rng.binomial(size - count, FALSELY_FOUND))
    bad = set(places)
    false = [place for place in rng.integers(0, size, false_count).tolist() if place not in bad] if false_count else []
    return Pictures(size, places, seen, false, rng)


def standard_error(share: float, runs: int) -> float:
    """Standard error of a share over independent runs."""
    return float(np.sqrt(share * (1.0 - share) / runs)) if runs else float("inf")


def quantile(values: Sequence[float], share: float) -> float:
    """Empirical quantile; 0.0 of nothing."""
    return float(np.quantile(values, share)) if len(values) else 0.0
