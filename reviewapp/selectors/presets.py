"""Reading presets, their versions and what reviews say of them; routing policies; category rules; proposals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet

from processing.params import Described, ProcessingParams
from reviewapp.enums import LookKind, ProposalState, SampleOutcome, Verdict
from reviewapp.models import (
    Asset,
    BatchCategoryPreset,
    CategoryRule,
    Look,
    Preset,
    PresetProposal,
    PresetVersion,
    ReviewDecision,
    RoutingPolicy,
    SampleMember,
)
from reviewapp.policies.learning import Judged, ReasonShare, read, shares
from reviewapp.policies.sampling import rejection_interval

from .first_samples import version_for_member
from .quality import current_policy
from .review import photo_decisions

__all__ = [
    "SampleRate", "Setting", "category_rules", "current_policy", "evidence_decisions", "judged", "open_proposals",
    "policies", "preset_by_slug", "presets", "proposals", "reason_shares", "sample_rates", "settings_of",
    "version_for", "version_for_display", "versions_of",
]  # fmt: skip
EVIDENCE_WINDOW = 1000
"""Decisions looked back at: old ones speak of photos the line no longer sees, and the count stays cheap."""


@dataclass(frozen=True, slots=True)
class SampleRate:
    """Blind-sample outcome of one preset version (FBK-17): shares 0..1, 95 % interval, no `share` if none is judged."""

    version: PresetVersion
    judged: int
    rejected: int
    share: float | None
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of a preset page: what the setting is, its value here, and its value in the version compared with."""

    described: Described
    value: Any
    other: Any = None

    @property
    def is_changed(self) -> bool:
        """True when the two versions differ here."""
        return self.other is not None and self.other != self.value


def presets(words: str = "") -> QuerySet[Preset]:
    """All presets by name, or those whose name or description holds the words, with their current version and how
    many there are."""
    found = Preset.objects.select_related("current").annotate(version_count=Count("versions")).order_by("name")
    return found.filter(Q(name__icontains=words) | Q(description__icontains=words)) if words else found


def version_for(asset: Asset) -> PresetVersion:
    """Return the preset version a photo is done with: the one a manager chose for it, else its category's own if the
    batch pinned one, else the batch's.

    In a batch that does a sample first: that of the round it was drawn in, or what the rest is done with (SMP-06).
    A photo chosen for a trial gets the version on trial instead (selectors.canaries.version_on_trial).
    """
    if asset.own_preset is not None:
        return asset.own_preset
    own = BatchCategoryPreset.objects.filter(batch_id=asset.batch_id, category=asset.category).select_related(
        "preset_version"
    )
    row = own.first()
    if row is not None:
        return row.preset_version
    batch = asset.batch
    if batch.first_share is None:
        return batch.preset_version
    return version_for_member(asset) or batch.rest_version or batch.preset_version


def preset_by_slug(slug: str) -> Preset:
    """Return one preset. Raises Preset.DoesNotExist."""
    return Preset.objects.select_related("current").get(slug=slug)


def versions_of(preset: Preset) -> QuerySet[PresetVersion]:
    """Versions of `preset`, newest first, with how many batches pinned each."""
    return (
        PresetVersion.objects.filter(preset=preset)
        .select_related("preset", "created_by")
        .annotate(batch_count=Count("batches"))
        .order_by("-number")
    )


def version_for_display(version_id: int) -> PresetVersion:
    """Return one version. Raises PresetVersion.DoesNotExist."""
    return PresetVersion.objects.select_related("preset", "created_by").get(pk=version_id)


def settings_of(version: PresetVersion, other: PresetVersion | None = None) -> list[Setting]:
    """List every setting of a version in form order, beside those of `other`; a field added since takes its default."""
    here = ProcessingParams.from_dict(version.params).to_dict()
    there = ProcessingParams.from_dict(other.params).to_dict() if other is not None else None
    return [
        Setting(line, read(here, line.path), None if there is None else read(there, line.path))
        for line in ProcessingParams.describe()
    ]


