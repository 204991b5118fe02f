"""Reading a trial: how the version in use does, what the photos on trial showed, and which version a photo gets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db.models import Avg, Case, Exists, FloatField, OuterRef, Q, Value, When

from reviewapp.enums import CanaryState, Routing, RunKind, Verdict
from reviewapp.models import Asset, Canary, CanaryPlace, Preset, PresetVersion, ProcessingRun, QualityReport
from reviewapp.policies.quality import calibration
from reviewapp.policies.quality import canary as policy
from reviewapp.selectors import replays
from reviewapp.selectors.quality import current_policy
from reviewapp.selectors.review import photo_decisions

IN_BULK = "bulk:"
"""How the key of a bulk decision begins (services/bulk.py)."""
WINDOW = 1000
"""Photos of the parent that its share of passing scores is taken from."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing a trial learned: a look (`is_bad` said), or a score that went on without one (`is_bad` None)."""

    at: datetime
    passes: bool
    is_bad: bool | None


def running(preset: Preset) -> Canary | None:
    """The trial of `preset` that runs now."""
    return Canary.objects.filter(preset=preset, state=CanaryState.RUNNING).select_related("version", "parent").first()


def version_on_trial(asset: Asset) -> PresetVersion | None:
    """The version `asset` was chosen to be done with; None for most photos, after a rollback, and where a manager chose
    a preset for this photo (CLS-17)."""
    if asset.own_preset_id is not None:
        return None
    place = CanaryPlace.objects.filter(asset=asset).select_related("canary__version").first()
    if place is None or place.canary.state == CanaryState.ROLLED_BACK:
        return None
    return place.canary.version


def champion_rate(version: PresetVersion) -> float:
    """Share of the photos of `version` that people reject, weighted 1 / pi; 1 % while nobody judged any."""
    seen = replays.of_version(version)
    labels = calibration.Labels(
        np.array([one.measured["total"] for one in seen], dtype=np.float64),
        np.array([one.is_bad for one in seen], dtype=np.bool_),
        np.array([one.pi for one in seen], dtype=np.float64),
    )
    rate, _error = calibration.ipw_rate(labels)
    return policy.GOOD if rate is None else float(np.clip(rate, 0.0, 0.9))


def champion_passing(version: PresetVersion) -> float:
    """Share of the latest results of `version` that reach the pass line and no editor was given; 1.0 without any."""
    line = current_policy().approve_at
    latest = QualityReport.objects.filter(run__preset_version=version, run__kind=RunKind.AUTOMATED).order_by("-pk")
    passes = When(total__gte=line, routing__in=[Routing.AUTO_APPROVE, Routing.HUMAN_REVIEW], then=Value(1.0))
    passing = Case(passes, default=Value(0.0), output_field=FloatField())
    found = QualityReport.objects.filter(pk__in=list(latest.values_list("pk", flat=True)[:WINDOW]))
    share = found.aggregate(share=Avg(passing))["share"]
    return 1.0 if share is None else float(share)


def events(canary: Canary) -> list[Event]:
    """Everything the photos on trial showed, in the order it happened."""
    return sorted(_events(canary), key=lambda event: event.at)


def _events(canary: Canary) -> Iterator[Event]:
    decisions = photo_decisions().filter(
        asset__canary_place__canary=canary, preset_version=canary.version, run__kind__in=[
            RunKind.AUTOMATED, RunKind.ADJUSTED
        ]
    )  # fmt: skip
    # A decision for many photos at once is nobody's look at one: it counts for nothing here.
    decisions = decisions.exclude(idempotency_key__startswith=IN_BULK)
    looked: set[int] = set()
    for decision in decisions.select_related("asset__canary_place", "run").order_by("pk"):
        looked.add(decision.asset_id)
        is_bad = decision.verdict == Verdict.REJECT or decision.run.kind == RunKind.ADJUSTED
        yield Event(decision.created_at, bool(decision.asset.canary_place.passes), is_bad)
    review_at = current_policy().review_at
    with_editor = Q(quality__total__lt=review_at) | Q(quality__routing__in=[Routing.EDITING, Routing.REJECT_AND_REDO])
    results = ProcessingRun.objects.filter(with_editor, asset=OuterRef("asset"), preset_version=canary.version)
    missed = canary.places.filter(Exists(results.filter(kind=RunKind.AUTOMATED)), passes=False, scored_at__isnull=False)
    for place in missed.exclude(asset_id__in=looked):
        assert place.scored_at is not None
        yield Event(place.scored_at, False, None)
