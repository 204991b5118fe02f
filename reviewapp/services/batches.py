"""Moving a batch along, and what a manager can do to one."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from processing.errors import InputRejected
from reviewapp.enums import (
    RESOLVED_STATES,
    UNDONE_STATES,
    AssetState,
    BatchState,
    DeliveryState,
    EditReason,
    RenditionState,
    ReviewTaskState,
    Step,
    TaskState,
)
from reviewapp.models import Asset, Batch, EditTask, Rendition, ReviewTask, Task
from reviewapp.selectors import batches as selectors
from reviewapp.selectors import failures

from . import anomalies, assets, audit, batch_state, first_samples, notices, pilots, recalls, runs, sampling, turns
from .handover import LIVE_EDITS, open_editing

# Where a photo stood before the step that failed, so that a retry starts exactly that step again.
BEFORE_STEP = {
    Step.VALIDATE: AssetState.RECEIVED,
    Step.CLASSIFY: AssetState.VALIDATED,
    Step.PROCESS: AssetState.QUEUED,
}
MOVABLE = (BatchState.PROCESSING, BatchState.REVIEW, BatchState.READY)
PAUSABLE = (BatchState.UPLOADING, *MOVABLE)
STOPPED_BY_CANCELLING = UNDONE_STATES - {AssetState.SCORED}


def refresh(batch_id: int) -> None:
    """Bring a batch up to date with its photos: draw due samples, let through what waited for one, give people what is
    unlike the rest (REV-18), move its state, complete it exactly once (SCH-21).

    Call after every change to one of its photos. Inside a transaction it waits for the commit, because two people (or
    workers) resolving the last two photos at once would each see the other's as still open.
    """
    if transaction.get_connection().in_atomic_block:
        # A lambda: Django logs a robust callback's failure by its __qualname__, which a partial doesn't have.
        transaction.on_commit(lambda: _refresh(batch_id), robust=True)
    else:
        _refresh(batch_id)


def _refresh(batch_id: int) -> None:
    goes_on = _refresh_once(batch_id)
    for _piece in range(first_samples.AT_ONCE // first_samples.PIECE - 1):
        if not goes_on:
            return
        goes_on = _let_more_through(batch_id)


def _refresh_once(batch_id: int) -> bool:
    """True when more of what waits may be let through."""
    batch = Batch.objects.select_related("client").get(pk=batch_id)
    if batch.state not in PAUSABLE:
        return False
    # Most calls change nothing: read first, and take the write lock only for those that do.
    if not first_samples.is_due(batch) and not sampling.is_due(batch) and not _is_behind(batch):
        return False
    with transaction.atomic():
        Batch.objects.select_for_update(no_key=True).filter(pk=batch_id).first()
        batch.refresh_from_db()
        if batch.state not in PAUSABLE:
            return False
        goes_on = first_samples.advance(batch)
        anomalies.flag_due(batch)  # before the draw: what people look at anyway is no part of what is sampled
        sampling.draw_due(batch)
        if batch.state == BatchState.UPLOADING:
            return goes_on
        due = selectors.state_due(batch)
        if due != batch.state:
            batch_state.move(batch, due, allowed_from=MOVABLE)
        if due == BatchState.READY:
            _complete(batch)
    return goes_on


def _let_more_through(batch_id: int) -> bool:
    """The next piece, in a transaction of its own, so that nobody waits long for the database."""
    with transaction.atomic():
        batch = Batch.objects.select_for_update(no_key=True).get(pk=batch_id)
        return batch.state in PAUSABLE and first_samples.let_through(batch)


def _is_behind(batch: Batch) -> bool:
    if batch.state == BatchState.UPLOADING:
        return False
    due = selectors.state_due(batch)
    return due != batch.state or (due == BatchState.READY and batch.completed_at is None)


def _complete(batch: Batch) -> None:
    now = timezone.now()
    if Batch.objects.filter(pk=batch.pk, completed_at__isnull=True).update(completed_at=now):
        batch.completed_at = now
        counts = selectors.counts(batch)
        audit.record("batch.completed", batch, after={"counts": counts})
        notices.completed(batch, counts)
        pilots.report(batch)


def pause(batch: Batch, reason: str, actor: Any = None) -> bool:
    """Stop handing out this batch's tasks; steps that run now finish. False when it can't be paused in its state."""
    with transaction.atomic():
        kept = reason.strip()[: batch_state.HELD_REASON_CHARS] or "Paused by a manager."
        return batch_state.move(
            batch, BatchState.PAUSED, allowed_from=PAUSABLE, actor=actor, note=kept, paused_reason=kept
        )


def resume(batch: Batch, actor: Any = None) -> bool:
    """Let a paused batch go on where it stood; its bells are rung by the next sweep. False when it isn't paused."""
    target = BatchState.PROCESSING if batch.closed_at else BatchState.UPLOADING
    with transaction.atomic():
        moved = batch_state.move(
            batch, target, allowed_from=[BatchState.PAUSED], actor=actor, note=batch.paused_reason, paused_reason=""
        )
        if moved:
            Task.objects.filter(asset__batch=batch, state=TaskState.PENDING).update(woken_at=None)
            refresh(batch.pk)
    return moved


def cancel(batch: Batch, reason: str = "", actor: Any = None) -> int:
    """Give up whatever the machine has not done yet and close the batch. Returns how many photos were cancelled.

    Photos that are with people or approved keep their state; a step that runs now finds its photo cancelled and stops.
    """
    with transaction.atomic():
        is_cancelled = batch_state.move(
            batch,
            BatchState.CANCELLED,
            allowed_from=[*PAUSABLE, BatchState.PAUSED],
            actor=actor,
            note=reason,
            paused_reason="",
        )
        if not is_cancelled:
            return 0
        for delivery in batch.deliveries.filter(state=DeliveryState.WAITING):
            recalls.take_back(delivery, reason=recalls.CANCELLED, actor=actor, only_waiting=True)
        waiting = list(batch.assets.filter(state__in=STOPPED_BY_CANCELLING))
        return sum(_cancel_asset(asset, actor) for asset in waiting)


