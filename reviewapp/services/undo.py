"""Taking decisions back: one's own, newest first, until the photo is sealed in a delivery or an editor has it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from reviewapp.enums import (
    AssetState,
    EditTaskState,
    ReviewReason,
    ReviewTaskState,
    Role,
    RunKind,
    SampleOutcome,
    StudyStage,
    Verdict,
)
from reviewapp.models import Batch, DeliveryItem, EditTask, Look, ReviewDecision, ReviewTask, SampleMember
from reviewapp.policies.transitions import IllegalTransition
from reviewapp.selectors import editing as editing_reads
from reviewapp.selectors import review as selectors
from reviewapp.selectors.access import may_see_batch

from . import afterwards, assets, batches, looks
from .leases import LEASE
from .people import require


@dataclass(frozen=True, slots=True)
class UndoResult:
    """How an undo ended. `task` is open again and leased to the person when `is_undone`; `message` is for them.

    `was_blind`: the decision was made without score and reasons, so the photo must be shown again without them.
    """

    is_undone: bool
    task: ReviewTask | None
    message: str
    was_blind: bool = True


class _Refused(Exception):
    """An undo that can't be done; the message says why. Rolls the transaction back."""


def undo(user: User, decision_id: int) -> UndoResult:
    """Take back one's own decision as a new row; the photo returns to the person, leased (REV-04).

    Repeatable: the decision before it can be undone next, and asking twice changes nothing. Refused with a sentence
    when the photo is sealed in a delivery, with an editor or another reviewer, or decided again since. Raises
    NotAllowed.
    """
    require(user, Role.REVIEWER, Role.SENIOR, to=_("undo decisions"))
    made = ReviewDecision.objects.select_related("asset", "task__study_run", "run")
    decision = made.filter(pk=decision_id, reviewer=user).first()
    if decision is None or decision.undoes_id or decision.is_second_opinion or not _is_theirs(user, decision):
        return UndoResult(False, None, _("Only your own decisions can be undone."))
    if ReviewDecision.objects.filter(undoes=decision).exists():
        return _undone(decision, _("Already undone."))
    try:
        with transaction.atomic():
            _take_back_decision(user, decision)
    except _Refused as refused:
        return UndoResult(False, None, str(refused))
    except (assets.StateConflict, IllegalTransition):
        return UndoResult(False, None, _("The photo moved on meanwhile. It can't be undone here."))
    except IntegrityError:  # the same undo, sent twice at once: the other one did it
        return _undone(decision, _("Already undone."))
    return _undone(decision, _("Undone."))


def _is_theirs(user: User, decision: ReviewDecision) -> bool:
    """What they decided while they worked for the client isn't shown to them any more."""
    return may_see_batch(user, decision.asset.batch_id)


def _undone(decision: ReviewDecision, message: str) -> UndoResult:
    return UndoResult(
        True, selectors.task_for_display(decision.task_id, blind=decision.was_blind), message, decision.was_blind
    )


def _take_back_decision(user: User, decision: ReviewDecision) -> None:
    # A delivery holds the same lock while it fixes its list: without it both could see the photo as theirs. No key:
    # what follows a decision holds the task and writes rows that name the batch, and each would wait for the other.
    Batch.objects.select_for_update(no_key=True).get(pk=decision.asset.batch_id)
    look, duel = looks.of_task(decision.task_id), getattr(decision.task, "study_run", None)
    is_delivered = DeliveryItem.objects.filter(rendition__asset_id=decision.asset_id).exists()
    # A look at what left long ago, or one side of a duel, changes nothing in a package.
    if is_delivered and look is None and duel is None:
        raise _Refused(_("The photo has been delivered. It can't be undone."))
    _reopen(user, decision)
    ReviewDecision.objects.create(
        task_id=decision.task_id,
        asset_id=decision.asset_id,
        run_id=decision.run_id,
        preset_version_id=decision.preset_version_id,
        policy_id=decision.policy_id,
        version=decision.version + 1,
        reviewer=user,
        verdict=decision.verdict,
        reasons=decision.reasons,
        score_total=decision.score_total,
        was_blind=decision.was_blind,
        undoes=decision,
        idempotency_key=f"undo:{decision.pk}",
    )
    _move_back(user, decision, look, is_compared=duel is not None)
    afterwards.do(lambda: batches.refresh(decision.asset.batch_id))


