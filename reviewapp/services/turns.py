"""Whose turn it is (SCH-02, SCH-27): by priority, within one the clients in turn, and nothing waits for ever.

Every photo gets a number when it comes, one more than its client's last, but none lower than the number that is being
served: so a client with thousands of photos waiting and one with twenty get every other place. The order is the index
task_order, whatever the number of tasks. What waits for AGE moves up one priority.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from reviewapp.enums import TaskState
from reviewapp.models import Asset, ClientTurn, Task
from reviewapp.selectors import tasks

AGE = timedelta(hours=2)
AGE_AT_ONCE = 2000


def turn_of(asset: Asset, priority: int) -> int:
    """The turn of a new task: a photo keeps the one it came with, unless the line has gone on past it meanwhile."""
    served = tasks.served_turn(priority)
    latest = Task.objects.filter(asset=asset).order_by("-id").values_list("priority", "turn").first()
    if latest is None:
        return _next(asset.batch.client_id, priority, served)
    # Turns of different priorities are counted apart.
    return max(latest[1], served) if latest[0] == priority else served


def _next(client_id: int, priority: int, served: int) -> int:
    own = ClientTurn.objects.filter(client_id=client_id, priority=priority)
    if not own.update(last=Greatest(F("last") + 1, served)):
        ClientTurn.objects.get_or_create(client_id=client_id, priority=priority)
        own.update(last=Greatest(F("last") + 1, served))
    return own.values_list("last", flat=True).get()


def move(batch_id: int, priority: int) -> None:
    """Give a batch's waiting tasks another priority: their turns begin with the one that is being served there."""
    waiting = Task.objects.filter(asset__batch_id=batch_id, state=TaskState.PENDING)
    first = waiting.order_by("turn").values_list("turn", flat=True).first()
    if first is not None:
        by = tasks.served_turn(priority) - first
        waiting.update(priority=priority, turn=F("turn") + by, ages_at=timezone.now() + AGE)


def age(now: datetime | None = None) -> int:
    """Move up what has waited for AGE since it came or last moved up. Returns how many."""
    moment = now or timezone.now()
    due = Task.objects.filter(state=TaskState.PENDING, priority__gt=1, ages_at__lte=moment).order_by("ages_at")
    found: dict[int, list[int]] = defaultdict(list)
    for pk, priority in due.values_list("pk", "priority")[:AGE_AT_ONCE]:
        found[priority].append(pk)
    moved = 0
    for priority, ids in found.items():
        moved += Task.objects.filter(pk__in=ids, state=TaskState.PENDING, priority=priority).update(
            priority=priority - 1, turn=tasks.served_turn(priority - 1), ages_at=moment + AGE
        )
    return moved
