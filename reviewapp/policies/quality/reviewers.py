"""The people are part of the statistics: how much a reviewer sees, agreement, bias, and gold pictures. Pure.

Gold: pictures whose truth is known (aged, rotated, with real and injected defects), mixed blind into the queue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import log

import numpy as np
from scipy import special

from reviewapp.policies.quality.bounds import counted, cp_lower
from reviewapp.policies.quality.cusum import Cusum

UNKNOWN_SENSITIVITY = 0.70
UPHELD = 0.97
"""Share of real defects that the second person upholds, as the design measured it: a find of a lot needs both."""
PRIOR, FULL = log(0.05) / log(UNKNOWN_SENSITIVITY), 20
"""Found defects that give the assumed bound by themselves (8.4), and known defects from which it counts no more."""
GOLD_SHARE, GOLD_DEFECTIVE, GOLD_REST_DAYS = 0.05, 0.5, 60
MISS_RATES, FALSE_RATES, GOLD_LIMIT = (0.10, 0.30), (0.02, 0.08), log(400.0)
LEAST_VIEW_S = 1.5
KAPPA_TARGET, AC1_TARGET, LEAST_PREVALENCE = 0.75, 0.90, 0.10


def sensitivity_bound(found: int, shown: int, delta: float = 0.05) -> float:
    """Return s_L, the lower bound of the chance that a look at a defect finds it, from gold defects; 0.70 without any.

    From FULL known defects in 90 days on it is the Clopper-Pearson lower bound. Golden: 92 % found gives .76, .83, .86,
    .88 at 30, 60, 100, 200. Below that the assumed 0.70 fades out: Clopper-Pearson's bound is the delta quantile of
    Beta(found, missed + 1), and the assumption adds PRIOR found defects to it, fewer the more there are. One found of
    one alone would be a bound of 0.05, and no lot could be proven in a new house. Never lower for another found defect,
    never higher for another miss. Never 0: with nothing found it is the bound of one find, for bounds divide by it.
    Raises ValueError if impossible.
    """
    counted(found, shown)
    assumed = PRIOR * max(0.0, 1.0 - shown / FULL)
    return float(special.betaincinv(max(found + assumed, 1.0), shown - found + 1.0, delta))


@dataclass(frozen=True, slots=True)
class GoldWatch:
    """Two watches on one reviewer's gold: missed defects (10 % -> 30 %) and good pictures rejected (2 % -> 8 %)."""

    misses: Cusum = field(default_factory=lambda: Cusum(*MISS_RATES, GOLD_LIMIT))
    false_rejects: Cusum = field(default_factory=lambda: Cusum(*FALSE_RATES, GOLD_LIMIT))

    @property
    def is_alarm(self) -> bool:
        """An alarm voids the reviewer's certificate looks since the watch's last zero; they are looked at again."""
        return self.misses.is_alarm or self.false_rejects.is_alarm

    def judged(self, is_defective: bool, was_rejected: bool) -> GoldWatch:
        """Return the watches after one gold picture; which of them moves depends on what the picture is."""
        if is_defective:
            return replace(self, misses=self.misses.seen([not was_rejected]))
        return replace(self, false_rejects=self.false_rejects.seen([was_rejected]))


Table = tuple[int, int, int, int]
"""Two reviewers on the same pictures: both reject, only the first, only the second, neither."""


def cohen_kappa(table: Table) -> float | None:
    """Return Cohen's kappa, -1..1; None without pictures or when chance alone would agree on all of them.

    Low at low prevalence even between careful people (same two: .21 at 0.5 %, .84 at 25 %): report it with `gwet_ac1`
    and only on the mixed queue. Source: J. Cohen, "A coefficient of agreement for nominal scales" (1960).
    """
    a, b, c, d, n = _shares(table)
    chance = (a + b) * (a + c) + (c + d) * (b + d)
    return None if n == 0 or chance >= 1.0 else (a + d - chance) / (1.0 - chance)


def gwet_ac1(table: Table) -> float | None:
    """Return Gwet's AC1, -1..1; None without pictures. Hardly moved by prevalence.

    Source: K. L. Gwet, "Computing inter-rater reliability and its variance in the presence of high agreement" (2008).
    """
    a, b, c, d, n = _shares(table)
    mean = ((a + b) + (a + c)) / 2.0
    chance = 2.0 * mean * (1.0 - mean)
    return None if n == 0 else (a + d - chance) / (1.0 - chance)


def _shares(table: Table) -> tuple[float, float, float, float, int]:
    if min(table) < 0:
        raise ValueError(f"Counts of {table} are impossible.")
    total = sum(table)
    both, first, second, neither = (count / total if total else 0.0 for count in table)
    return both, first, second, neither, total


