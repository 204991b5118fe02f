"""Taking decisions back: one's own, newest first, until the photo was handed over or an editor has it.

A delivery that still waits and holds the photo is called back with it, silently. One that was handed over seals the
photo, but for a senior who says that it is to be called back: its client is then told (docs/review.md).
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reviewapp.enums import (
    OUT_STATES,
    AssetState,
    DeliveryState,
    EditTaskState,
    LookKind,
    ReviewReason,
    ReviewTaskState,
    Role,
    RunKind,
    SampleOutcome,
    StudyStage,
    Verdict,
)
from reviewapp.models import Batch, Delivery, EditTask, Look, ReviewDecision, ReviewTask, SampleMember
from reviewapp.policies.transitions import IllegalTransition
from reviewapp.selectors import editing as editing_reads
from reviewapp.selectors import review as selectors
from reviewapp.selectors.access import may_see_batch
from reviewapp.selectors.people import is_senior

from . import afterwards, assets, batches, looks, recalls
from .leases import LEASE
from .people import require

RECALL_REASON = "A reviewer took a decision about one of its photos back."


@dataclass(frozen=True, slots=True)
class UndoResult:
    """How an undo ended. `task` is open again and leased to the person when `is_undone`; `message` is for them.

    `was_blind`: the decision was made without score and reasons, so the photo must be shown again without them.
    """

    is_undone: bool
    task: ReviewTask | None
    message: str
    was_blind: bool = True
    recalled: str = ""
    """Which deliveries were called back with it, as a sentence."""
    seals: tuple[int, ...] = ()
    """Numbers of the deliveries that seal the photo and that this person may have called back."""
    is_passing: bool = False
    """Refused for now only: the same may succeed in a while."""


class _Refused(Exception):
    """An undo that can't be done; the message says why. Rolls the transaction back."""

    def __init__(self, message: str, seals: tuple[int, ...] = (), *, is_passing: bool = False) -> None:
        super().__init__(message)
        self.seals = seals
        self.is_passing = is_passing


def undo(user: User, decision_id: int, *, calls_back: bool = False) -> UndoResult:
    """Take back one's own decision as a new row; the photo returns to the person, leased (REV-04).

    Repeatable: the decision before it can be undone next, and asking twice changes nothing. A waiting delivery of the
    photo is called back. Refused with a sentence when the photo was handed over (a senior may ask again with
    `calls_back`), is with an editor or another reviewer, or was decided again since. Raises NotAllowed.
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
            recalled = _take_back_decision(user, decision, calls_back=calls_back)
    except _Refused as refused:
        return UndoResult(False, None, str(refused), seals=refused.seals, is_passing=refused.is_passing)
    except (assets.StateConflict, IllegalTransition):
        return UndoResult(False, None, _("The photo moved on meanwhile. It can't be undone here."))
    except IntegrityError:  # the same undo, sent twice at once: the other one did it
        return _undone(decision, _("Already undone."))
    said = _recalled_words(recalled)
    return replace(_undone(decision, f"{_('Undone.')} {said}".rstrip()), recalled=said)


def _recalled_words(numbers: list[int]) -> str:
    if not numbers:
        return ""
    said = ngettext("Delivery %(n)s was called back.", "Deliveries %(n)s were called back.", len(numbers))
    return said % {"n": ", ".join(map(str, numbers))}


def _is_theirs(user: User, decision: ReviewDecision) -> bool:
    """What they decided while they worked for the client isn't shown to them any more."""
    return may_see_batch(user, decision.asset.batch_id)


def _undone(decision: ReviewDecision, message: str) -> UndoResult:
    return UndoResult(
        True, selectors.task_for_display(decision.task_id, blind=decision.was_blind), message, decision.was_blind
    )


def _take_back_decision(user: User, decision: ReviewDecision, *, calls_back: bool) -> list[int]:
    """Returns the numbers of the deliveries that were called back."""
    # A delivery holds the same lock while it fixes its list: without it both could see the photo as theirs. No key:
    # what follows a decision holds the task and writes rows that name the batch, and each would wait for the other.
    Batch.objects.select_for_update(no_key=True).get(pk=decision.asset.batch_id)
    look, duel = looks.of_task(decision.task_id), getattr(decision.task, "study_run", None)
    sealed = _sealed(decision, look, is_compared=duel is not None)
    if any(one.state in OUT_STATES for one in sealed) and not (calls_back and is_senior(user)):
        raise _is_sealed(user, [one.number for one in sealed if one.state in OUT_STATES])
    _reopen(user, decision)
    for one in sealed:
        recalls.take_back(one, reason=RECALL_REASON, actor=user)
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
    return [one.number for one in sealed]


def _sealed(decision: ReviewDecision, look: Look | None, *, is_compared: bool) -> list[Delivery]:
    """Deliveries an undo would have to call back. The batch is locked: none is made or handed over meanwhile.

    Every photo is asked the same, whatever it is; a look at what left long ago, a known picture, or one side of a duel
    changes nothing in a package.
    """
    live = list(recalls.holding([decision.asset_id], [DeliveryState.WAITING, *sorted(OUT_STATES)]))
    if is_compared or (look is not None and look.kind == LookKind.GOLD):
        return []
    return [one for one in live if look is None or one.state == DeliveryState.WAITING]


def _is_sealed(user: User, numbers: list[int]) -> _Refused:
    if not is_senior(user):
        return _Refused(_("The photo has been delivered. It can't be undone."))
    words = _("The photo was handed over with delivery %(n)s. To undo it the delivery has to be called back.")
    return _Refused(words % {"n": ", ".join(map(str, numbers))}, tuple(numbers))


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
        raise _Refused(_("Somebody else has the photo on screen now. It can't be undone."), is_passing=True)
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