def policies() -> QuerySet[RoutingPolicy]:
    """Every policy there was, newest first."""
    return RoutingPolicy.objects.select_related("created_by").order_by("-number")


def category_rules() -> QuerySet[CategoryRule]:
    """The category table (CLS-04), by name."""
    return CategoryRule.objects.select_related("preset").order_by("category")


def proposals() -> QuerySet[PresetProposal]:
    """Every proposal, newest first."""
    return PresetProposal.objects.select_related("base__preset", "decided_by", "result").order_by("-created_at", "-pk")


def open_proposals() -> QuerySet[PresetProposal]:
    """Proposals an admin has yet to decide."""
    return proposals().filter(state=ProposalState.OPEN)


def judged(version: PresetVersion) -> list[Judged]:
    """The latest decisions in force on photos made with `version`, newest first."""
    rows = photo_decisions().filter(preset_version=version).order_by("-pk")
    values = rows.values_list("pk", "verdict", "reasons", "was_blind")[:EVIDENCE_WINDOW]
    return [
        Judged(pk, verdict == Verdict.REJECT, tuple(reasons), was_blind) for pk, verdict, reasons, was_blind in values
    ]


def reason_shares(version: PresetVersion) -> list[ReasonShare]:
    """How often each reject reason was given for `version`, most frequent first (FBK-01)."""
    return shares(judged(version))


def evidence_decisions(proposal: PresetProposal) -> QuerySet[ReviewDecision]:
    """The rejections a proposal rests on, for a person to look at."""
    ids = proposal.evidence.get("decision_ids", [])
    return ReviewDecision.objects.filter(pk__in=ids).select_related("asset", "run", "reviewer").order_by("-pk")


def sample_rates(versions: Sequence[PresetVersion]) -> list[SampleRate]:
    """Defect rate among judged blind samples, simple ones and those of lots, of each version (FBK-17). Two queries."""
    is_judged = Q(outcome__in=[SampleOutcome.ACCEPTED, SampleOutcome.REJECTED])
    rows = (
        SampleMember.objects.filter(is_judged, review_task__run__preset_version__in=versions)
        .order_by()
        .values("review_task__run__preset_version")
        .annotate(n=Count("pk"), bad=Count("pk", filter=Q(outcome=SampleOutcome.REJECTED)))
    )
    by_version = {row["review_task__run__preset_version"]: (row["n"], row["bad"]) for row in rows}
    first = Look.objects.filter(kind=LookKind.FIRST, is_void=False, task__run__preset_version__in=versions)
    upheld = Q(seconds__verdict=Verdict.REJECT, seconds__is_void=False)
    counted = first.exclude(verdict="").order_by().values("task__run__preset_version")
    for row in counted.annotate(n=Count("pk", distinct=True), bad=Count("pk", filter=upheld, distinct=True)):
        count, bad = by_version.get(row["task__run__preset_version"], (0, 0))
        by_version[row["task__run__preset_version"]] = (count + row["n"], bad + row["bad"])
    return [_rate(version, *by_version.get(version.pk, (0, 0))) for version in versions]


def _rate(version: PresetVersion, count: int, rejected: int) -> SampleRate:
    low, high = rejection_interval(rejected, count)
    return SampleRate(version, count, rejected, rejected / count if count else None, low, high)


def current_versions() -> QuerySet[PresetVersion]:
    """The version each preset gives to new batches, by preset name."""
    current = Preset.objects.filter(current__isnull=False).values("current")
    return PresetVersion.objects.filter(pk__in=current).select_related("preset").order_by("preset__name")


def latest_version(preset: Preset) -> PresetVersion:
    """The highest version of `preset`, current or not. Raises PresetVersion.DoesNotExist."""
    return PresetVersion.objects.filter(preset=preset).select_related("preset").latest("number")
