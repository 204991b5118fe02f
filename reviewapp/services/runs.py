"""Durable tasks: create, claim, keep, complete, fail, sweep. The row is the truth, RQ is the doorbell.

Claim and completion are conditional UPDATEs whose row count says who won, so they hold on SQLite and PostgreSQL alike.
The fencing token rises with every claim: a worker that was paused past its lease finds its token stale and stops.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from reviewapp import queues
from reviewapp.enums import BatchState, FailureCategory, Step, TaskState
from reviewapp.models import Asset, Batch, LinePause, Task

from . import audit, away, errors, turns

logger = logging.getLogger(__name__)

RING_AGAIN_S = 30
BURIED_AT_ONCE = 1000
OnDead = Callable[[Task], None]


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to do one task until the lease ends; `token` proves it."""

    task_id: int
    token: int
    owner: str
    step: Step
    asset_id: int
    attempt: int
    args: dict[str, Any] = field(default_factory=dict)


class Fenced(RuntimeError):
    """Another worker holds this task now: whatever was computed must be thrown away."""


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What one sweep did."""

    released: int = 0
    died: int = 0
    rung: int = 0


def create_task(
    asset: Asset,
    step: Step,
    key: str,
    *,
    priority: int | None = None,
    args: dict[str, Any] | None = None,
    available_at: datetime | None = None,
) -> Task:
    """Return the one task named `key`, making it if needed, and ring its bell when the transaction commits.

    Asking twice gives the same row, so a step that runs again can't double what follows it.
    """
    now = timezone.now()
    level = asset.priority if priority is None else priority
    # Called by Django when there is no such task yet: only one that is made takes a turn.
    turn: Any = partial(turns.turn_of, asset, level)
    task, created = Task.objects.get_or_create(
        key=key,
        defaults={
            "asset": asset,
            "step": step,
            "args": args or {},
            "priority": level,
            "turn": turn,
            "available_at": available_at or now,
            "woken_at": now,
            "ages_at": (available_at or now) + turns.AGE,
        },
    )
    if created:
        transaction.on_commit(lambda: _ring(task.pk))
    return task


def _ring(task_id: int) -> None:
    """Ring now; a bell that nobody can hear is left to the next sweep instead of the one in 30 s."""
    if not queues.ring(task_id):
        Task.objects.filter(pk=task_id, state=TaskState.PENDING).update(woken_at=None)


def claim(task_id: int, owner: str) -> Claim | None:
    """Take the task for TASK_LEASE_S seconds, or return None when it isn't due, isn't free, or it is paused.

    Every condition on the task itself stands in the UPDATE's own WHERE: PostgreSQL re-checks those after waiting for
    a row lock, a subquery's it would not.
    """
    now = timezone.now()
    stopped = Batch.objects.filter(assets=OuterRef("asset_id"), state__in=[BatchState.PAUSED, BatchState.CANCELLED])
    due = Q(state=TaskState.PENDING, available_at__lte=now)
    abandoned = Q(state=TaskState.RUNNING, lease_until__lt=now, attempts__lt=F("max_attempts"))
    won = (
        Task.objects.filter(due | abandoned, ~Exists(stopped), ~Exists(LinePause.objects.all()), pk=task_id)
        .order_by()
        .update(
            state=TaskState.RUNNING,
            attempts=F("attempts") + 1,
            token=F("token") + 1,
            owner=owner[:80],
            started_at=now,
            lease_until=now + timedelta(seconds=settings.TASK_LEASE_S),
        )
    )
    if not won:
        return None
    row = Task.objects.get(pk=task_id)
    if row.owner != owner[:80]:  # taken over between the two statements; cannot be ours any more
        return None
    return Claim(row.pk, row.token, row.owner, Step(row.step), row.asset_id, row.attempts, row.args)


def beat(held: Claim) -> bool:
    """Extend the lease. False means the claim was lost: stop working on it."""
    until = timezone.now() + timedelta(seconds=settings.TASK_LEASE_S)
    return bool(_held(held).update(lease_until=until))


def complete(held: Claim, write: Callable[[], None]) -> None:
    """Mark the task done and run `write` in the same transaction: both happen or neither.

    Raises Fenced when the claim was lost; `write` is then not called.
    """
    with transaction.atomic():
        done = _held(held).update(
            state=TaskState.DONE,
            finished_at=timezone.now(),
            lease_until=None,
            error_category="",
            error_code="",
            error_text="",
        )
        if done != 1:
            raise Fenced(f"Task {held.task_id} was taken over from {held.owner}.")
        write()


def fail(held: Claim, error: Exception, *, on_dead: OnDead) -> TaskState | None:
    """Record a failure: back to pending with a wait, or dead; `on_dead` runs in the same transaction when it is final.

    services/errors.py says whether it is tried again: after 1 s, 2 s, ... (SCH-06). A full disk waits without spending
    an attempt. A database that is away is re-raised and the lease left to expire, because nothing can be recorded.
    Returns the new state, None when the claim was lost.
    """
    if away.is_database_away(error):
        raise error
    verdict = errors.judge(error)
    with transaction.atomic():
        row = _held(held).first()
        if row is None:
            return None
        is_final = verdict.is_final or (row.attempts >= row.max_attempts and not verdict.is_free)
        now = timezone.now()
        changed = _held(held).update(
            state=TaskState.DEAD if is_final else TaskState.PENDING,
            attempts=F("attempts") - (1 if verdict.is_free else 0),
            lease_until=None,
            available_at=now + timedelta(seconds=verdict.wait_s(row.attempts)),
            woken_at=None,
            finished_at=now if is_final else None,
            error_category=verdict.category,
            error_code=verdict.code[:60],
            error_text=str(error)[:2000] or type(error).__name__,
        )
        if not changed:
            return None
        if is_final:
            row.refresh_from_db()
            on_dead(row)
        return TaskState.DEAD if is_final else TaskState.PENDING


def sweep(*, on_dead: OnDead, now: datetime | None = None) -> SweepReport:
    """Bring back what was lost: expired leases, then bells that were never heard. Two sweepers at once are harmless."""
    moment = now or timezone.now()
    expired = Task.objects.filter(state=TaskState.RUNNING, lease_until__lt=moment, attempts__lt=F("max_attempts"))
    released = expired.update(state=TaskState.PENDING, lease_until=None, available_at=moment, woken_at=None)
    rung = _ring_again(moment)
    return SweepReport(released=released, died=_bury_poison(moment, on_dead), rung=rung)


def retry(task: Task, actor: Any = None) -> bool:
    """Give a dead task a fresh set of attempts. False when it wasn't dead."""
    now = timezone.now()
    with transaction.atomic():
        revived = Task.objects.filter(pk=task.pk, state=TaskState.DEAD).update(
            state=TaskState.PENDING, attempts=0, available_at=now, woken_at=now, finished_at=None
        )
        if revived:
            audit.record("task.retried", task, actor=actor, before={"error": task.error_text[:300]})
            transaction.on_commit(lambda: _ring(task.pk))
    return bool(revived)


