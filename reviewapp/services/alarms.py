"""Alarms of the loop that a person closes: opened once each, with the facts; the watch on drifting scores and on trials
that don't end."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from reviewapp.enums import CanaryState, LearningAlarmKind, Role
from reviewapp.models import Canary, LearningAlarm, Preset
from reviewapp.policies.quality.calibration import kolmogorov_smirnov, population_stability
from reviewapp.policies.quality.canary import PROMOTE_LOOKS
from reviewapp.selectors import calibrations as selectors

from . import audit
from .people import require

PSI_LIMIT, KS_GAP, KS_DOUBT = 0.25, 0.15, 0.001
LEAST_SCORES = 100
QUIET = timedelta(days=7)
"""So long nothing is said again after somebody closed an alarm. Scores: the new ones are compared with, by then."""
LONG_TRIAL = timedelta(days=14)
"""A trial may take this long: twice the week in which no other version may be activated after it."""


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


def settle(preset: Preset, kind: LearningAlarmKind, note: str) -> None:
    """Close what is open of `kind` because its cause is gone. Call inside the transaction that ended it."""
    for alarm in LearningAlarm.objects.filter(preset=preset, kind=kind, closed_at__isnull=True):
        LearningAlarm.objects.filter(pk=alarm.pk).update(closed_at=timezone.now(), note=note[:300])
        audit.record("alarm.closed", alarm, note=note)


def watch_drift(now: datetime | None = None) -> int:
    """Compare each preset's scores of the last week with those of the month before (FBK-08). Returns alarms opened.

    Either sign is enough: PSI above 0.25 over the deciles, or distributions apart by 0.15 with a p-value below 0.1 %.
    """
    moment = now or timezone.now()
    opened = 0
    for preset in Preset.objects.filter(current__isnull=False):
        if _is_said(preset, LearningAlarmKind.DRIFT, moment):
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


def watch_trials(now: datetime | None = None) -> int:
    """Say which trials have run for two weeks without an end: too few photos come, or a lock is on. Returns how many.

    A trial keeps every other version of its preset from being tried, and its photos cost a look each.
    """
    moment = now or timezone.now()
    slow = Canary.objects.filter(state=CanaryState.RUNNING, started_at__lte=moment - LONG_TRIAL)
    opened = 0
    for trial in slow.select_related("preset", "version").order_by("pk"):
        if _is_said(trial.preset, LearningAlarmKind.TRIAL, moment):
            continue
        days = (moment - trial.started_at).days
        if trial.looks < PROMOTE_LOOKS:
            why = f"{trial.looks} of {PROMOTE_LOOKS} looks so far. Roll it back, or send more photos its way."
        else:
            why = f"{trial.looks} looks without a decision. Roll it back, or wait; a locked preset promotes nothing."
        text = f"Version {trial.version.number} has been on trial for {days} days: {why}"
        facts = {"canary": trial.pk, "days": days, "looks": trial.looks}
        opened += open_alarm(trial.preset, LearningAlarmKind.TRIAL, text, facts) is not None
    return opened


def _is_said(preset: Preset, kind: LearningAlarmKind, moment: datetime) -> bool:
    """Whether such an alarm is open, or was closed within the last week."""
    known = LearningAlarm.objects.filter(preset=preset, kind=kind)
    return known.filter(closed_at__isnull=True).exists() or known.filter(closed_at__gte=moment - QUIET).exists()
