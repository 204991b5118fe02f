"""What other thresholds would have done: the last results sorted anew by score, and what people said of those results.

By score alone: a failed hard gate, a category that always goes to people or an uncertain cut-out outranks the score
before and after, so photos they hold don't move. Nor do those that stand out of their set.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from django.db.models import Count, F, Q
from django.utils import timezone

from reviewapp.enums import ReviewReason, Verdict
from reviewapp.models import QualityReport, ReviewDecision, RoutingPolicy
from reviewapp.policies.sampling import PAUSE_SHARE, rejection_interval
from reviewapp.selectors.quality import current_policy
from reviewapp.selectors.review import photo_decisions

DAYS = 30
TOP = 101.0
PACE = 500


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of results: how many under the thresholds in force, how many under the draft."""

    key: str
    now: int
    draft: int

    @property
    def change(self) -> int:
        return self.draft - self.now


@dataclass(frozen=True, slots=True)
class Slips:
    """What slips through under one pair of lines, in DAYS days: photos estimated, and the ends of the interval.

    `looks`: photos people look at, the review band and the samples; `hours` they take, None without a measured pace.
    """

    photos: float | None
    low: float
    high: float
    looks: float
    hours: float | None


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The last DAYS days' results under a draft.

    `rate`, `low` and `high` (shares 0..1) estimate how many of those that would pass people would reject: with 95 %
    confidence or more, from `judged` of them. `rate` is None while nobody judged any of a part that would pass.
    `limit` is the share of rejected samples at which a batch is paused.
    """

    fates: list[Fate]
    judged: int
    rate: float | None
    low: float
    high: float
    limit: float
    now: Slips
    draft: Slips
    seconds: float | None

    @property
    def verdict(self) -> str:
        """unknown; below: the whole interval is; reaches: the interval passes the limit; above: the estimate does."""
        if self.rate is None:
            return "unknown"
        if self.rate > self.limit:
            return "above"
        return "below" if self.high <= self.limit else "reaches"


@dataclass(frozen=True, slots=True)
class _Rate:
    """A share with the ends of its interval, 0..1, from `judged` looks; `rate` None when a part was never judged."""

    judged: int
    rate: float | None
    low: float
    high: float


def _sorted(since_days: int, review_at: float, approve_at: float) -> dict[str, int]:
    reports = QualityReport.objects.filter(
        run__asset__current_run=F("run"), created_at__gte=timezone.now() - timedelta(days=since_days)
    )
    return reports.aggregate(
        low=Count("pk", filter=Q(total__lt=review_at)),
        band=Count("pk", filter=Q(total__gte=review_at, total__lt=approve_at)),
        passes=Count("pk", filter=Q(total__gte=approve_at)),
    )


def _judged(low: float, high: float, *, samples: bool) -> tuple[int, int]:
    """(rejected, judged) by people of results with low <= score < high, among blind samples or among all others.

    None that were looked at because they stand out of their set: they would be looked at with any lines.
    """
    decisions = photo_decisions().filter(score_total__gte=low, score_total__lt=high)
    decisions = decisions.exclude(task__reason=ReviewReason.ANOMALY)
    sample = Q(task__reason=ReviewReason.SAMPLE)
    found = Counter(dict(decisions.filter(sample if samples else ~sample).values_list("verdict").annotate(Count("pk"))))
    return found[Verdict.REJECT], found.total()


def _estimate(approve_at: float, passes: int, policy: RoutingPolicy, now_passes: int) -> _Rate:
    """The share of what passes from `approve_at` up that people would reject, from what they judged of it.

    Judged in two ways: of what passes already blind samples, of what would pass anew all that people decided.
    """
    parts = [(min(now_passes, passes), _judged(max(approve_at, policy.approve_at), TOP, samples=True))]
    if approve_at < policy.approve_at:
        parts.append((passes - now_passes, _judged(approve_at, policy.approve_at, samples=False)))
    parts = [part for part in parts if part[0]]
    whole = sum(weight for weight, _found in parts)
    judged = sum(found[1] for _weight, found in parts)
    if not parts or not all(found[1] for _weight, found in parts):
        return _Rate(judged, None, 0.0, 1.0)
    confidence = 1 - 0.05 / len(parts)  # both intervals hold at once with 95 % (Bonferroni)
    ends = [(weight / whole, rejected / total, *rejection_interval(rejected, total, confidence))
            for weight, (rejected, total) in parts]  # fmt: skip
    rate, low, high = (sum(row[0] * row[n] for row in ends) for n in (1, 2, 3))
    return _Rate(judged, rate, low, high)


def _pace() -> float | None:
    """Median seconds of the latest looks; None before anybody's pace is known."""
    latest = ReviewDecision.objects.filter(seconds_taken__isnull=False).order_by("-pk")
    seconds = [float(value or 0.0) for value in latest.values_list("seconds_taken", flat=True)[:PACE]]
    return median(seconds) if seconds else None


def _slips(found: _Rate, counts: dict[str, int], sample_rate: float, seconds: float | None) -> Slips:
    passes = counts["passes"]
    looks = counts["band"] + sample_rate * passes
    photos = None if found.rate is None else found.rate * passes
    return Slips(
        photos, found.low * passes, found.high * passes, looks, None if seconds is None else looks * seconds / 3600
    )


def what_if(approve_at: float, review_at: float) -> WhatIf:
    """Sort the last results by a draft. Scores 0..100, review_at <= approve_at; raises ValueError otherwise."""
    if not 0 <= review_at <= approve_at <= 100:
        raise ValueError("The review line is between 0 and the pass line, the pass line at most 100.")
    policy = current_policy()
    now = _sorted(DAYS, policy.review_at, policy.approve_at)
    draft = _sorted(DAYS, review_at, approve_at)
    fates = [Fate(key, now[key], draft[key]) for key in ("passes", "band", "low")]
    here = _estimate(approve_at, draft["passes"], policy, now["passes"])
    there = _estimate(policy.approve_at, now["passes"], policy, now["passes"])
    seconds = _pace()
    return WhatIf(
        fates,
        here.judged,
        here.rate,
        here.low,
        here.high,
        PAUSE_SHARE,
        _slips(there, now, policy.sample_rate, seconds),
        _slips(here, draft, policy.sample_rate, seconds),
        seconds,
    )