def _cancel_asset(asset: Asset, actor: Any) -> bool:
    """False when the photo was done meanwhile; one that a worker moved to its next step is cancelled there: nobody
    would ever take that step up."""
    while asset.state in STOPPED_BY_CANCELLING:
        if try_move(asset, AssetState.CANCELLED, reason="The batch was cancelled.", actor=actor):
            return True
        asset.refresh_from_db(fields=["state"])
    return False


def retry_failed(batch: Batch, actor: Any = None, *, code: str | None = None, category: str | None = None) -> int:
    """Start the failed step of every failed photo again, of all, of those with `code`, or of one failure category, as
    the network's (SCH-22). Returns how many (SCH-24).

    Channel files that could not be made at all are tried again too when neither is given. A delivered batch is open
    again afterwards, so that what comes of it is sampled and delivered; a cancelled one stays as it is.
    """
    # What a senior gave up stays given up: only a person's word brings it back.
    failed = batch.assets.filter(state=AssetState.FAILED).exclude(state_code="given_up")
    if code is not None:
        failed = failed.filter(state_code=code)
    done = 0
    with transaction.atomic():
        if not is_alive(batch):
            return 0
        kinds = failures.categories_of(batch) if category is not None else {}
        for asset in failed:
            if category is None or kinds.get(asset.pk) == category:
                done += _retry_asset(asset, actor)
        if code is None and category is None:
            done += _retry_renders(batch, actor)
        if done:
            asked = {"code": code or "", "category": category or "", "photos": done}
            audit.record("batch.retried", batch, actor=actor, after=asked)
        open_again(batch, done, actor)
    return done


def is_alive(batch: Batch) -> bool:
    """Lock the batch until the transaction ends and say whether it isn't cancelled."""
    locked = Batch.objects.select_for_update(no_key=True).filter(pk=batch.pk)
    return locked.exclude(state=BatchState.CANCELLED).first() is not None


def open_again(batch: Batch, done: int, actor: Any) -> None:
    """Take a delivered batch up again when `done` of its photos are back in the line, and bring it up to date."""
    if done:
        note = "Photos of this batch are back in the line."
        batch_state.move(batch, BatchState.PROCESSING, allowed_from=[BatchState.DELIVERED], actor=actor, note=note)
    refresh(batch.pk)


def _retry_asset(asset: Asset, actor: Any) -> bool:
    task = Task.objects.filter(asset=asset, state=TaskState.DEAD, step__in=BEFORE_STEP).order_by("-pk").first()
    if task is None:
        return False
    with transaction.atomic():
        reason = "A manager started this step again."
        if not try_move(asset, BEFORE_STEP[Step(task.step)], reason=reason, actor=actor):
            return False
        return runs.retry(task, actor)


def _retry_renders(batch: Batch, actor: Any) -> int:
    dead = Task.objects.filter(asset__batch=batch, state=TaskState.DEAD, step=Step.RENDER)
    done = 0
    for task in dead:
        with transaction.atomic():
            # Only what was never made: a file that failed its channel's rules would fail them again.
            Rendition.objects.filter(
                run_id=task.args.get("run_id"), state=RenditionState.FAILED, storage_key="", checks=[]
            ).delete()
            done += runs.retry(task, actor)
    return done


def hand_to_editors(batch: Batch, actor: Any = None, *, code: str | None = None) -> int:
    """Send failed photos to the editing queue instead of trying again (RTE-08). Returns how many.

    Like a retry it opens a delivered batch again and leaves a cancelled one alone.
    """
    failed = batch.assets.filter(state=AssetState.FAILED)
    if code is not None:
        failed = failed.filter(state_code=code)
    done = 0
    with transaction.atomic():
        if not is_alive(batch):
            return 0
        for asset in failed:
            try:
                with transaction.atomic():
                    open_editing(asset, EditReason.PROCESS_FAILED, asset.state_reason, actor=actor)
            except assets.StateConflict:  # somebody else took it meanwhile
                continue
            done += 1
        open_again(batch, done, actor)
    return done


def set_priority(batch: Batch, priority: int, actor: Any = None) -> None:
    """Move a batch forward or back in every queue: 1 is first, 10 is last. Raises InputRejected outside 1..10."""
    if not 1 <= priority <= 10:
        raise InputRejected(_("Priority %(priority)s is outside 1 to 10.") % {"priority": priority}, code="priority")
    before = batch.priority
    with transaction.atomic():
        Batch.objects.filter(pk=batch.pk).update(priority=priority)
        batch.assets.exclude(state__in=RESOLVED_STATES).update(priority=priority)
        turns.move(batch.pk, priority)
        ReviewTask.objects.filter(asset__batch=batch, state__in=[ReviewTaskState.OPEN, ReviewTaskState.ON_HOLD]).update(
            priority=priority
        )
        EditTask.objects.filter(asset__batch=batch, state__in=LIVE_EDITS).update(priority=priority)
        batch.priority = priority
        audit.record("batch.priority", batch, actor=actor, before={"priority": before}, after={"priority": priority})


def try_move(asset: Asset, target: AssetState, *, reason: str, actor: Any) -> bool:
    try:
        assets.move(asset, target, reason=reason, actor=actor)
    except assets.StateConflict:  # a worker was faster; what it did stands
        return False
    return True
