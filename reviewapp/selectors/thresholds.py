"""The thresholds page: the policy in force, how scores lie against it, and every version before."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext as _

from reviewapp.models import CategoryRule, PolicyDraft, RoutingPolicy
from reviewapp.selectors import presets as preset_selectors
from reviewapp.selectors.certifying import FROM, WIDTH, BelowLine, Certified, Dot, below_line, certified, dots, looked
from reviewapp.selectors.quality import EscapeRate, ScoreBin, current_policy, escape_rate, score_histogram

__all__ = ["current_policy", "threshold_page"]

VERSIONS = 30
COMPARED = (
    "approve_at",
    "review_at",
    "white_tolerance",
    "compliance_rate",
    "perimeter_samples",
    "fill_target",
    "edge_medium",
    "edge_complex",
    "colour_risk",
    "medium_goes_to_people",
    "allow_not_measured",
    "min_confidence",
    "sample_rate",
    "sample_block",
    "sample_reject_limit",
    "explored_share",
    "prove_lots",
    "tolerated_rate",
    "window_images",
    "max_redo",
    "proposal_min_count",
    "proposal_share",
    "study_min_rejects",
    "study_share",
    "study_trials",
    "trial_share",
    "retune_on_drift",
    "retune_days",
)


@dataclass(frozen=True, slots=True)
class Change:
    """One threshold that a version changed."""

    label: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One version with what it changed from the one before; the first version changed nothing."""

    policy: RoutingPolicy
    changes: list[Change]


@dataclass(frozen=True, slots=True)
class Column:
    """One bar of the histogram in chart units: x and width of 0..1000, y and height of 0..100."""

    x: float
    width: float
    y: float
    height: float
    zone: str
    words: str


@dataclass(frozen=True, slots=True)
class ThresholdPage:
    """Everything the page shows."""

    current: RoutingPolicy
    versions: list[PolicyVersion]
    rules: list[CategoryRule]
    bins: list[ScoreBin]
    escape: EscapeRate
    dots: list[Dot]
    certified: Certified
    below: BelowLine
    draft: PolicyDraft | None

    @property
    def target_y(self) -> float:
        """The tolerated rate's place on the chart, from the top."""
        return _height(self.certified.alpha)

    @property
    def scored(self) -> int:
        return sum(one.count for one in self.bins)

    def share(self, low: float, high: float) -> float:
        """Share of scores whose bin begins in low..high; bins are 5 points wide, so it is exact for such limits."""
        return sum(one.count for one in self.bins if low <= one.low < high) / max(1, self.scored)

    @property
    def zones(self) -> list[tuple[str, str, float]]:
        """(zone, words, share) from the bottom of the scale."""
        policy = self.current
        return [
            ("lo", _("Below the review line"), self.share(0, policy.review_at)),
            ("mid", _("In the review band"), self.share(policy.review_at, policy.approve_at)),
            ("hi", _("From the pass line up"), self.share(policy.approve_at, 101)),
        ]

    @property
    def points(self) -> list[tuple[Dot, dict[str, float]]]:
        """The dots of the reject shares, placed."""
        return chart(self.dots)

    @property
    def columns(self) -> list[Column]:
        """The histogram's bars."""
        top = max((one.count for one in self.bins), default=0) or 1
        out = []
        for one in self.bins:
            zone = "hi" if one.low >= self.current.approve_at else "mid" if one.low >= self.current.review_at else "lo"
            height = one.count / top * 100
            words = f"{one.low} to {one.high}: {one.count:,}"
            out.append(Column(one.low * 10 + 2, (one.high - one.low) * 10 - 4, 100 - height, height, zone, words))
        return out


def _height(share: float) -> float:
    """A share 0..1 in chart units from the top, 0..100, by its square root."""
    return round(100.0 - 100.0 * math.sqrt(share), 2)


def chart(found: list[Dot]) -> list[tuple[Dot, dict[str, float]]]:
    """The dots in chart units: x 0..1000 for scores 50 to 100, y 0..100 by the square root of the share."""
    return [
        (
            dot,
            {
                "x": (dot.low + WIDTH / 2 - FROM) * 20.0,
                "y": _height(dot.rate),
                "top": _height(dot.most),
                "foot": _height(dot.least),
                "smooth": _height(dot.smooth),
            },
        )
        for dot in found
    ]


def _changes(older: RoutingPolicy, newer: RoutingPolicy) -> list[Change]:
    pairs = ((name, getattr(older, name), getattr(newer, name)) for name in COMPARED)
    return [Change(name.replace("_", " "), old, new) for name, old, new in pairs if old != new]


def threshold_page() -> ThresholdPage:
    """Read the page in a fixed number of queries. Raises RoutingPolicy.DoesNotExist when nothing is seeded."""
    found = list(preset_selectors.policies()[: VERSIONS + 1])
    if not found:
        raise RoutingPolicy.DoesNotExist("No thresholds are in force. Run migrate.")
    versions = [PolicyVersion(newer, _changes(older, newer)) for newer, older in pairwise(found)]
    if len(found) <= VERSIONS:
        versions.append(PolicyVersion(found[-1], []))
    looks = looked()
    return ThresholdPage(
        current=found[0],
        versions=versions,
        rules=list(preset_selectors.category_rules()),
        bins=score_histogram(),
        escape=escape_rate(),
        dots=dots(looks),
        certified=certified(looks, found[0].tolerated_rate),
        below=below_line(looks, found[0].review_at),
        draft=PolicyDraft.objects.filter(closed_at__isnull=True).select_related("drafted_by").first(),
    )
