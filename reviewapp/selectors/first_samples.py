"""Reading first samples: what waits, what was looked at, which version the rest may be done with (SMP-06)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from reviewapp.enums import REVIEW_STATES, UNDONE_STATES, AssetState, LifeState
from reviewapp.models import Asset, Batch, FirstMember, FirstSample, PresetVersion
from reviewapp.selectors.findings import Findings, findings_of
from reviewapp.selectors.review import standing_verdicts

ARRIVING = (AssetState.RECEIVED, AssetState.VALIDATED, AssetState.CLASSIFIED)
"""Photos that may still come to wait: a sample is drawn when there are none of these."""


def latest(batch: Batch) -> FirstSample | None:
    """The round whose photos are judged now; None before the first one is drawn."""
    rounds = FirstSample.objects.filter(batch=batch).select_related("preset_version__preset")
    return rounds.order_by("-number").first()


def pending(sample: FirstSample) -> QuerySet[FirstMember]:
    """Members nobody has judged yet: with the machine, with a reviewer, or with an editor whom no reviewer sent it."""
    judged = standing_verdicts().filter(asset=OuterRef("asset"))
    not_reached = Q(asset__state__in=[*UNDONE_STATES, *REVIEW_STATES])
    return sample.members.filter(not_reached | (Q(asset__state=AssetState.EDITING) & ~Exists(judged)))


def waiting_members(batch: Batch) -> QuerySet[FirstMember]:
    """Drawn photos that have not been let through yet, in the order of the draw."""
    drawn = FirstMember.objects.filter(sample__batch=batch, asset__state=AssetState.WAITS_FOR_SAMPLE)
    return drawn.order_by("sample__number", "rank")


def version_for_member(asset: Asset) -> PresetVersion | None:
    """The version of the round `asset` was drawn in; None when it is part of the rest."""
    found = FirstMember.objects.filter(asset=asset).select_related("sample__preset_version__preset").first()
    return found.sample.preset_version if found is not None else None


def versions(batch: Batch) -> QuerySet[PresetVersion]:
    """What a round or the rest may be done with: the pinned version, and newer ones that are or were in use."""
    pinned = batch.preset_version
    used = Q(life__state__in=[LifeState.ACTIVE, LifeState.RETIRED], life__activated_at__isnull=False)
    current = Q(pk=pinned.preset.current_id)
    newer = Q(preset_id=pinned.preset_id, number__gt=pinned.number) & (used | current)
    found = PresetVersion.objects.filter(Q(pk=pinned.pk) | newer).exclude(~Q(pk=pinned.pk), life__state="rolled_back")
    return found.select_related("preset").order_by("number")


@dataclass(frozen=True, slots=True)
class FirstView:
    """The card of a batch that does a sample first. `rounds` are all rounds, `latest` the one that is judged now.

    `looked` of `size` were judged; `waiting` photos are the rest.
    """

    rounds: list[FirstSample]
    looked: int
    waiting: int
    arriving: int
    findings: Findings | None
    applied_at: datetime | None

    @property
    def latest(self) -> FirstSample | None:
        return self.rounds[-1] if self.rounds else None

    @property
    def size(self) -> int:
        return self.latest.size if self.latest is not None else 0

    @property
    def has_rest(self) -> bool:
        """Whether photos wait, or may still come to."""
        return bool(self.waiting or self.arriving)

    @property
    def unlooked(self) -> int:
        return self.size - self.looked

    @property
    def number(self) -> int:
        """The latest round's number; 0 before the first."""
        return self.latest.number if self.latest is not None else 0


def view(batch: Batch, states: Mapping[str, int]) -> FirstView | None:
    """Read the card; `states` are the batch's counts. None, without a query, for a batch that does all at once."""
    if batch.first_share is None:
        return None
    rounds = list(batch.first_samples.select_related("preset_version__preset", "created_by").order_by("number"))
    looked, findings = 0, None
    if rounds:
        now = rounds[-1]
        looked = now.size - pending(now).aggregate(n=Count("pk"))["n"]
        findings = findings_of(Asset.objects.filter(first_member__sample=now))
    arriving = sum(states.get(state, 0) for state in ARRIVING)
    waiting = states.get(AssetState.WAITS_FOR_SAMPLE, 0)
    return FirstView(rounds, looked, waiting, arriving, findings, batch.applied_at)
