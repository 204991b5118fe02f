"""Reading the editing queue: what waits for hands, who has it, what waits for a senior's signature."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db.models import Case, Count, IntegerField, Q, QuerySet, When
from django.utils.translation import gettext_lazy as _

from reviewapp.enums import BatchState, EditTaskState, Verdict
from reviewapp.models import EditTask, ProcessingRun, QualityReport, ReviewDecision
from reviewapp.selectors.access import limit
from reviewapp.selectors.pages import Page, keyset

CHECKLIST = (
    ("clipping_path", _("Clipping path follows the product")),
    ("fine_detail", _("Hair, fur, lace and chain kept")),
    ("openings", _("Holes and openings cut out")),
    ("colour", _("Colour matches the original")),
    ("clean_background", _("No background left")),
)
"""(code, label) an editor ticks before handing in (PRO-20)."""
BY_AGE = ("priority", "pk")
BY_OWN = ("rank", *BY_AGE)
HISTORY = 20
"""Other edits of a photo on its page."""
WAITING = (EditTaskState.OPEN, EditTaskState.CLAIMED, EditTaskState.SUBMITTED, EditTaskState.AWAITING_SIGNOFF)


CLIENT = "asset__batch__client"
"""From a task to whose photo it is about."""


def live(user: User) -> QuerySet[EditTask]:
    """Tasks of the person's clients that aren't closed; of a cancelled batch none is asked for."""
    tasks = limit(EditTask.objects.filter(state__in=WAITING), user, CLIENT)
    return tasks.exclude(asset__batch__state=BatchState.CANCELLED)


def edit_tasks(user: User) -> QuerySet[EditTask]:
    """Live tasks in working order (priority, then age) with what a row shows."""
    return (
        live(user)
        .select_related("asset__batch__client", "base_run__quality", "result_run__quality", "editor")
        .order_by("priority", "pk")
    )


def claimable_by(user: User) -> QuerySet[EditTask]:
    """Open tasks `user` may take: free ones, and those sent back to them. Own first; in the order of BY_OWN."""
    free = Q(editor__isnull=True) | Q(editor=user)
    mine = Case(When(editor=user, then=0), default=1, output_field=IntegerField())
    return edit_tasks(user).filter(free, state=EditTaskState.OPEN).annotate(rank=mine).order_by(*BY_OWN)


def claimed_by(user: User) -> QuerySet[EditTask]:
    """What `user` has on the desk: claimed, or being scored again."""
    return edit_tasks(user).filter(editor=user, state__in=[EditTaskState.CLAIMED, EditTaskState.SUBMITTED])


def awaiting_signoff(user: User) -> QuerySet[EditTask]:
    """Finished work `user` may sign: never their own."""
    return edit_tasks(user).filter(state=EditTaskState.AWAITING_SIGNOFF).exclude(editor=user)


def counts(user: User) -> dict[str, int]:
    """Return {open, mine, signoff}: what `user` could take, has on the desk, and could sign."""
    row = edit_tasks(user).aggregate(
        open=Count("pk", filter=Q(state=EditTaskState.OPEN) & (Q(editor__isnull=True) | Q(editor=user))),
        mine=Count("pk", filter=Q(editor=user, state__in=[EditTaskState.CLAIMED, EditTaskState.SUBMITTED])),
        signoff=Count("pk", filter=Q(state=EditTaskState.AWAITING_SIGNOFF) & ~Q(editor=user)),
    )
    return {"open": row["open"], "mine": row["mine"], "signoff": row["signoff"]}


def task_for_display(task_id: int, user: User) -> EditTask:
    """Return one task, live or closed, with all its page shows. Raises EditTask.DoesNotExist, also where it is about a
    photo of a client `user` doesn't work for."""
    return limit(EditTask.objects.all(), user, CLIENT).select_related(
        "asset__batch__client", "asset__batch__preset_version", "base_run__quality", "result_run__quality",
        "editor", "signed_by",
    ).get(pk=task_id)  # fmt: skip


def is_theirs(task_id: int, user: User) -> bool:
    """Whether there is such a task, about a photo of a client `user` works for."""
    return limit(EditTask.objects.filter(pk=task_id), user, CLIENT).exists()


def history_of(task: EditTask, cursor: str = "") -> Page[EditTask]:
    """One page of the other edit tasks of a task's photo, newest first; one query."""
    others = EditTask.objects.filter(asset_id=task.asset_id).exclude(pk=task.pk)
    return keyset(others.select_related("editor", "signed_by").order_by("-pk"), cursor, HISTORY)


def rings_of(task: EditTask) -> list[dict[str, float]]:
    """The rings reviewers drew on the automatic result when they sent it here: boxes in its pixels (REV-07)."""
    rejections = ReviewDecision.objects.filter(
        run_id=task.base_run_id, verdict=Verdict.REJECT, undoes__isnull=True, undone_by__isnull=True
    )
    return [mark for marks in rejections.values_list("marks", flat=True) for mark in marks]


def failed_gates(run: ProcessingRun) -> list[str]:
    """The sentences of the hard gates this run failed; empty for one that was never scored."""
    report = QualityReport.objects.filter(run=run).first()
    return [gate["message"] for gate in report.gates if not gate["passed"]] if report else []


def allowed_actions(task: EditTask, user: User) -> dict[str, bool]:
    """Say which buttons make sense for `user` by the task's state; roles are checked by the services."""
    is_mine = task.editor_id == user.pk
    return {
        "claim": task.state == EditTaskState.OPEN and (is_mine or task.editor_id is None),
        "release": task.state == EditTaskState.CLAIMED and is_mine,
        "submit": task.state == EditTaskState.CLAIMED and is_mine,
        "accept_start": task.state == EditTaskState.CLAIMED and is_mine and task.base_run_id is not None,
        "sign_off": task.state == EditTaskState.AWAITING_SIGNOFF and not is_mine,
        "send_back": task.state == EditTaskState.AWAITING_SIGNOFF,
        "give_up": task.state in (EditTaskState.OPEN, EditTaskState.CLAIMED),
    }


def checklist_of(task: EditTask) -> list[dict[str, Any]]:
    """The checklist with what the editor ticked: [{code, label, is_ticked}]."""
    return [{"code": code, "label": label, "is_ticked": bool(task.checklist.get(code))} for code, label in CHECKLIST]
