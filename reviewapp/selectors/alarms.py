"""What must be settled before a preset may change: asked in one place, by everything that activates one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from reviewapp.enums import AlarmKind, BatchState, CanaryState, LotState, SampleOutcome, ScopeMode
from reviewapp.models import (
    Alarm,
    Batch,
    Canary,
    LearningAlarm,
    Lot,
    Preset,
    PresetLife,
    PresetLock,
    ProcessingRun,
    SampleMember,
    Scope,
)
from reviewapp.policies.quality.canary import IMAGES_BETWEEN, Situation


@dataclass(frozen=True, slots=True)
class OpenAlarms:
    """What is in question for a preset now: a lot on hold, a reviewer's figures."""

    hold: bool = False
    reviewer: bool = False


def open_alarms(preset: Preset) -> OpenAlarms:
    """What is open for `preset`. The one door: whoever adds another kind of alarm adds it here.

    On hold is a batch whose blind samples failed (paused, with rejected samples), a scope or a lot that says so.
    A reviewer's alarm counts for every preset: nobody knows which verdicts it takes along.
    """
    paused = Batch.objects.filter(
        Q(preset_version__preset=preset) | Q(category_presets__preset_version__preset=preset), state=BatchState.PAUSED
    )
    failed = SampleMember.objects.filter(draw__batch__in=paused.values("pk"), outcome=SampleOutcome.REJECTED)
    held = Scope.objects.filter(preset_version__preset=preset, mode=ScopeMode.HOLD)
    lots = Lot.objects.filter(scope__preset_version__preset=preset, state=LotState.HELD)
    reviewers = Alarm.objects.filter(kind=AlarmKind.REVIEWER, closed_at__isnull=True)
    return OpenAlarms(hold=failed.exists() or held.exists() or lots.exists(), reviewer=reviewers.exists())


def open_learning_alarms(preset: Preset | None = None, limit: int | None = None) -> list[LearningAlarm]:
    """Alarms nobody closed yet, newest first, all or the first `limit`. A preset has one of each kind at most."""
    found = LearningAlarm.objects.filter(closed_at__isnull=True).select_related("preset")
    return list((found if preset is None else found.filter(preset=preset))[:limit])


def situation(preset: Preset, *, largest_step: float = 0.0, score_version_changed: bool = False) -> Situation:
    """What stands in the way of activating a version of `preset` (the limits against running away)."""
    alarms = open_alarms(preset)
    activated = PresetLife.objects.filter(
        version__preset=preset, activated_at__isnull=False, parent__isnull=False
    ).order_by("-activated_at")
    last = activated.values_list("activated_at", flat=True).first()
    days, images = float("inf"), float("inf")
    if last is not None:
        days = (timezone.now() - last) / timedelta(days=1)
        runs = ProcessingRun.objects.filter(preset_version__preset=preset, created_at__gte=last)
        images = float(len(runs.order_by().values_list("pk", flat=True)[:IMAGES_BETWEEN]))
    return Situation(
        canary_is_running=Canary.objects.filter(preset=preset, state=CanaryState.RUNNING).exists(),
        hold_is_open=alarms.hold,
        reviewer_alarm_is_open=alarms.reviewer,
        score_version_changed=score_version_changed,
        preset_is_locked=PresetLock.objects.filter(preset=preset).exists(),
        days_since_activation=days,
        images_since_activation=images,
        largest_step=largest_step,
    )
