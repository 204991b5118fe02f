"""What the quality loop does by itself, called by the sweep: every step looks first whether it is due."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from reviewapp.enums import ProposalState, Verdict
from reviewapp.models import PresetProposal
from reviewapp.policies.quality import tuning
from reviewapp.selectors import replays, studying
from reviewapp.selectors.quality import current_policy
from reviewapp.selectors.review import photo_decisions

from . import alarms, calibrating_due, canaries, retuning, studies

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TickReport:
    """What one round did."""

    studies_started: int
    studies_moved: int
    canaries_ended: int
    calibrations_ordered: int
    alarms_opened: int


_drift_due: list[datetime] = []
"""When this process looks for drift next; every hour is often enough for a comparison of weeks."""
DRIFT_EVERY = timedelta(hours=1)


def tick() -> TickReport:
    """Start tests that are due, move studies on, promote or roll back trials. Two at once do no harm."""
    report = TickReport(
        start_due() + retuning.start_due(),
        studies.advance_all(),
        canaries.tick_all(),
        calibrating_due.order_due(),
        _watch_drift() + alarms.watch_trials(),
    )
    if any(asdict(report).values()):
        logger.info("loop_tick", extra=asdict(report))
    return report


def _watch_drift() -> int:
    now = timezone.now()
    if _drift_due and now < _drift_due[-1]:
        return 0
    _drift_due[:] = [now + DRIFT_EVERY]
    return alarms.watch_drift(now)


def start_due() -> int:
    """Start a test of each open proposal with enough rejections behind it, one at a time per preset.

    A version that won and waits for an admin counts: what is found meanwhile would be about settings that may go.
    """
    limits = current_policy()
    waiting = PresetProposal.objects.filter(state=ProposalState.OPEN, study__isnull=True).order_by("pk")
    started = 0
    for proposal in waiting.select_related("base__preset"):
        if studying.is_busy(proposal.base.preset) or not _is_due(
            proposal, limits.study_min_rejects, limits.study_share
        ):
            continue
        try:
            studies.start(proposal)
        except studies.StudyRefused:  # an alarm is open, or the preset is locked: asked again in the next round
            continue
        started += 1
    return started


def _is_due(proposal: PresetProposal, least_rejects: int, least_share: float) -> bool:
    rejected = photo_decisions().filter(preset_version=proposal.base, verdict=Verdict.REJECT)
    if rejected.count() < least_rejects:  # at the price of a count; the scores are read only for those that may be due
        return False
    seen = replays.of_version(proposal.base, is_measured=False)
    traffic = sum(1.0 / one.pi for one in seen)
    named = sum(1.0 / one.pi for one in seen if one.is_bad and proposal.reason_code in one.reasons)
    rejects = sum(one.is_bad for one in seen)
    return tuning.is_due(rejects, named / traffic if traffic else 0.0, least_rejects, least_share)
