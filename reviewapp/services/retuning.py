"""Testing a preset again without enough rejections: its scores drift, or its last test is long ago (FBK-18).

The same road as any proposal's: a search on stored photos, a blind duel, an admin, a trial. Only the occasion differs.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Max
from django.utils import timezone

from reviewapp.enums import LearningAlarmKind
from reviewapp.models import LearningAlarm, Preset, PresetLife, PresetProposal, PresetVersion, Study
from reviewapp.policies.learning import shares
from reviewapp.selectors import canaries, studying
from reviewapp.selectors import presets as selectors
from reviewapp.selectors.quality import current_policy

from . import learning, lives, studies

DRIFT, SCHEDULE = "drift", "schedule"


def start_due(now: datetime | None = None) -> int:
    """Start a test of every preset that is due one. Returns how many. Two at once do no harm."""
    moment = now or timezone.now()
    started = 0
    for preset in Preset.objects.filter(current__isnull=False).select_related("current"):
        assert preset.current is not None
        occasion = _occasion(preset, moment)
        proposal = _proposal(preset.current, occasion) if occasion and not _is_busy(preset) else None
        if proposal is None:
            continue
        try:
            studies.start(proposal)
        except studies.StudyRefused:  # an alarm is open, or nothing to compare on: asked again in the next round
            continue
        started += 1
    return started


def _occasion(preset: Preset, now: datetime) -> str:
    """Why a test is due: "drift", "schedule" or ""."""
    limits = current_policy()
    last = Study.objects.filter(replay__base__preset=preset).aggregate(at=Max("created_at"))["at"]
    if limits.retune_on_drift:
        drifts = LearningAlarm.objects.filter(preset=preset, kind=LearningAlarmKind.DRIFT, closed_at__isnull=True)
        if (drifts.filter(opened_at__gt=last) if last else drifts).exists():
            return DRIFT
    if not limits.retune_days:
        return ""
    in_use = PresetLife.objects.filter(version=preset.current_id).values_list("activated_at", flat=True).first()
    known = [moment for moment in (last, in_use) if moment is not None]
    return SCHEDULE if known and max(known) <= now - timedelta(days=limits.retune_days) else ""


def _is_busy(preset: Preset) -> bool:
    running = canaries.running(preset) is not None
    return running or lives.is_locked(preset) or studying.is_busy(preset)


def _proposal(version: PresetVersion, occasion: str) -> PresetProposal | None:
    """The change to begin with: against the reason people name most, whatever its share; None without any."""
    decisions = selectors.judged(version)
    for share in shares(decisions):
        waiting = learning.untested(version, share.reason)
        if waiting is not None:
            return waiting
        made = learning.draft_again(version, share, decisions, occasion)
        if made is not None:
            return made
    return None
