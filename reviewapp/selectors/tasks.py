"""Reading the durable tasks and the workers' heartbeats."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Count, Min, QuerySet
from django.utils import timezone

from reviewapp.enums import BatchState, TaskState
from reviewapp.models import Asset, Task, WorkerHeartbeat

ALIVE_S = 30
STOPPED_BATCHES = (BatchState.PAUSED, BatchState.CANCELLED)


def due_tasks() -> QuerySet[Task]:
    """Tasks a worker may take now, most urgent first; paused and cancelled batches are left out."""
    return (
        Task.objects.filter(state=TaskState.PENDING, available_at__lte=timezone.now())
        .exclude(asset__batch__state__in=STOPPED_BATCHES)
        .order_by("priority", "id")
    )


def due_ids(limit: int) -> list[int]:
    """Ids of the `limit` most urgent due tasks."""
    return list(due_tasks().values_list("pk", flat=True)[:limit])


def more_urgent_than(task_id: int) -> int | None:
    """Return the most urgent due task that goes before `task_id`, or None (SCH-02: lower number first)."""
    priority = Task.objects.filter(pk=task_id).values_list("priority", flat=True).first()
    if priority is None or priority == 1:
        return None
    return due_tasks().filter(priority__lt=priority).values_list("pk", flat=True).first()


def live_workers(role: str = "worker") -> QuerySet[WorkerHeartbeat]:
    """Heartbeats seen in the last 30 seconds."""
    return WorkerHeartbeat.objects.filter(role=role, seen_at__gte=timezone.now() - timedelta(seconds=ALIVE_S))


def unfinished_count() -> int:
    """How many tasks are pending or running."""
    return Task.objects.filter(state__in=[TaskState.PENDING, TaskState.RUNNING]).count()


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
    }
