"""When the weekly calibration is due: asked by the sweep, which never opens the imaging pipeline itself (FBK-03)."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from reviewapp.enums import Step
from reviewapp.models import Preset
from reviewapp.selectors import calibrations as selectors

from . import runs


def week_of(moment: datetime) -> str:
    """ISO year and week of a moment, as 2026-W07."""
    year, week, _ = timezone.localtime(moment).isocalendar()
    return f"{year}-W{week:02d}"


def order_due(now: datetime | None = None) -> int:
    """Ask a worker for this week's calibration of every preset in use that has references. Returns how many."""
    week = week_of(now or timezone.now())
    ordered = 0
    for preset in Preset.objects.filter(current__isnull=False).exclude(calibrations__week=week):
        key = f"calibrate:{preset.pk}:{week}"
        if selectors.is_ordered(key):
            continue
        if first := selectors.references(preset, 1):
            args = {"preset_id": preset.pk, "week": week}
            runs.create_task(first[0].asset, Step.CALIBRATE, key, priority=9, args=args)
            ordered += 1
    return ordered
