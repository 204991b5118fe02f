"""Reading the review queue: what waits, for whom, and exactly what a reviewer may be shown of it.

Two queues. `mixed` is blind: score, parts, flags, route, reason and preset are left out for every photo, because
leaving them out only for samples would give the samples away. `assisted` shows them and never contains a sample
(REV-05, REV-23).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.contrib.auth.models import User
from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Prefetch, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django_stubs_ext import StrOrPromise

from reviewapp.enums import (
    WATCHED_REASONS,
    BatchState,
    EditTaskState,
    LookKind,
    RejectReason,
    ReviewReason,
    ReviewTaskState,
    Verdict,
)
from reviewapp.models import CategoryRule, EditTask, Look, ReviewDecision, ReviewTask, StudyRun
from reviewapp.policies.verdicts import WAYS

from . import access, queue_sql, tallies
from .people import is_senior

Queue = Literal["mixed", "assisted"]
QUEUES: tuple[Queue, ...] = ("mixed", "assisted")
REJECT_REASONS: tuple[tuple[int, str, StrOrPromise], ...] = tuple(
    (key, reason.value, reason.label) for key, reason in enumerate(RejectReason, start=1)
)
"""(digit key, code, label) in key order 1 to 8 (REV-07)."""


def ways() -> dict[str, list[tuple[str, str]]]:
    """For each reason that has a direction, the code and the words of "less than it should be" and of "more"."""
    words = {
        "too_weak": _("Colour too weak"),
        "too_strong": _("Colour too strong"),
        "too_light": _("Shadow too light"),
        "too_dark": _("Shadow too dark"),
        "too_small": _("Too small in frame"),
        "too_large": _("Too large in frame"),
    }
    return {reason.value: [(code, words[code]) for code in pair] for reason, pair in WAYS.items()}


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """How many open photos a queue holds: "all done" may only be said when none is `waiting`.

    Those are `free`, `mine` (on this person's screen), `elsewhere` (theirs from the other queue) or with `others`. In
    the assisted queue `elsewhere` counts samples as well, though `waiting` doesn't.

    `held` photos are kept back by a person until someone takes them up again; they are not part of `waiting`.
    """

    waiting: int
    free: int
    mine: int
    others: int
    held: int
    elsewhere: int = 0


CLIENT = "asset__batch__client"
"""From a task, or a decision, to whose photo it is about."""


def open_tasks(queue: Queue = "mixed", user: User | None = None) -> QuerySet[ReviewTask]:
    """Open tasks to give out: none of a cancelled batch, only samples of a paused one, no sample when assisted.

    With `user`, also none that waits for a senior unless they are one, and only of the clients they work for.
    """
    tasks = ReviewTask.objects.filter(state=ReviewTaskState.OPEN).exclude(asset__batch__state=BatchState.CANCELLED)
    tasks = tasks.exclude(~Q(reason=ReviewReason.SAMPLE), asset__batch__state=BatchState.PAUSED)
    if user is not None and not is_senior(user):
        tasks = tasks.filter(needs_senior=False)
    if user is not None:
        tasks = access.limit(tasks, user, CLIENT)
    if user is not None and queue == "mixed":
        tasks = tasks.exclude(pk__in=barred(user).values("task_id"))
    return tasks.exclude(reason=ReviewReason.SAMPLE) if queue == "assisted" else tasks


def barred(user: User) -> QuerySet[Look]:
    """Hidden looks in the queue that `user` isn't given, because they judged the photo before: a second pair of eyes
    is somebody else's, a known picture is no surprise to who has seen it, and a look that was made void is not made
    again by the same eyes."""
    own = ReviewDecision.objects.filter(
        asset=OuterRef("asset"), reviewer=user, verdict__in=[Verdict.APPROVE, Verdict.REJECT]
    ).exclude(task=OuterRef("task"))
    waiting = [ReviewTaskState.OPEN, ReviewTaskState.ON_HOLD]
    pending = Look.objects.filter(verdict="", is_void=False, task__state__in=waiting)
    void = Look.objects.filter(task=OuterRef("task"), is_void=True)
    return pending.filter(Exists(own), ~Q(kind=LookKind.FIRST) | Exists(own.filter(Exists(void))))


def waiting_for(user: User) -> int:
    """How many open photos there are that `user` may be given, as the desk's own count says; two queries."""
    clients = access.clients_of(user)
    senior = is_senior(user)
    barred_ones = queue_sql.barred(user.pk, clients, is_senior=senior).get(ReviewTaskState.OPEN, 0)
    found = tallies.queue(clients, with_samples=True, for_senior=senior)
    return max(0, found[ReviewTaskState.OPEN] - barred_ones)


def queue_counts(user: User, queue: Queue = "mixed") -> QueueCounts:
    """Count the queue as `user` sees it, in three queries; the truth behind "nothing free" and "all done"."""
    senior, clients = is_senior(user), access.clients_of(user)
    lent, mine, elsewhere, others = queue_sql.lent(user.pk, queue, timezone.now(), clients, is_senior=senior)
    found = tallies.queue(clients, with_samples=queue != "assisted", for_senior=senior)
    if queue == "mixed":
        for state, count in queue_sql.barred(user.pk, clients, is_senior=senior).items():
            found[state] -= count
    waiting = found[ReviewTaskState.OPEN]
    # Two queries, two moments: between them a photo may be decided, and fewer than none are never free.
    return QueueCounts(waiting, max(0, waiting - lent), mine, others, found[ReviewTaskState.ON_HOLD], elsewhere)


def held_tasks(queue: Queue = "mixed", user: User | None = None) -> QuerySet[ReviewTask]:
    """Photos somebody put on hold, oldest first, with what a list shows of them: names and the small picture.

    With `user`, none that they may not be given: one that a senior holds after it was escalated is for seniors.
    """
    tasks = ReviewTask.objects.filter(state=ReviewTaskState.ON_HOLD).exclude(asset__batch__state=BatchState.CANCELLED)
    if user is not None and not is_senior(user):
        tasks = tasks.filter(needs_senior=False)
    if user is not None:
        tasks = access.limit(tasks, user, CLIENT)
    if queue == "assisted":
        tasks = tasks.exclude(reason=ReviewReason.SAMPLE)
    elif user is not None:
        tasks = tasks.exclude(pk__in=barred(user).values("task_id"))
    shown = ("asset__sku", "asset__filename", "asset__batch__name", "asset__batch__client__name")
    pictures = ("run__before_key", "run__after_key", "run__thumb_before_key", "run__thumb_after_key")
    own = ("state", "reason", "decided_at", "priority")
    listed = tasks.select_related("asset__batch__client", "run").only(*own, *shown, *pictures)
    return listed.order_by("decided_at", "pk")


def holds_of(tasks: Sequence[ReviewTask]) -> dict[int, ReviewDecision]:
    """Who put each of `tasks` on hold, when and with which note, by task; one query."""
    ids = [task.pk for task in tasks] or [0]  # asked of nobody as well: a page costs the same whatever it lists
    made = ReviewDecision.objects.filter(task__in=ids, verdict=Verdict.HOLD, is_second_opinion=False)
    return {one.task_id: one for one in standing(made).select_related("reviewer").order_by("version")}


def leased_to(user: User, now: datetime | None = None) -> QuerySet[ReviewTask]:
    """Open tasks whose lease `user` still holds."""
    moment = now or timezone.now()
    lent = ReviewTask.objects.filter(state=ReviewTaskState.OPEN, lease_owner=user, lease_until__gte=moment)
    return access.limit(lent, user, CLIENT)


ASKS_COLOUR = ExpressionWrapper(
    Q(asset__batch__client__checks_colour=True)
    | Q(Exists(CategoryRule.objects.filter(category=OuterRef("asset__category"), checks_colour=True))),
    output_field=BooleanField(),
)
"""REV-11: whether a task's client or category wants its colour checked against the product before it is approved. It
depends on nothing that tells a sample from another photo."""


def asks_colour(task: ReviewTask) -> bool:
    """Say so of one task; one more query where it was loaded by neither `with_details` nor `to_decide`."""
    known: bool | None = getattr(task, "asks_colour", None)
    if known is None:
        asked = ReviewTask.objects.annotate(asks_colour=ASKS_COLOUR).filter(pk=task.pk)
        known = asked.values_list("asks_colour", flat=True).first()
    return bool(known)


SCORE_COLUMNS = ("measures", "gates", "checks", "failures", "label_map", "colour_map")
"""The wide ones of a score."""


def with_details(tasks: QuerySet[ReviewTask], *, blind: bool = False) -> QuerySet[ReviewTask]:
    """Load what `item_payload` reads, so a page of tasks costs a few queries; big columns it doesn't read stay behind.

    With `blind` all of the score and the preset as well.
    """
    told = EditTask.objects.exclude(state=EditTaskState.WITHDRAWN).select_related("editor").order_by("pk")
    related = ["asset__batch__client", "run__channel", "escalated_by"]
    behind = ["asset__exif", "asset__intake_checks", "run__params", "run__timings"]
    if blind:
        behind += ["asset__findings", "run__findings", "run__recipe"]
    else:
        related += ["run__quality__policy", "run__preset_version__preset", "lease_owner"]
        behind += ["run__preset_version__params"]
    return (
        tasks.select_related(*related)
        .defer(*behind)
        .prefetch_related(
            Prefetch("asset__edit_tasks", queryset=told),
            "asset__batch__batch_channels__channel",
            "asset__batch__client__references",
        )
        .annotate(asks_colour=ASKS_COLOUR)
    )


def to_decide(task_id: int) -> ReviewTask | None:
    """One task with what a decision reads and writes, None when there is none: photo, run and total, nothing wide."""
    tasks = ReviewTask.objects.select_related("asset", "run__quality", "study_run").defer(
        *("asset__exif", "asset__intake_checks", "asset__findings"),
        *("run__params", "run__timings", "run__findings", "run__recipe"),
        *(f"run__quality__{name}" for name in SCORE_COLUMNS),
    )
    return tasks.annotate(asks_colour=ASKS_COLOUR).filter(pk=task_id).first()


def task_for_display(task_id: int, *, blind: bool = False) -> ReviewTask:
    """Return one task with its details. Raises ReviewTask.DoesNotExist."""
    return with_details(ReviewTask.objects.all(), blind=blind).get(pk=task_id)


def tasks_for_display(task_ids: Sequence[int], *, blind: bool = False) -> dict[int, ReviewTask]:
    """Return several tasks with their details by id, in one query."""
    return with_details(ReviewTask.objects.all(), blind=blind).in_bulk(list(task_ids))


def final_decision(task: ReviewTask) -> ReviewDecision | None:
    """The approve or reject in force for `task`: the first one that is neither undone nor a second opinion."""
    return standing_verdicts().filter(task=task).select_related("reviewer").order_by("-version").first()


def standing(decisions: QuerySet[ReviewDecision]) -> QuerySet[ReviewDecision]:
    """Those of `decisions` that are neither an undo nor undone.

    By NOT EXISTS: through the reverse relation it would be an outer join, whose size no database guesses right.
    """
    undone = ReviewDecision.objects.filter(undoes=OuterRef("pk"))
    return decisions.filter(~Exists(undone), undoes__isnull=True)


def standing_verdicts() -> QuerySet[ReviewDecision]:
    """Approvals and rejections in force: no undo rows, nothing undone, no second opinions, no skips or holds."""
    return standing(
        ReviewDecision.objects.filter(verdict__in=[Verdict.APPROVE, Verdict.REJECT], is_second_opinion=False)
    )


def live_decisions() -> QuerySet[ReviewDecision]:
    """Those of them that are about a photo of the line, not about a result made to compare presets."""
    return standing_verdicts().filter(~Exists(StudyRun.objects.filter(review_task=OuterRef("task"))))


def photo_decisions() -> QuerySet[ReviewDecision]:
    """Those of `live_decisions` that say something new of a photo: none on known pictures, none of second people, and
    none of looks that count for nothing."""
    says_nothing = Q(kind__in=[LookKind.GOLD, LookKind.SECOND, LookKind.AGAIN, LookKind.RETRO]) | Q(is_void=True)
    return live_decisions().exclude(Exists(Look.objects.filter(says_nothing, task=OuterRef("task"))))


def my_recent_decisions(
    user: User, limit: int = 4, *, blind: bool | None = None, before: int | None = None
) -> QuerySet[ReviewDecision]:
    """The latest decisions of `user` that are still in force, newest first: the undo stack and the filmstrip's past.

    `blind` keeps one queue's, `before` those older than that decision.
    """
    made = standing(access.limit(ReviewDecision.objects.filter(reviewer=user, is_second_opinion=False), user, CLIENT))
    if blind is not None:
        made = made.filter(was_blind=blind)
    if before is not None:
        made = made.filter(pk__lt=before)
    return made.exclude(verdict=Verdict.SKIP).order_by("-pk")[:limit]


def own_decision(user: User, decision_id: int) -> ReviewDecision | None:
    """One decision of `user` that is still in force, about a photo they may still see; None when there is no such."""
    made = ReviewDecision.objects.filter(reviewer=user, is_second_opinion=False)
    theirs = standing(access.limit(made, user, CLIENT))
    return theirs.select_related("asset__batch").filter(pk=decision_id).first()


def second_opinions() -> QuerySet[ReviewDecision]:
    """Judgements that came after somebody else's: material for agreement figures."""
    return ReviewDecision.objects.filter(is_second_opinion=True).select_related("reviewer", "asset").order_by("-pk")


def item_payload(task: ReviewTask, user: User, *, blind: bool = True) -> dict[str, Any]:
    """Return what the review page and its JSON may know of `task`.

    Sizes are pixels; `frame_matrix` maps source pixels to `after` pixels; storage keys are for the media views.
    With `blind` nothing in it tells how the photo was scored, why it is here or that it is a sample. A sample is always
    blind, whatever is asked, and so is one of a trial, a pilot or a first sample, and one from below the review line:
    its score is what is tried there.
    """
    blind = blind or task.reason in (
        ReviewReason.SAMPLE, ReviewReason.CANARY, ReviewReason.EXPLORED, *WATCHED_REASONS
    )  # fmt: skip
    run, asset, now = task.run, task.asset, timezone.now()
    payload: dict[str, Any] = {
        "id": task.pk,
        "version": task.version,
        "state": task.state,
        "lease_until": task.lease_until.isoformat() if task.lease_until else None,
        "is_mine": task.lease_owner_id == user.pk and task.lease_until is not None and task.lease_until >= now,
        "asset_id": asset.pk,
        "run_id": run.pk,
        "keys": {
            "before": run.before_key,
            "after": run.after_key,
            "thumb_before": run.thumb_before_key,
            "thumb_after": run.thumb_after_key,
        },
        "source": {"width": run.source_width, "height": run.source_height},
        "after": {"width": run.after_width, "height": run.after_height},
        "before_scale": run.before_scale,
        "frame_matrix": run.frame_matrix,
        "sku": asset.sku,
        "filename": asset.filename,
        "description": asset.description,
        "client": asset.batch.client.name,
        "batch": asset.batch.name,
        "batch_id": asset.batch_id,
        "brand_notes": asset.batch.client.brand_notes,
        "channel": run.channel.name,
        "remover": run.remover,
        "model_name": run.model_name,
        "blind": blind,
        "previous_edits": _previous_edits(task),
        "escalation": _escalation(task),
        "asks_colour": asks_colour(task),
    }
    if not blind:
        payload["assist"] = _assistance(task)
    return payload


def _escalation(task: ReviewTask) -> str:
    """Who asked a senior and why: a person's words, which tell nothing of the score. "" when nobody did."""
    if not task.needs_senior or task.escalated_by is None:
        return ""
    name = task.escalated_by.get_full_name() or task.escalated_by.get_username()
    return (
        f"{name}: {task.escalation_note}"
        if task.escalation_note
        else _("%(name)s asked for a senior.") % {"name": name}
    )


def _previous_edits(task: ReviewTask) -> list[dict[str, Any]]:
    """What editors did before this result was made. What came after would tell: a known picture's photo was mended."""
    return [
        {"editor": edit.editor.get_full_name() or edit.editor.get_username(), "note": edit.editor_note}
        for edit in task.asset.edit_tasks.all()
        if edit.created_at <= task.run.created_at
        if edit.editor is not None and edit.state != EditTaskState.WITHDRAWN
    ]


def _assistance(task: ReviewTask) -> dict[str, Any]:
    run, quality = task.run, task.run.quality
    return {
        "reason": task.reason,
        "reason_label": task.get_reason_display(),
        "why": task.why,
        "complexity": task.asset.complexity,
        "lane_reason": task.asset.lane_reason,
        "preset": str(run.preset_version),
        "confidence": run.confidence,
        "findings": run.findings,
        "score": {
            "total": quality.total,
            "shown_total": quality.shown_total,
            "parts": {
                "background": quality.background,
                "edge": quality.edge,
                "fill": quality.fill,
                "colour": quality.colour,
            },
            "colour_measured": quality.colour_measured,
            "background_status": quality.background_status,
            "compliance_rate": quality.compliance_rate,
            "failures": quality.failures,
            "gates": quality.gates,
            "measures": quality.measures,
            "checks": quality.checks,
            "advice": quality.advice,
            "routing": quality.routing,
            "routing_rule": quality.routing_rule,
            "approve_at": quality.policy.approve_at,
            "review_at": quality.policy.review_at,
        },
    }
