"""The thresholds page: the policy in force, how scores lie against it, and every version before."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from reviewapp.models import CategoryRule, PolicyDraft, RoutingPolicy
from reviewapp.selectors import presets as preset_selectors
from reviewapp.selectors.certifying import FROM, WIDTH, BelowLine, Certified, Dot, below_line, certified, dots, looked
from reviewapp.selectors.histogram import Histogram, height
from reviewapp.selectors.pages import Page, keyset_by
from reviewapp.selectors.quality import EscapeRate, current_policy, escape_rate, score_histogram

__all__ = ["current_policy", "threshold_page"]

VERSIONS = 30
RULES = 50
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
    "review_anomalies",
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
class VersionPage:
    """One page of versions, newest first; `next_cursor` is empty on the last."""

    rows: list[PolicyVersion]
    next_cursor: str


@dataclass(frozen=True, slots=True)
class ThresholdPage(Histogram):
    """Everything the page shows."""

    versions: VersionPage
    rules: Page[CategoryRule]
    escape: EscapeRate
    dots: list[Dot]
    certified: Certified
    below: BelowLine
    draft: PolicyDraft | None

    @property
    def target_y(self) -> float:
        """The tolerated rate's place on the chart, from the top."""
        return height(self.certified.alpha)

    @property
    def points(self) -> list[tuple[Dot, dict[str, float]]]:
        """The dots of the reject shares, placed."""
        return chart(self.dots)


def chart(found: list[Dot]) -> list[tuple[Dot, dict[str, float]]]:
    """The dots in chart units: x 0..1000 for scores 50 to 100, y 0..100 by the square root of the share."""
    return [
        (
            dot,
            {
                "x": (dot.low + WIDTH / 2 - FROM) * 20.0,
                "y": height(dot.rate),
                "top": height(dot.most),
                "foot": height(dot.least),
                "smooth": height(dot.smooth),
            },
        )
        for dot in found
    ]


def _changes(older: RoutingPolicy, newer: RoutingPolicy) -> list[Change]:
    pairs = ((name, getattr(older, name), getattr(newer, name)) for name in COMPARED)
    return [Change(name.replace("_", " "), old, new) for name, old, new in pairs if old != new]


def version_page(cursor: str = "") -> VersionPage:
    """One page of versions with what each changed; one query."""
    # One more than is shown: what the page's last one changed.
    page: Page[RoutingPolicy] = keyset_by(preset_selectors.policies(), ("-number",), cursor, VERSIONS + 1)
    found = page.rows
    versions = [PolicyVersion(newer, _changes(older, newer)) for newer, older in pairwise(found)]
    if len(found) > VERSIONS:
        return VersionPage(versions, f"[{found[VERSIONS - 1].number}]")
    return VersionPage([*versions, *(PolicyVersion(first, []) for first in found[-1:])], "")


def rule_page(cursor: str = "") -> Page[CategoryRule]:
    """One page of the category rules, by name; one query."""
    return keyset_by(preset_selectors.category_rules(), ("category",), cursor, RULES)


def threshold_page(versions: str = "", rules: str = "") -> ThresholdPage:
    """Read the page in a fixed number of queries, its two lists after these cursors.

    Raises RoutingPolicy.DoesNotExist when nothing is seeded.
    """
    shown = version_page(versions)
    current = current_policy() if versions or not shown.rows else shown.rows[0].policy
    looks = looked()
    return ThresholdPage(
        current=current,
        versions=shown,
        rules=rule_page(rules),
        bins=score_histogram(),
        escape=escape_rate(),
        dots=dots(looks),
        certified=certified(looks, current.tolerated_rate),
        below=below_line(looks, current.review_at),
        draft=PolicyDraft.objects.filter(closed_at__isnull=True).select_related("drafted_by").first(),
    )