def _reopen(user: User, decision: ReviewDecision) -> None:
    """Open the task again, lent to `user`. Raises _Refused when it was decided since, or somebody has it on screen."""
    now = timezone.now()
    same = ReviewTask.objects.filter(pk=decision.task_id, version=decision.version)
    is_lent = Q(lease_owner__isnull=False, lease_until__gte=now) & ~Q(lease_owner=user)
    escalation = {"needs_senior": False, "escalated_by": None, "escalation_note": ""}
    over = ReviewTask.objects.exclude(study_run__study__stage=StudyStage.DUEL).filter(study_run__isnull=False)
    reopened = (
        same.exclude(is_lent)
        .exclude(pk__in=over.filter(pk=decision.task_id))
        .update(
            state=ReviewTaskState.OPEN,
            version=F("version") + 1,
            lease_owner=user,
            lease_until=now + LEASE,
            lease_queue="mixed" if decision.was_blind else "assisted",
            decided_at=None,
            **(escalation if decision.verdict == Verdict.ESCALATE else {}),
        )
    )
    if reopened:
        return
    if over.filter(pk=decision.task_id).exists():
        raise _Refused(_("The photo moved on meanwhile. It can't be undone here."))
    if same.exists():
        raise _Refused(_("Somebody else has the photo on screen now. It can't be undone."))
    raise _Refused(_("The photo was decided again since. Undo the later decision first."))


def _move_back(user: User, decision: ReviewDecision, look: Look | None, *, is_compared: bool) -> None:
    """Take back what followed. Every photo is asked the same, whatever it is; what moves, moves afterwards.

    `is_compared`: it was one side of a duel, and nothing followed.
    """
    stands = looks.is_judged_by_another(decision.task_id)
    withdrawn = 0
    if decision.verdict == Verdict.REJECT:
        withdrawn = EditTask.objects.filter(
            asset=decision.asset, base_run_id=decision.run_id, state=EditTaskState.OPEN, editor__isnull=True
        ).update(state=EditTaskState.WITHDRAWN)
    if is_compared:
        return
    if look is None:
        if decision.verdict == Verdict.REJECT and not withdrawn and _is_with_an_editor(decision):
            raise _Refused(_("An editor already works on the photo. It can't be undone."))
        afterwards.do(lambda: put_back(user, decision, decision.version + 1))
        return
    if stands or (looks.is_upheld(look) and not withdrawn):
        raise _Refused(_("An editor already works on the photo. It can't be undone."))
    afterwards.do(lambda: looks.take_back(look, user))


def _is_with_an_editor(decision: ReviewDecision) -> bool:
    """Say whether its edit has begun. There may be none at all: the rejection was taken back before it followed."""
    edits = EditTask.objects.filter(asset=decision.asset, base_run_id=decision.run_id)
    return edits.exclude(state=EditTaskState.WITHDRAWN).exists()


def repair() -> int:
    """Put back photos whose decision was taken back and that moved all the same: a process died between, or what
    followed the decision came at the same moment. Returns how many.
    """
    now = timezone.now()
    lately = ReviewDecision.objects.filter(created_at__range=(now - timedelta(days=2), now - timedelta(minutes=1)))
    undone = lately.filter(undoes__isnull=False, task__state=ReviewTaskState.OPEN, task__version=F("version"))
    mended = 0
    for one in undone.select_related("undoes__asset", "undoes__task__study_run", "undoes__run", "reviewer"):
        decision, look = one.undoes, looks.of_task(one.task_id)
        if decision is None or hasattr(decision.task, "study_run"):
            continue
        if EditTask.objects.filter(asset=one.asset_id, state__in=editing_reads.WAITING).exists():
            continue  # with an editor for another reason since: its own edit was withdrawn by the undo
        with contextlib.suppress(assets.StateConflict, IllegalTransition), transaction.atomic():
            if look is None:
                mended += put_back(one.reviewer, decision, one.version)
            elif look.verdict:
                looks.take_back(look, one.reviewer)
                mended += 1
    return mended


def put_back(user: User, decision: ReviewDecision, version: int) -> bool:
    """Bring the photo to where it was before the decision; False when it is there, or when the task has moved on from
    `version`. Call in a transaction.
    """
    locked = ReviewTask.objects.select_for_update().filter(pk=decision.task_id, version=version)
    if locked.values_list("pk", flat=True).first() is None:
        return False
    asset, is_sample = decision.asset, decision.task.reason == ReviewReason.SAMPLE
    asset.refresh_from_db(fields=["state"])  # what follows the decision may have come since it was read
    if is_sample:
        SampleMember.objects.filter(review_task_id=decision.task_id).update(
            outcome=SampleOutcome.PENDING, judged_at=None
        )
    # A sample that was approved with an adjusted result had come back from what shipped: it waits like any other.
    came_back = decision.verdict == Verdict.APPROVE and decision.run.kind == RunKind.ADJUSTED
    back = AssetState.AUTO_APPROVED if is_sample and not came_back else AssetState.IN_REVIEW
    if asset.state == back:
        return False
    assets.move(asset, back, reason="Decision undone", actor=user)
    return True
