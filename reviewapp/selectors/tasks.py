"""Reading the durable tasks and the workers' heartbeats."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, Max, Min, QuerySet
from django.utils import timezone

from reviewapp.enums import BatchState, TaskState
from reviewapp.models import Asset, ClientTurn, LinePause, Task, WorkerHeartbeat

ALIVE_S = 30
COUNTED = 1000
ORDER = ("priority", "turn", "id")
"""The index task_order. Turns make clients take turns (services/turns.py)."""
STOPPED_BATCHES = (BatchState.PAUSED, BatchState.CANCELLED)


def due_tasks() -> QuerySet[Task]:
    """Tasks a worker may take now, most urgent first; paused and cancelled batches are left out."""
    return (
        _waiting()
        .exclude(asset__batch__state__in=STOPPED_BATCHES)
        .filter(~Exists(LinePause.objects.all()), available_at__lte=timezone.now())
        .order_by(*ORDER)
    )


def _waiting() -> QuerySet[Task]:
    return Task.objects.filter(state=TaskState.PENDING)


def served_turn(priority: int) -> int:
    """The turn that is being served at a priority; while nothing waits there, the last that was given out."""
    going = _waiting().exclude(asset__batch__state__in=STOPPED_BATCHES).filter(priority=priority)
    first = going.order_by(*ORDER).values_list("turn", flat=True).first()
    if first is None:
        first = ClientTurn.objects.filter(priority=priority).aggregate(last=Max("last"))["last"]
    return max(0, first or 0)


def due_ids(limit: int) -> list[int]:
    """Ids of the `limit` most urgent due tasks."""
    return list(due_tasks().values_list("pk", flat=True)[:limit])


def backlog() -> int:
    """QUEUE_LIMIT when more tasks than that wait for a worker, else 0 (SCH-18, OPS-14). Never counts further."""
    limit: int = settings.QUEUE_LIMIT
    return limit if _waiting().order_by(*ORDER).values("pk")[limit : limit + 1].exists() else 0


@dataclass(frozen=True, slots=True)
class Level:
    """What waits at one priority: how many (`is_more` than that), and since when the next to go."""

    priority: int
    waiting: int
    is_more: bool
    since: datetime


def levels() -> list[Level]:
    """The priorities at which something waits. Counts COUNTED tasks of each at most, so it is quick with a million."""
    found = []
    for priority in range(1, 11):
        waiting = _waiting().filter(priority=priority).order_by(*ORDER)
        since = list(waiting.values_list("available_at", flat=True)[: COUNTED + 1])
        if since:
            found.append(Level(priority, min(len(since), COUNTED), len(since) > COUNTED, since[0]))
    return found


def paused_line() -> LinePause | None:
    """Who paused the whole line, when and why; None while it runs."""
    return LinePause.objects.select_related("paused_by").first()


def live_workers(role: str = "worker") -> QuerySet[WorkerHeartbeat]:
    """Heartbeats seen in the last 30 seconds."""
    return WorkerHeartbeat.objects.filter(role=role, seen_at__gte=timezone.now() - timedelta(seconds=ALIVE_S))


def unfinished_count() -> int:
    """How many tasks are pending or running."""
    return _waiting().count() + Task.objects.filter(state=TaskState.RUNNING).count()


def status() -> dict[str, Any]:
    """Return the line's state as one plain object; the CLI's `status --json` prints it.

    `queue_depth` and `oldest_waiting_s` speak of what a worker may take: a paused batch waits for a person instead.
    """
    now = timezone.now()
    assets = {row["state"]: row["n"] for row in Asset.objects.order_by().values("state").annotate(n=Count("pk"))}
    tasks = {row["state"]: row["n"] for row in Task.objects.order_by().values("state").annotate(n=Count("pk"))}
    waiting = due_tasks().order_by().aggregate(n=Count("pk"), oldest=Min("available_at"))
    oldest = waiting["oldest"]
    return {
        "assets": assets,
        "tasks": tasks,
        "queue_depth": waiting["n"],
        "oldest_waiting_s": round((now - oldest).total_seconds(), 1) if oldest else 0.0,
        "workers": live_workers().count(),
        "is_backlog": bool(backlog()),
        "is_paused": paused_line() is not None,
    }
