"""Reading the editing queue: what waits for hands, who has it, what waits for a senior's signature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from reviewapp.enums import BatchState, EditTaskState, Verdict
from reviewapp.models import EditTask, ProcessingRun, QualityReport, ReviewDecision
from reviewapp.selectors import tallies
from reviewapp.selectors.access import clients_of, limit
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
    """Live tasks in working order (priority, then age) with what a row shows; wide columns stay behind."""
    shown = ("asset__sku", "asset__filename", "asset__batch__name", "asset__batch__client__name")
    result = ("base_run__thumb_after_key", "base_run__pixels_key", "base_run__quality__total")
    person = ("editor__username", "editor__first_name", "editor__last_name")
    listed = live(user).select_related("asset__batch__client", "base_run__quality", "editor")
    return listed.only("reason", "why", "state", "priority", *shown, *result, *person).order_by(*BY_AGE)


def claimable_by(user: User, *, has_back: bool = True) -> tuple[QuerySet[EditTask], QuerySet[EditTask]]:
    """Open tasks `user` may take, in two lists: those sent back to them (none is asked for without `has_back`), then
    free ones. In one list the whole queue would be sorted for every page of it."""
    is_open = edit_tasks(user).filter(state=EditTaskState.OPEN)
    return is_open.filter(editor=user) if has_back else is_open.none(), is_open.filter(editor__isnull=True)


def claimed_by(user: User) -> QuerySet[EditTask]:
    """What `user` has on the desk: claimed, or being scored again."""
    return edit_tasks(user).filter(editor=user, state__in=[EditTaskState.CLAIMED, EditTaskState.SUBMITTED])


def awaiting_signoff(user: User) -> QuerySet[EditTask]:
    """Finished work `user` may sign: never their own."""
    return edit_tasks(user).filter(state=EditTaskState.AWAITING_SIGNOFF).exclude(editor=user)


@dataclass(frozen=True)
class Counts:
    """What `user` may take, has on the desk (claimed, or being scored again), got back from a senior, and may sign.

    What came back is open as well: nobody else may take it.
    """

    open: int
    mine: int
    back: int
    signoff: int


def counts(user: User) -> Counts:
    """How long the lists above are, in one query of the running counts."""
    every, own = tallies.edits_and_own(clients_of(user), user.pk)
    back = own.get(EditTaskState.OPEN, 0)
    signoff = every.get(EditTaskState.AWAITING_SIGNOFF, 0) - own.get(EditTaskState.AWAITING_SIGNOFF, 0)
    return Counts(
        open=every.get(EditTaskState.OPEN, 0) + back,
        mine=own.get(EditTaskState.CLAIMED, 0) + own.get(EditTaskState.SUBMITTED, 0),
        back=back,
        signoff=signoff,
    )


def waiting(user: User, *states: EditTaskState) -> int:
    """How many live tasks are in one of `states`, whoever has them; one query of the running counts."""
    found = tallies.edits(clients_of(user))
    return sum(count for key, count in found.items() if key.split(":")[0] in states)


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
