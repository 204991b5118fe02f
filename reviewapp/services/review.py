"""Review: lease a photo to a person, record what they decide, let them take it back.

Nothing here may tell the blind queue a sample from an ordinary photo: same calls, same messages, same speed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from reviewapp.enums import (
    AssetState,
    EditReason,
    EditTaskState,
    RejectReason,
    ReviewReason,
    ReviewTaskState,
    Role,
    SampleOutcome,
    Verdict,
)
from reviewapp.models import Batch, DeliveryItem, EditTask, ReviewDecision, ReviewTask, SampleMember
from reviewapp.policies.transitions import IllegalTransition
from reviewapp.selectors import review as selectors

from . import assets, batches, learning, routing, sampling
from .leases import LEASE, beat, claim_next, release, take_back
from .people import require

__all__ = ["DecisionResult", "UndoResult", "beat", "claim_next", "record_decision", "release", "take_back", "undo"]

MAX_NOTE = 500
MAX_SECONDS = 86_400.0
UNDO_FOR = timedelta(minutes=10)

Status = Literal["saved", "conflict", "lease_gone", "replayed", "invalid"]


@dataclass(frozen=True, slots=True)
class DecisionResult:
    """How a decision ended. `decision` is the row it left, None if nothing was stored; `message` is for the person."""

    status: Status
    decision: ReviewDecision | None
    message: str


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


@dataclass(frozen=True, slots=True)
class Verdicted:
    """A decision as it was asked for, checked: reasons are known codes without repeats, the note fits."""

    verdict: Verdict
    reasons: list[str]
    note: str
    idempotency_key: str
    seconds_taken: float | None
    was_blind: bool


def record_decision(
    user: User,
    task_id: int,
    *,
    seen_version: int,
    verdict: str,
    reasons: Sequence[str] = (),
    note: str = "",
    idempotency_key: str,
    seconds_taken: float | None = None,
    queue: selectors.Queue = "mixed",
) -> DecisionResult:
    """Decide one photo (REV-04). Never raises for what a person can run into; NotAllowed is the exception.

    saved: it stands. replayed: this key was seen before, the first result stands. conflict: somebody decided first, an
    approval or rejection is kept as a second opinion. lease_gone: the photo is with somebody else or changed meanwhile,
    nothing was stored. invalid: the message says what is missing.
    """
    require(user, Role.REVIEWER, Role.SENIOR, to="decide photos")
    if earlier := ReviewDecision.objects.filter(idempotency_key=idempotency_key).first():
        return _replay(earlier, user, task_id)
    asked = _check(verdict, reasons, note, idempotency_key, seconds_taken, queue)
    if isinstance(asked, str):
        return DecisionResult("invalid", None, asked)
    # Read first: the losers of a race must not take SQLite's only write lock to learn that they lost.
    task = selectors.with_details(ReviewTask.objects.all()).filter(pk=task_id).first()
    if task is None:
        return DecisionResult("invalid", None, "This photo isn't in the queue.")
    if task.state == ReviewTaskState.ON_HOLD and asked.verdict in (Verdict.HOLD, Verdict.SKIP):
        return DecisionResult("invalid", None, "This photo is on hold already. Approve it, reject it or take it up.")
    try:
        decision = _decide(user, task, seen_version, asked) if _is_open_to(task, user, seen_version) else None
        return DecisionResult("saved", decision, _saved(asked)) if decision else _too_late(user, task_id, asked)
    except (assets.StateConflict, IllegalTransition):
        return DecisionResult("lease_gone", None, "This photo left the queue. Nothing was saved for it.")
    except IntegrityError:
        if earlier := ReviewDecision.objects.filter(idempotency_key=idempotency_key).first():
            return _replay(earlier, user, task_id)
        raise


def undo(user: User, decision_id: int) -> UndoResult:
    """Take back one's own decision within 10 minutes, as a new row; the photo returns to the person, leased.

    Repeatable: the decision before it can be undone next, and asking twice changes nothing. Refused with a sentence
    when it is too late, delivered, already with an editor, or decided again since. Raises NotAllowed.
    """
    require(user, Role.REVIEWER, Role.SENIOR, to="undo decisions")
    decision = ReviewDecision.objects.filter(pk=decision_id, reviewer=user).select_related("asset", "task").first()
    if decision is None or decision.undoes_id or decision.is_second_opinion:
        return UndoResult(False, None, "Only your own decisions can be undone.")
    if ReviewDecision.objects.filter(undoes=decision).exists():
        return _undone(decision, "Already undone.")
    if timezone.now() - decision.created_at > UNDO_FOR:
        return UndoResult(False, None, "Decisions can be undone for 10 minutes. Ask a manager to send the photo back.")
    try:
        with transaction.atomic():
            _take_back_decision(user, decision)
    except _Refused as refused:
        return UndoResult(False, None, str(refused))
    except (assets.StateConflict, IllegalTransition):
        return UndoResult(False, None, "The photo moved on meanwhile. It can't be undone here.")
    except IntegrityError:  # the same undo, sent twice at once: the other one did it
        return _undone(decision, "Already undone.")
    return _undone(decision, "Undone.")


def _undone(decision: ReviewDecision, message: str) -> UndoResult:
    return UndoResult(True, selectors.task_for_display(decision.task_id), message, decision.was_blind)


def _take_back_decision(user: User, decision: ReviewDecision) -> None:
    # A delivery holds the same lock while it fixes its list: without it both could see the photo as theirs.
    Batch.objects.select_for_update(of=("self",)).get(pk=decision.asset.batch_id)
    if DeliveryItem.objects.filter(rendition__asset_id=decision.asset_id).exists():
        raise _Refused("The photo has been delivered. It can't be undone.")
    reopened = ReviewTask.objects.filter(pk=decision.task_id, version=decision.version).update(
        state=ReviewTaskState.OPEN,
        version=F("version") + 1,
        lease_owner=user,
        lease_until=timezone.now() + LEASE,
        lease_queue="mixed" if decision.was_blind else "assisted",
        decided_at=None,
    )
    if not reopened:
        raise _Refused("The photo was decided again since. Undo the later decision first.")
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
    _move_back(user, decision)
    batches.refresh(decision.asset.batch_id)


def _move_back(user: User, decision: ReviewDecision) -> None:
    asset, is_sample = decision.asset, decision.task.reason == ReviewReason.SAMPLE
    if decision.verdict == Verdict.REJECT:
        withdrawn = EditTask.objects.filter(
            asset=asset, base_run_id=decision.run_id, state=EditTaskState.OPEN, editor__isnull=True
        ).update(state=EditTaskState.WITHDRAWN)
        if not withdrawn:
            raise _Refused("An editor already works on the photo. It can't be undone.")
    if is_sample:
        SampleMember.objects.filter(review_task_id=decision.task_id).update(
            outcome=SampleOutcome.PENDING, judged_at=None
        )
    back = AssetState.AUTO_APPROVED if is_sample else AssetState.IN_REVIEW
    if asset.state != back:
        assets.move(asset, back, reason="Decision undone", actor=user)


def _check(
    verdict: str, reasons: Sequence[str], note: str, key: str, seconds: float | None, queue: str
) -> Verdicted | str:
    """Return the decision as it will be stored, or the sentence that says what is wrong with it."""
    if verdict not in Verdict.values:
        return "Choose approve, reject, hold or skip."
    unknown = [reason for reason in reasons if reason not in RejectReason.values]
    if unknown:
        return f"{unknown[0]!r} is not a reason. Choose one of the eight."
    if verdict == Verdict.REJECT and not reasons:
        return "A rejection needs at least one reason. Press 1 to 8, or choose one."
    if len(note) > MAX_NOTE:
        return f"The note has {len(note)} characters; {MAX_NOTE} fit."
    if not 0 < len(key) <= 64:
        return "The form is out of date. Load the page again."
    is_plausible = seconds is not None and 0 <= seconds <= MAX_SECONDS
    kept = list(dict.fromkeys(reasons)) if verdict == Verdict.REJECT else []
    return Verdicted(Verdict(verdict), kept, note.strip(), key, seconds if is_plausible else None, queue != "assisted")


def _is_open_to(task: ReviewTask, user: User, seen_version: int) -> bool:
    if task.version != seen_version or task.state not in (ReviewTaskState.OPEN, ReviewTaskState.ON_HOLD):
        return False
    is_leased = task.lease_owner_id is not None and task.lease_until is not None and task.lease_until >= timezone.now()
    return not is_leased or task.lease_owner_id == user.pk


def _decide(user: User, task: ReviewTask, seen_version: int, asked: Verdicted) -> ReviewDecision | None:
    """Store the decision and everything that follows from it in one transaction; None when somebody was faster."""
    states = {Verdict.HOLD: ReviewTaskState.ON_HOLD, Verdict.SKIP: ReviewTaskState.OPEN}
    now = timezone.now()
    free = Q(lease_owner=user) | Q(lease_owner__isnull=True) | Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    open_now = Q(state__in=[ReviewTaskState.OPEN, ReviewTaskState.ON_HOLD])
    with transaction.atomic():
        won = ReviewTask.objects.filter(free, open_now, pk=task.pk, version=seen_version).update(
            state=states.get(asked.verdict, ReviewTaskState.DONE),
            version=F("version") + 1,
            lease_owner=None,
            lease_until=None,
            decided_at=None if asked.verdict == Verdict.SKIP else now,
        )
        if not won:
            return None
        decision = _write(user, task, seen_version + 1, asked, is_second_opinion=False)
        _follow(user, task, asked)
        return decision


def _write(user: User, task: ReviewTask, version: int, asked: Verdicted, *, is_second_opinion: bool) -> ReviewDecision:
    return ReviewDecision.objects.create(
        task=task,
        asset=task.asset,
        run=task.run,
        preset_version=task.run.preset_version,
        policy=task.run.quality.policy,
        version=version,
        reviewer=user,
        verdict=asked.verdict,
        reasons=asked.reasons,
        note=asked.note,
        score_total=task.run.quality.total,
        was_blind=asked.was_blind or task.reason == ReviewReason.SAMPLE,
        is_second_opinion=is_second_opinion,
        idempotency_key=asked.idempotency_key,
        seconds_taken=asked.seconds_taken,
    )


def _follow(user: User, task: ReviewTask, asked: Verdicted) -> None:
    """Move the photo on. A sample is approved already: only a rejection moves it, the rest is bookkeeping."""
    is_sample = task.reason == ReviewReason.SAMPLE
    if asked.verdict == Verdict.SKIP:
        skipped = [pk for pk in task.skipped_by if pk != user.pk] + [user.pk]
        ReviewTask.objects.filter(pk=task.pk).update(skipped_by=skipped)
        return
    if asked.verdict == Verdict.HOLD:
        if not is_sample and task.asset.state == AssetState.IN_REVIEW:
            assets.move(task.asset, AssetState.ON_HOLD, reason=asked.note or "On hold", actor=user)
    elif asked.verdict == Verdict.APPROVE:
        if not is_sample:
            assets.move(task.asset, AssetState.APPROVED, reason="Approved in review", actor=user)
            routing.start_render(task.asset, task.run)
    else:
        _reject(user, task, asked, is_sample=is_sample)
    if is_sample and asked.verdict in (Verdict.APPROVE, Verdict.REJECT):
        sampling.judge(task, asked.verdict, user)
    batches.refresh(task.asset.batch_id)


def _reject(user: User, task: ReviewTask, asked: Verdicted, *, is_sample: bool) -> None:
    labels = ", ".join(str(RejectReason(reason).label).lower() for reason in asked.reasons)
    why = f"Rejected in review: {labels}." + (f" {asked.note}" if asked.note else "")
    reason = EditReason.SAMPLE_REJECTED if is_sample else EditReason.REJECTED
    routing.open_editing(task.asset, reason, why[:500], base_run=task.run, actor=user)
    # After commit: a draft that can't be made must never cost a person their decision. The next rejection tries again.
    # A lambda: Django logs a robust callback's failure by its __qualname__, which a partial doesn't have.
    transaction.on_commit(lambda: learning.propose(task.run.preset_version), robust=True)


def _saved(asked: Verdicted) -> str:
    return {
        Verdict.APPROVE: "Approved.",
        Verdict.REJECT: "Rejected. An editor gets it.",
        Verdict.HOLD: "On hold.",
        Verdict.SKIP: "Skipped. It comes back at the end.",
    }[asked.verdict]


def _replay(earlier: ReviewDecision, user: User, task_id: int) -> DecisionResult:
    if earlier.reviewer_id != user.pk or earlier.task_id != task_id:
        return DecisionResult("invalid", None, "The form is out of date. Load the page again.")
    return DecisionResult("replayed", earlier, "Already saved.")


def _too_late(user: User, task_id: int, asked: Verdicted) -> DecisionResult:
    """Say who was faster; keep an approval or rejection as a second opinion (the first one stands)."""
    task = selectors.task_for_display(task_id)
    first = selectors.final_decision(task) if task.state == ReviewTaskState.DONE else None
    if first is None:
        gone = "This photo is with somebody else now." if task.lease_owner_id else "This photo changed meanwhile."
        return DecisionResult("lease_gone", None, f"{gone} Nothing was saved for it.")
    word = "approved" if first.verdict == Verdict.APPROVE else "rejected"
    if first.reviewer_id == user.pk:
        return DecisionResult("conflict", first, f"You already decided this photo: {word}.")
    kept = None
    if asked.verdict in (Verdict.APPROVE, Verdict.REJECT) and not _has_second_opinion(user, task):
        kept = _write(user, task, task.version, asked, is_second_opinion=True)
    name = first.reviewer.get_full_name() or first.reviewer.get_username()
    return DecisionResult("conflict", kept, f"Already decided by {name}: {word}.")


def _has_second_opinion(user: User, task: ReviewTask) -> bool:
    return ReviewDecision.objects.filter(task=task, reviewer=user, is_second_opinion=True).exists()
