"""Alarms of the loop that a person closes: opened once each, with the facts; and the watch on drifting scores."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from reviewapp.enums import LearningAlarmKind, Role
from reviewapp.models import LearningAlarm, Preset
from reviewapp.policies.quality.calibration import kolmogorov_smirnov, population_stability
from reviewapp.selectors import calibrations as selectors

from . import audit
from .people import require

PSI_LIMIT, KS_GAP, KS_DOUBT = 0.25, 0.15, 0.001
LEAST_SCORES = 100
QUIET = timedelta(days=7)
"""After somebody closed a drift alarm the new scores become the ones compared with, by then."""


def open_alarm(preset: Preset, kind: LearningAlarmKind, text: str, facts: dict[str, Any]) -> LearningAlarm | None:
    """Open an alarm, or return None where one of its kind is open. Call at any time."""
    try:
        with transaction.atomic():
            made = LearningAlarm.objects.create(preset=preset, kind=kind, text=text[:300], facts=facts)
            audit.record("alarm.opened", made, after={"kind": str(kind), **facts}, note=text)
    except IntegrityError:
        return None
    return made


def close(alarm: LearningAlarm, actor: User, note: str) -> bool:
    """Close an alarm with what was done. False when it was closed before. Raises NotAllowed."""
    require(actor, Role.MANAGER, Role.ADMIN, to=_("close an alarm"))
    with transaction.atomic():
        closed = LearningAlarm.objects.filter(pk=alarm.pk, closed_at__isnull=True).update(
            closed_at=timezone.now(), closed_by=actor, note=note.strip()[:300]
        )
        if closed:
            audit.record("alarm.closed", alarm, actor=actor, note=note.strip())
    return bool(closed)


def watch_drift(now: datetime | None = None) -> int:
    """Compare each preset's scores of the last week with those of the month before (FBK-08). Returns alarms opened.

    Either sign is enough: PSI above 0.25 over the deciles, or distributions apart by 0.15 with a p-value below 0.1 %.
    """
    moment = now or timezone.now()
    opened = 0
    for preset in Preset.objects.filter(current__isnull=False):
        recent = LearningAlarm.objects.filter(preset=preset, kind=LearningAlarmKind.DRIFT)
        if recent.filter(closed_at__isnull=True).exists() or recent.filter(closed_at__gte=moment - QUIET).exists():
            continue
        before, after = selectors.stretches(preset, moment)
        if min(len(before), len(after)) < LEAST_SCORES:
            continue
        psi, (gap, doubt) = population_stability(before, after), kolmogorov_smirnov(before, after)
        if psi > PSI_LIMIT or (gap > KS_GAP and doubt < KS_DOUBT):
            moved = float(after.mean() - before.mean())
            text = (
                f"Scores of the last week differ from the month before: {moved:+.1f} points on average "
                f"(PSI {psi:.2f}, KS {gap:.2f}). What was certified before may not hold."
            )
            facts = {"psi": psi, "ks": gap, "p": doubt, "before": len(before), "after": len(after)}
            opened += open_alarm(preset, LearningAlarmKind.DRIFT, text, facts) is not None
    return opened
