"""Reading calibrations and scores over time: the references of a preset, and whether its scores drift."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from django.db.models import F, OuterRef, Subquery

from reviewapp.enums import RunKind, Verdict
from reviewapp.models import Preset, ProcessingRun, QualityReport, Task
from reviewapp.policies.quality.bounds import Floats
from reviewapp.selectors.review import photo_decisions

MOST = 8
BASE_DAYS, LATE_DAYS, MOST_SCORES = 30, 7, 3000


def references(preset: Preset, most: int = MOST) -> list[ProcessingRun]:
    """The first photos of `preset` that people approved as the machine made them, with matte and original stored."""
    approved = photo_decisions().filter(run=OuterRef("pk")).order_by("-pk").values("verdict")[:1]
    rows = ProcessingRun.objects.filter(
        preset_version__preset=preset, kind=RunKind.AUTOMATED, pixels_key=F("asset__original_key"),
        asset__current_run=F("pk"),
    ).exclude(alpha_key="")  # fmt: skip
    found = rows.annotate(said=Subquery(approved)).filter(said=Verdict.APPROVE)
    return list(found.select_related("asset__batch", "channel").order_by("pk")[:most])


def is_ordered(key: str) -> bool:
    """Say whether a task of that name was ever made."""
    return Task.objects.filter(key=key).exists()


def scores(preset: Preset, since: datetime, until: datetime) -> Floats:
    """Totals (n,) of a preset's automated results in a stretch of time, the latest MOST_SCORES."""
    rows = QualityReport.objects.filter(
        run__preset_version__preset=preset, run__kind=RunKind.AUTOMATED, created_at__gte=since, created_at__lt=until
    )
    return np.array(rows.order_by("-pk").values_list("total", flat=True)[:MOST_SCORES], dtype=np.float64)


def stretches(preset: Preset, now: datetime) -> tuple[Floats, Floats]:
    """(scores before, scores lately): the 30 days before the last 7, and those."""
    late = now - timedelta(days=LATE_DAYS)
    return scores(preset, late - timedelta(days=BASE_DAYS), late), scores(preset, late, now)
