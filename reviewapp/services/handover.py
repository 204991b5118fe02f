"""Handing a photo to people: the one place where review tasks and edit tasks are made."""

from __future__ import annotations

from typing import Any

from reviewapp.enums import AssetState, EditReason, EditTaskState, ReviewReason
from reviewapp.models import Asset, EditTask, ProcessingRun, ReviewTask
from reviewapp.selectors.quality import current_policy

from . import assets, audit, hidden

LIVE_EDITS = (
    EditTaskState.OPEN,
    EditTaskState.CLAIMED,
    EditTaskState.SUBMITTED,
    EditTaskState.AWAITING_SIGNOFF,
)
FIRST_PRIORITY = 1


def open_review(asset: Asset, run: ProcessingRun, reason: ReviewReason, why: str) -> ReviewTask:
    """Return the one review task of `run`, made if needed. Does not move the asset: a blind sample stays approved."""
    tasks = ReviewTask.objects.filter(look__isnull=True)  # hidden looks at the same result are tasks of their own
    task, created = tasks.get_or_create(
        run=run, defaults={"asset": asset, "reason": reason, "why": why[:300], "priority": asset.priority}
    )
    if created:
        hidden.accompany(task)
    return task


def open_editing(
    asset: Asset, reason: EditReason, why: str, base_run: ProcessingRun | None = None, actor: Any = None
) -> EditTask:
    """Move `asset` to the editing queue with `base_run` as the starting point (None: from scratch) and return its task.

    Asking twice gives the same live task. A photo that came back more often than the policy's `max_redo` is marked as
    escalated and put first (RTE-12). Call inside a transaction. Raises IllegalTransition, StateConflict.
    """
    if asset.state != AssetState.EDITING:
        assets.move(asset, AssetState.EDITING, reason=why, code=str(reason), actor=actor)
    live = EditTask.objects.filter(asset=asset, state__in=LIVE_EDITS).first()
    if live is not None:
        return live
    is_escalated = asset.attempt > current_policy().max_redo
    if is_escalated:
        why = f"Escalated: attempt {asset.attempt}. {why}"
    task = EditTask.objects.create(
        asset=asset,
        reason=reason,
        why=why[:500],
        base_run=base_run,
        priority=FIRST_PRIORITY if is_escalated else asset.priority,
    )
    audit.record("edit.opened", task, actor=actor, after={"reason": str(reason)}, note=why[:500])
    return task
