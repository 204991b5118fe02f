"""Durable tasks (the truth behind the queue) and the workers' heartbeats. See docs/reliability.md."""

from django.conf import settings
from django.db import models

from reviewapp.enums import FailureCategory, Step, TaskState


class Task(models.Model):
    """One step for one asset. The row is the outbox: RQ only rings a bell that says `run_task(id)`.

    `token` is the fencing token: it rises with every claim, and only its holder may complete or extend.
    """

    asset = models.ForeignKey("Asset", on_delete=models.PROTECT, related_name="tasks")
    step = models.CharField(max_length=10, choices=Step.choices)
    key = models.CharField(
        max_length=160, unique=True, help_text="What makes this work unique, e.g. process:12:v3:p1:a1"
    )
    args = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=8, choices=TaskState.choices, default=TaskState.PENDING)
    priority = models.PositiveSmallIntegerField(default=5)
    turn = models.BigIntegerField(
        default=0, help_text="The lower goes first among equals: clients take turns (services/turns.py)."
    )
    ages_at = models.DateTimeField(null=True, blank=True, help_text="Still waiting then: one priority higher.")
    attempts = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=3)
    token = models.PositiveIntegerField(default=0)
    owner = models.CharField(max_length=80, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    available_at = models.DateTimeField()
    woken_at = models.DateTimeField(null=True, blank=True)
    error_category = models.CharField(max_length=20, choices=FailureCategory.choices, blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    error_text = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            # On one state each: SQLite sees through `state = ?`, not through `state IN (?, ?)`. None begins with the
            # state, for SQLite would rather read all that waits by it, and sort.
            models.Index(fields=["priority", "turn", "id"], condition=models.Q(state="pending"), name="task_order"),
            models.Index(fields=["ages_at"], condition=models.Q(state="pending", priority__gt=1), name="task_ages"),
            models.Index(fields=["lease_until"], condition=models.Q(state="running"), name="task_leases"),
            # Has a batch any left? PostgreSQL reads this one; SQLite goes through the batch's own photos.
            models.Index(
                fields=["asset"], condition=models.Q(state__in=["pending", "running"]), name="task_unfinished"
            ),
            models.Index(fields=["finished_at"], name="task_finished"),
        ]

    def __str__(self) -> str:
        return self.key


class ClientTurn(models.Model):
    """The last turn a client was given at a priority: the next of its photos comes after it."""

    client = models.ForeignKey("Client", on_delete=models.CASCADE, related_name="+")
    priority = models.PositiveSmallIntegerField()
    last = models.BigIntegerField(default=-1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["client", "priority"], name="client_turn_once")]


class LinePause(models.Model):
    """While there is a row, no worker takes anything up: somebody paused the whole line."""

    only = models.BooleanField(default=True, unique=True, help_text="There is one row at most.")
    reason = models.CharField(max_length=300)
    paused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    paused_at = models.DateTimeField(auto_now_add=True)


class WorkerHeartbeat(models.Model):
    """What a worker last said of itself; the truth about liveness, because RQ's registry lies after a flush."""

    name = models.CharField(max_length=80, unique=True)
    pid = models.PositiveIntegerField()
    host = models.CharField(max_length=120)
    role = models.CharField(max_length=20, default="worker", help_text="worker or sweeper")
    task = models.ForeignKey(Task, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    remover = models.CharField(max_length=80, blank=True)
    rss_bytes = models.PositiveBigIntegerField(default=0)
    tasks_done = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField(db_index=True)