def _held(held: Claim) -> Any:
    return Task.objects.filter(pk=held.task_id, token=held.token, state=TaskState.RUNNING).order_by()


def _bury_poison(now: datetime, on_dead: OnDead) -> int:
    """Kill tasks whose worker vanished on the last attempt: such a photo would take every worker down in turn.

    One that can't even be buried keeps no other waiting: it is in the log, stays as it is, and is tried at every sweep.
    """
    lost = Task.objects.filter(state=TaskState.RUNNING, lease_until__lt=now, attempts__gte=F("max_attempts"))
    died = 0
    for row in list(lost.order_by("lease_until", "pk")[:BURIED_AT_ONCE]):
        try:
            with transaction.atomic():
                died += _bury(row, now, on_dead)
        except Exception as error:
            if away.is_database_away(error):
                raise
            logger.exception("task_not_buried", extra={"task": row.pk, "asset": row.asset_id, "step": row.step})
    return died


def _bury(row: Task, now: datetime, on_dead: OnDead) -> int:
    changed = Task.objects.filter(pk=row.pk, token=row.token, state=TaskState.RUNNING, lease_until__lt=now).update(
        state=TaskState.DEAD,
        lease_until=None,
        finished_at=now,
        error_category=FailureCategory.PROCESSING,
        error_code="worker_lost",
        error_text=f"The worker stopped in the middle of this photo {row.attempts} times.",
    )
    if changed:
        row.refresh_from_db()
        on_dead(row)
    return changed


def _ring_again(now: datetime) -> int:
    room = queues.free_bells()
    if not room:
        return 0
    unheard = Q(woken_at__isnull=True) | Q(woken_at__lte=now - timedelta(seconds=RING_AGAIN_S))
    stopped = Batch.objects.filter(assets=OuterRef("asset_id"), state__in=[BatchState.PAUSED, BatchState.CANCELLED])
    open_ = ~Exists(stopped) & ~Exists(LinePause.objects.all())
    waiting = Task.objects.filter(unheard, open_, state=TaskState.PENDING, available_at__lte=now)
    ids = list(waiting.order_by("priority", "turn", "id").values_list("pk", flat=True)[:room])
    rung = [pk for pk in ids if queues.ring(pk)]
    Task.objects.filter(pk__in=rung).update(woken_at=now)
    return len(rung)