def fleiss_kappa(rejections: Sequence[int], reviewers: int) -> float | None:
    """Return Fleiss' kappa of `reviewers` (>= 2) per picture, from how many rejected each; None where it is undefined.

    Source: J. L. Fleiss, "Measuring nominal scale agreement among many raters" (1971). Raises ValueError if impossible.
    """
    counts = np.asarray(rejections, dtype=np.float64)
    if reviewers < 2 or (len(counts) and not (counts.min() >= 0 and counts.max() <= reviewers)):
        raise ValueError("Each picture needs 0 to `reviewers` rejections, of at least two.")
    if not len(counts):
        return None
    agree = (counts * (counts - 1) + (reviewers - counts) * (reviewers - counts - 1)) / (reviewers * (reviewers - 1))
    share = counts.mean() / reviewers
    chance = share**2 + (1.0 - share) ** 2
    return None if chance >= 1.0 else float((agree.mean() - chance) / (1.0 - chance))


def rogan_gladen(rejected: float, sensitivity: float, specificity: float) -> float | None:
    """Return the true defect rate behind an observed share `rejected`, 0..1; None if se + sp <= 1 (no information).

    p = (q + sp - 1) / (se + sp - 1), clipped. Source: W. J. Rogan, B. Gladen, "Estimating prevalence from the results
    of a screening test", American Journal of Epidemiology 107 (1978).
    """
    gain = sensitivity + specificity - 1.0
    return None if gain <= 0.0 else min(1.0, max(0.0, (rejected + specificity - 1.0) / gain))


@dataclass(frozen=True, slots=True)
class Bias:
    """How one reviewer's reject rate compares with all others'. `p_value` is already corrected for the number of
    people.
    """

    rate: float | None
    pooled: float | None
    p_value: float
    is_flagged: bool


def bias(rejected: Sequence[int], judged: Sequence[int], level: float = 0.05) -> list[Bias]:
    """Return each reviewer's bias under random assignment: two-sided binomial against the others pooled, Bonferroni.

    A reviewer without decisions, or whose colleagues have none, is not flagged. Source: C. J. Clopper, E. S. Pearson
    (1934) for the exact tails. Raises ValueError for impossible counts.
    """
    found = []
    for one, (x, n) in enumerate(zip(rejected, judged, strict=True)):
        counted(x, n)
        others_x = sum(rejected) - rejected[one]
        others_n = sum(judged) - judged[one]
        if not n or not others_n:
            found.append(Bias(x / n if n else None, None, 1.0, False))
            continue
        pooled = (others_x + 0.5) / (others_n + 1.0)
        low = float(special.bdtr(x, n, pooled))
        high = 1.0 if x == 0 else 1.0 - float(special.bdtr(x - 1, n, pooled))
        p_value = min(1.0, 2.0 * min(low, high) * len(judged))
        found.append(Bias(x / n, others_x / others_n, p_value, p_value < level))
    return found


@dataclass(frozen=True, slots=True)
class ReviewerStats:
    """One reviewer's window: gold defects found `k` of `n`, bounds of sensitivity and specificity, agreement, alarm."""

    k: int
    n: int
    s_L: float
    sp_L: float | None
    kappa: float | None
    ac1: float | None
    is_alarm: bool


def reviewer_stats(gold: Sequence[tuple[bool, bool]], shared: Table = (0, 0, 0, 0)) -> ReviewerStats:
    """Return the figures of one reviewer from gold verdicts (is_defective, was_rejected), in order, and double reviews.

    `sp_L` is None without good gold pictures, kappa and AC1 without shared ones.
    """
    found = sum(bad and rejected for bad, rejected in gold)
    bad_count = sum(bad for bad, _ in gold)
    passed, good_count = sum(not bad and not rejected for bad, rejected in gold), len(gold) - bad_count
    watch = GoldWatch()
    for is_defective, was_rejected in gold:
        watch = watch.judged(is_defective, was_rejected)
    specificity = cp_lower(passed, good_count) if good_count else None
    sight = sensitivity_bound(found, bad_count)
    return ReviewerStats(found, bad_count, sight, specificity, cohen_kappa(shared), gwet_ac1(shared), watch.is_alarm)


def prevalence_allows_kappa(bad: int, judged: int) -> bool:
    """Say whether agreement may be reported: at least 10 % of the queue is bad; False without decisions."""
    return judged > 0 and bad / judged >= LEAST_PREVALENCE


def gold_due(place: int, share: float = GOLD_SHARE) -> bool:
    """Say whether the queue's `place` (from 0) is a gold one; about `share` of all, evenly spread."""
    return int((place + 1) * share) > int(place * share)
