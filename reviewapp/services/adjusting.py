"""One photo again with other edge or shadow settings: asked for, seen beside the old result, taken or not (REV-08).

A blind sample takes the same path as any photo, so nothing here tells it from the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone
from django.utils.translation import gettext as _

from processing.errors import InputRejected
from processing.params import ProcessingParams
from reviewapp.enums import AdjustmentState, ReviewTaskState, Role, RunKind, Step
from reviewapp.models import Adjustment, Asset, ProcessingRun, ReviewTask
from reviewapp.policies import adjusting as policy
from reviewapp.policies.setting_words import refusal
from reviewapp.selectors import adjusting as selectors

from . import audit, runs
from .leases import LEASE
from .people import require
from .words import translated

FIRST = 0
"""Priority of the work: a person sits and waits for it."""


class AdjustRefused(Exception):
    """The adjustment can't be made or taken; the message is for the person."""


def ask(user: User, task_id: int, wanted: Mapping[str, Any]) -> Adjustment:
    """Order another run of the photo that `user` has on loan. Raises AdjustRefused, NotAllowed."""
    require(user, Role.REVIEWER, Role.SENIOR, to=_("adjust photos"))
    task = selectors.lent_to(user, task_id)
    if task is None:
        raise AdjustRefused(_("This photo isn't on loan to you any more. Nothing was changed."))
    if task.run.pixels_key != task.asset.original_key:
        raise AdjustRefused(_("This photo was retouched by hand; its settings can't be moved."))
    try:
        changes = policy.changed(ProcessingParams.from_dict(task.run.params), wanted)
    except InputRejected as error:
        raise AdjustRefused(translated(refusal(error, policy.fields()))) from error
    with transaction.atomic():
        asked = Adjustment.objects.create(
            task=task, asset=task.asset, base_run=task.run, changes=changes, asked_by=user
        )
        audit.record("adjustment.asked", asked, actor=user, after={"changes": changes})
        runs.create_task(
            task.asset, Step.ADJUST, f"adjust:{asked.pk}", priority=FIRST, args={"adjustment_id": asked.pk}
        )
    return asked


def ready(asked: Adjustment, run: ProcessingRun) -> None:
    """Keep the finished run beside the old one. Call inside the transaction that completes the task."""
    own = Asset.objects.get(pk=asked.asset_id).runs.exclude(kind=RunKind.REPLAY)
    attempt = (own.aggregate(top=Max("attempt"))["top"] or 0) + 1
    run.attempt = attempt
    run.save(force_insert=True)
    Asset.objects.filter(pk=asked.asset_id).update(attempt=attempt)
    Adjustment.objects.filter(pk=asked.pk).update(state=AdjustmentState.READY, result_run=run)


def failed(adjustment_id: int, sentence: str) -> None:
    """Say why nothing came of it; the photo stays as it is."""
    waiting = Adjustment.objects.filter(pk=adjustment_id, state=AdjustmentState.PENDING)
    waiting.update(state=AdjustmentState.FAILED, error=sentence[:500])


def use(user: User, adjustment_id: int) -> ReviewTask:
    """Let the new result stand in for the old one: what is decided next is decided about it. Raises AdjustRefused."""
    return _swap(user, adjustment_id, is_back=False)


def keep_old(user: User, adjustment_id: int) -> ReviewTask:
    """Go back to the result from before an adjustment that was taken. Raises AdjustRefused."""
    return _swap(user, adjustment_id, is_back=True)


def _swap(user: User, adjustment_id: int, *, is_back: bool) -> ReviewTask:
    require(user, Role.REVIEWER, Role.SENIOR, to=_("adjust photos"))
    asked = Adjustment.objects.filter(pk=adjustment_id, result_run__isnull=False).first()
    task = selectors.lent_to(user, asked.task_id) if asked else None
    if asked is None or task is None:
        raise AdjustRefused(_("This photo isn't on loan to you any more. Nothing was changed."))
    leave, take = (asked.result_run_id, asked.base_run_id) if is_back else (asked.base_run_id, asked.result_run_id)
    now = timezone.now()
    with transaction.atomic():
        swapped = ReviewTask.objects.filter(
            pk=task.pk, run_id=leave, version=task.version, state=ReviewTaskState.OPEN, lease_owner=user
        ).update(run_id=take, version=F("version") + 1, lease_until=now + LEASE)
        if not swapped:
            raise AdjustRefused(_("The photo changed meanwhile. Look at it again."))
        state = AdjustmentState.READY if is_back else AdjustmentState.USED
        Adjustment.objects.filter(pk=asked.pk).update(state=state, used_at=None if is_back else now)
        verb = "adjustment.taken_back" if is_back else "adjustment.used"
        audit.record(verb, asked, actor=user, before={"run": leave}, after={"run": take, "changes": asked.changes})
    return selectors.for_display(task.pk)
