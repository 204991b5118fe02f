"""Four kinds of photos, one of which the score is blind to: do certified thresholds keep their promise, and what do
they let through by themselves?

Scores are 100 less a gamma-distributed loss; the chance of a defect rises with the loss, over a floor that no score
sees. People look at all of the review band (70 to 89), at a tenth above it and at 4 % below; two windows of n
pictures, the old one to propose, the new one to certify. Where reviewers miss, a look finds a defect with probability
.89 and bounds use .85.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.loop_world.pictures import FOUND
from reviewapp.policies.quality.calibration import Labels, inclusion, isotonic
from reviewapp.policies.quality.thresholds import Window, certify

ALPHA, SIGHT = 0.02, 0.85
SAMPLED, EXPLORED = 0.10, 0.04


@dataclass(frozen=True, slots=True)
class Category:
    """Loss of score: gamma with `shape` and `scale`; chance of a defect: floor + 1 / (1 + exp((score - middle) /
    width)).
    """

    name: str
    shape: float
    scale: float
    floor: float
    middle: float
    width: float

    def risk(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Chance of a defect at each score."""
        return np.minimum(1.0, self.floor + 1.0 / (1.0 + np.exp((scores - self.middle) / self.width)))

    def draw(self, rng: np.random.Generator, count: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Scores and truths of `count` pictures."""
        scores = np.clip(100.0 - rng.gamma(self.shape, self.scale, count), 0.0, 100.0)
        return scores, rng.random(count) < self.risk(scores)


CATEGORIES = (
    Category("easy", 1.0, 8.0, 0.003, 83.7, 1.5),
    Category("medium", 1.0, 11.0, 0.003, 81.2, 2.0),
    Category("hard", 1.0, 14.4, 0.003, 77.5, 3.0),
    Category("blind", 1.0, 11.0, 0.022, 80.0, 2.0),
)


@lru_cache(maxsize=8)
def curve(category: Category) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share at or above, and defect rate at or above, each threshold 70 to 99, from two million pictures."""
    rng = np.random.default_rng(7)
    scores, _ = category.draw(rng, 2_000_000)
    risk = category.risk(scores)
    order = np.argsort(-scores)
    total = np.cumsum(risk[order])
    counts = np.searchsorted(-scores[order], -np.arange(70, 100), side="right")
    return counts / len(scores), total[counts - 1] / counts


def oracle(category: Category) -> float:
    """The largest share that could ship by itself with at most 2 % escapes, if the truth were known."""
    shares, rates = curve(category)
    return float(max(shares[rates <= ALPHA], default=0.0))


def window(category: Category, rng: np.random.Generator, count: int, found: float) -> Window:
    """One period as the application logs it."""
    scores, bad = category.draw(rng, count)
    pi = np.select([scores >= 90.0, scores >= 70.0], [inclusion(90, 90, 70, SAMPLED, EXPLORED), 1.0], EXPLORED)
    return Window(scores, pi, rng.random(count) < pi, bad & (rng.random(count) < found))


@dataclass(slots=True)
class Kept:
    """How often each way broke the promise, and what it let through."""

    repeats: int = 0
    violations: int = 0
    plug_in: int = 0
    curve_plug_in: int = 0
    auto: float = 0.0


def judge(category: Category, count: int, repeats: int, seed: int, *, has_misses: bool) -> Kept:
    """Propose and certify `repeats` times, and hold it against the truth."""
    kept = Kept(repeats)
    shares, rates = curve(category)
    found, sight = (FOUND, SIGHT) if has_misses else (1.0, 1.0)
    for repeat in range(repeats):
        rng = np.random.default_rng([seed, repeat])
        old, new = window(category, rng, count, found), window(category, rng, count, found)
        proposal = certify(old, new, alpha=ALPHA, sensitivity=sight)
        if proposal.tau is not None:
            place = int(proposal.tau) - 70
            kept.violations += bool(rates[place] > ALPHA)
            kept.auto += float(shares[place])
        kept.plug_in += _breaks(_point(new), rates)
        kept.curve_plug_in += _breaks(_curve_point(new), rates)
    kept.auto /= repeats
    return kept


def _breaks(tau: int | None, rates: NDArray[np.float64]) -> bool:
    return tau is not None and bool(rates[tau - 70] > ALPHA)


def _labels(window_: Window) -> Labels:
    return Labels(window_.scores[window_.seen], window_.bad[window_.seen], window_.pi[window_.seen])


def _point(window_: Window) -> int | None:
    """The weighted point estimate taken for the truth."""
    labels = _labels(window_)
    return _lowest(labels.scores, labels.bad / labels.pi, 1.0 / labels.pi)


def _curve_point(window_: Window) -> int | None:
    """The isotonic curve's mean above each threshold taken for the truth."""
    risk = isotonic(_labels(window_)).at(window_.scores)
    return _lowest(window_.scores, risk, np.ones(len(risk)))


def _lowest(scores: NDArray[np.float64], bad: NDArray[np.float64], weights: NDArray[np.float64]) -> int | None:
    """Lowest threshold with sum(bad) / sum(weights) <= 2 % above it, all thresholds at once."""
    bins = np.clip(np.floor(scores).astype(np.int64), 69, 99) - 69
    above_bad = np.cumsum(np.bincount(bins, bad, 31)[::-1])[::-1][1:]
    above = np.cumsum(np.bincount(bins, weights, 31)[::-1])[::-1][1:]
    good = np.flatnonzero(above_bad <= ALPHA * above)
    return 70 + int(good[0]) if len(good) else None
