"""What people found in photos of a batch, all or a sample: approved, corrected, rejected by reason (SMP-05)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from reviewapp.enums import (
    REVIEW_STATES,
    UNDONE_STATES,
    WATCHED_REASONS,
    AssetState,
    RejectReason,
    RunKind,
    Verdict,
)
from reviewapp.models import Asset, EditTask
from reviewapp.policies.sampling import rejection_interval
from reviewapp.selectors.review import photo_decisions

NO_WORK = (AssetState.REJECTED_INTAKE, AssetState.DUPLICATE)
"""Nothing was made of these: they are no part of what is judged."""


class Said(NamedTuple):
    """The latest verdict on one photo as the line made it, or as a reviewer adjusted it."""

    is_approved: bool
    is_adjusted: bool
    would_pass: bool
    reasons: tuple[str, ...]

    @property
    def is_as_made(self) -> bool:
        return self.is_approved and not self.is_adjusted


@dataclass(frozen=True, slots=True)
class Findings:
    """Counts of photos. `photos` = judged + with_editors + failed + cancelled + open, but for what shipped unseen.

    `would_pass` of the judged had a score that lets pass; `slipped` of those people did not pass as they were.
    `with_editors` were handed to an editor by the line itself, without a reviewer's verdict.
    """

    photos: int
    approved: int
    adjusted: int
    rejected: int
    with_editors: int
    failed: int
    open: int
    would_pass: int
    slipped: int
    reasons: dict[str, int]

    @property
    def judged(self) -> int:
        return self.approved + self.adjusted + self.rejected

    @property
    def rate(self) -> float | None:
        """Share of the judged that was rejected; None while nothing is."""
        return self.rejected / self.judged if self.judged else None

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95 % Clopper-Pearson interval: what a larger batch of this kind may bring."""
        return rejection_interval(self.rejected, self.judged)

    @property
    def low(self) -> float:
        return self.interval[0]

    @property
    def high(self) -> float:
        return self.interval[1]

    @property
    def sentence(self) -> str:
        """All of it in one sentence for a manager."""
        if not self.judged:
            return _("Nobody has judged a photo yet.")
        values = {
            "rejected": self.rejected, "judged": self.judged, "rate": _percent(self.rate or 0.0),
            "low": _percent(self.low), "high": _percent(self.high), "would": self.would_pass, "slipped": self.slipped,
        }  # fmt: skip
        if self.slipped:
            words = _(
                "People rejected %(rejected)s of %(judged)s photos, %(rate)s (%(low)s to %(high)s of more like these), "
                "and did not pass %(slipped)s of the %(would)s that the score would have let pass: correct the preset "
                "or the thresholds first."
            )
        elif self.would_pass:
            words = _(
                "People rejected %(rejected)s of %(judged)s photos, %(rate)s (%(low)s to %(high)s of more like these), "
                "and passed all %(would)s that the score would have let pass."
            )
        else:
            words = _(
                "People rejected %(rejected)s of %(judged)s photos, %(rate)s (%(low)s to %(high)s of more like these); "
                "the score would have let none of them pass by itself."
            )
        return words % values

    def facts(self) -> dict[str, Any]:
        """The counts as they are stored and exported; shares 0..1."""
        counts: dict[str, Any] = {name: getattr(self, name) for name in COUNTS}
        shares = {"reject_rate": self.rate, "reject_low": self.low, "reject_high": self.high}
        return {**counts, "judged": self.judged, **shares, "reasons": dict(self.reasons)}

    @classmethod
    def from_facts(cls, facts: dict[str, Any]) -> Findings:
        """What `facts` gave."""
        return cls(**{name: facts[name] for name in COUNTS}, reasons=dict(facts["reasons"]))


COUNTS = (
    "photos", "approved", "adjusted", "rejected", "with_editors", "failed", "open", "would_pass", "slipped",
)  # fmt: skip


def findings_of(photos: QuerySet[Asset]) -> Findings:
    """Count what people said of `photos`, in three queries."""
    states = {row["state"]: row["n"] for row in photos.order_by().values("state").annotate(n=Count("pk"))}
    said = _said(photos)
    edits = EditTask.objects.filter(asset__in=photos).order_by().values_list("asset_id", flat=True).distinct()
    by_line = set(edits) - said.keys()
    reasons = Counter(reason for one in said.values() if not one.is_approved for reason in set(one.reasons))
    passing = [one for one in said.values() if one.would_pass]
    return Findings(
        photos=sum(states.values()) - sum(states.get(state, 0) for state in NO_WORK),
        approved=sum(one.is_as_made for one in said.values()),
        adjusted=sum(one.is_approved and one.is_adjusted for one in said.values()),
        rejected=sum(not one.is_approved for one in said.values()),
        with_editors=len(by_line),
        failed=states.get(AssetState.FAILED, 0),
        open=sum(states.get(state, 0) for state in (*UNDONE_STATES, *REVIEW_STATES)),
        would_pass=len(passing),
        slipped=sum(not one.is_as_made for one in passing),
        reasons=dict(reasons.most_common()),
    )


def reason_rows(findings: Findings) -> list[tuple[str, int]]:
    """(words, photos) per reject reason, the most frequent first."""
    return [
        (str(RejectReason(code).label) if code in RejectReason.values else code, count)
        for code, count in findings.reasons.items()
    ]


def _said(photos: QuerySet[Asset]) -> dict[int, Said]:
    rows = photo_decisions().filter(asset__in=photos, run__kind__in=[RunKind.AUTOMATED, RunKind.ADJUSTED])
    found: dict[int, Said] = {}
    for pk, verdict, reasons, kind, why in rows.order_by("pk").values_list(
        "asset_id", "verdict", "reasons", "run__kind", "task__reason"
    ):
        is_approved = verdict == Verdict.APPROVE
        found[pk] = Said(is_approved, kind == RunKind.ADJUSTED, why in WATCHED_REASONS, tuple(reasons))
    return found


def _percent(share: float) -> str:
    return f"{share * 100:.0f}%"
