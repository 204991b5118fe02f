"""Review: lease a photo to a person, record what they decide, let them take it back.

Nothing here may tell the blind queue a sample from an ordinary photo: same calls, same messages, same speed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from reviewapp.enums import (
    REVIEW_STATES,
    AssetState,
    EditReason,
    LookKind,
    RejectReason,
    ReviewReason,
    ReviewTaskState,
    Role,
    RunKind,
    SampleOutcome,
    Verdict,
)
from reviewapp.models import Asset, Look, ReviewDecision, ReviewTask, SampleMember, StudyRun
from reviewapp.policies.transitions import IllegalTransition
from reviewapp.policies.verdicts import Asked, Verdicted, check
from reviewapp.selectors import people as people_selectors
from reviewapp.selectors import review as selectors
from reviewapp.selectors.access import has_senior_for, may_see_batch

from . import afterwards, answers, assets, audit, batches, learning, looks, routing, sampling
from .leases import beat, claim_next, release, take_back
from .people import require
from .undo import UndoResult, put_back, undo
from .words import stored_word, translated

__all__ = ["DecisionResult", "UndoResult", "beat", "claim_next", "record_decision", "release", "take_back", "undo"]

KEEPS_WAITING = frozenset({Verdict.HOLD, Verdict.SKIP, Verdict.ESCALATE})
"""After these somebody still has to decide."""

STUCK = 1000
"""Photos without a task that one round of repair looks at, at most."""

Status = Literal["saved", "conflict", "lease_gone", "replayed", "invalid"]


@dataclass(frozen=True, slots=True)
class DecisionResult:
    """How a decision ended. `decision` is the row it left, None if nothing was stored; `message` is for the person.

    `needs` names what an approval lacks: "colour", the tick that the colour was checked against the product.
    """

    status: Status
    decision: ReviewDecision | None
    message: str
    needs: str = ""


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
    marks: Sequence[Any] = (),
    colour_checked: bool = False,
) -> DecisionResult:
    """Decide one photo (REV-04). Never raises for what a person can run into; NotAllowed is the exception.

    saved: it stands. replayed: this key was seen before, the first result stands. conflict: somebody decided first, an
    approval or rejection is kept as a second opinion. lease_gone: the photo is with somebody else or changed meanwhile,
    nothing was stored. invalid: the message says what is missing.
    """
    require(user, Role.REVIEWER, Role.SENIOR, to=_("decide photos"))
    if earlier := ReviewDecision.objects.filter(idempotency_key=idempotency_key).first():
        return _replay(earlier, user, task_id)
    asked = check(Asked(verdict, idempotency_key, reasons, note, seconds_taken, queue, marks, colour_checked))
    if isinstance(asked, str):
        return DecisionResult("invalid", None, translated(asked))
    # Read first: the losers of a race must not take SQLite's only write lock to learn that they lost.
    task = selectors.to_decide(task_id)
    if task is None or not may_see_batch(user, task.asset.batch_id):
        return DecisionResult("invalid", None, _("This photo isn't in the queue."))
    if refusal := _no_escalation(user, task, asked):
        return DecisionResult("invalid", None, refusal)
    if asked.verdict == Verdict.APPROVE and selectors.asks_colour(task) and not asked.colour_checked:
        return DecisionResult("invalid", None, answers.unticked(), needs="colour")
    if task.state == ReviewTaskState.ON_HOLD and asked.verdict in KEEPS_WAITING:
        return DecisionResult("invalid", None, _("This photo is on hold already. Approve it, reject it or take it up."))
    if task.needs_senior and not people_selectors.is_senior(user):
        return DecisionResult("lease_gone", None, _("This photo waits for a senior now. Nothing was saved for it."))
    try:
        decision = _decide(user, task, seen_version, asked) if _is_open_to(task, user, seen_version) else None
        return (
            DecisionResult("saved", decision, answers.saved(asked.verdict))
            if decision
            else _too_late(user, task_id, asked)
        )
    except (assets.StateConflict, IllegalTransition):
        return DecisionResult("lease_gone", None, _("This photo left the queue. Nothing was saved for it."))
    except IntegrityError:
        if earlier := ReviewDecision.objects.filter(idempotency_key=idempotency_key).first():
            return _replay(earlier, user, task_id)
        raise


def _no_escalation(user: User, task: ReviewTask, asked: Verdicted) -> str:
    """Say why this escalation would help nobody; "" when it may go ahead, or isn't one."""
    if asked.verdict != Verdict.ESCALATE:
        return ""
    if people_selectors.is_senior(user):
        return _("You are a senior: there is nobody above you here. Decide it, hold it or skip it.")
    if not has_senior_for(task.asset.batch_id):
        return _("Nobody here is a senior. Hold the photo, or ask an admin to add one.")
    return ""


def _is_open_to(task: ReviewTask, user: User, seen_version: int) -> bool:
    if task.version != seen_version or task.state not in (ReviewTaskState.OPEN, ReviewTaskState.ON_HOLD):
        return False
    is_leased = task.lease_owner_id is not None and task.lease_until is not None and task.lease_until >= timezone.now()
    return not is_leased or task.lease_owner_id == user.pk


def _decide(user: User, task: ReviewTask, seen_version: int, asked: Verdicted) -> ReviewDecision | None:
    """Store the decision and everything that follows from it in one transaction; None when somebody was faster."""
    states = {
        Verdict.HOLD: ReviewTaskState.ON_HOLD,
        Verdict.SKIP: ReviewTaskState.OPEN,
        Verdict.ESCALATE: ReviewTaskState.OPEN,
    }
    now = timezone.now()
    free = Q(lease_owner=user) | Q(lease_owner__isnull=True) | Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    open_now = Q(state__in=[ReviewTaskState.OPEN, ReviewTaskState.ON_HOLD])
    with transaction.atomic():
        won = ReviewTask.objects.filter(free, open_now, pk=task.pk, version=seen_version).update(
            state=states.get(asked.verdict, ReviewTaskState.DONE),
            version=F("version") + 1,
            lease_owner=None,
            lease_until=None,
            decided_at=None if states.get(asked.verdict) == ReviewTaskState.OPEN else now,
        )
        if not won:
            return None
        decision = _write(user, task, seen_version + 1, asked, is_second_opinion=False)
        _still_waits(task, seen_version)
        _note(user, task, asked)
        if asked.colour_checked:
            audit.record("review.colour_checked", task, actor=user, after={"run": task.run_id})
        afterwards.do(lambda: _follow(user, task, asked, seen_version + 1))
        return decision


def _still_waits(task: ReviewTask, seen_version: int) -> None:
    """Raise StateConflict when an ordinary photo isn't waiting any more. Asked of every photo alike.

    One that is only about to come back, because its decision was just taken back, waits as well.
    """
    state = Asset.objects.select_for_update().values_list("state", flat=True).get(pk=task.asset_id)
    if task.reason == ReviewReason.SAMPLE or state in REVIEW_STATES or _taken_back(task, seen_version) is not None:
        return
    raise assets.StateConflict(task.asset_id, AssetState.IN_REVIEW, state)


def _taken_back(task: ReviewTask, version: int) -> ReviewDecision | None:
    """The decision that was taken back when `task` got this version; None when it got it otherwise."""
    undone = ReviewDecision.objects.filter(task=task, version=version, undoes__isnull=False)
    row = undone.select_related("undoes__asset", "undoes__task", "undoes__run").first()
    return row.undoes if row else None


def _write(user: User, task: ReviewTask, version: int, asked: Verdicted, *, is_second_opinion: bool) -> ReviewDecision:
    return ReviewDecision.objects.create(
        task=task,
        asset=task.asset,
        run=task.run,
        preset_version_id=task.run.preset_version_id,
        policy_id=task.run.quality.policy_id,
        version=version,
        reviewer=user,
        verdict=asked.verdict,
        reasons=asked.reasons,
        directions=asked.directions,
        note=asked.note,
        marks=asked.marks,
        colour_checked=asked.colour_checked,
        score_total=task.run.quality.total,
        was_blind=asked.was_blind or task.reason == ReviewReason.SAMPLE,
        is_second_opinion=is_second_opinion,
        idempotency_key=asked.idempotency_key,
        seconds_taken=asked.seconds_taken,
    )


def _note(user: User, task: ReviewTask, asked: Verdicted) -> None:
    """Write on the task itself what a skip or an escalation says."""
    if asked.verdict == Verdict.SKIP:
        skipped = [pk for pk in task.skipped_by if pk != user.pk] + [user.pk]
        ReviewTask.objects.filter(pk=task.pk).update(skipped_by=skipped)
    elif asked.verdict == Verdict.ESCALATE:
        ReviewTask.objects.filter(pk=task.pk).update(needs_senior=True, escalated_by=user, escalation_note=asked.note)


def _follow(user: User, task: ReviewTask, asked: Verdicted, version: int) -> None:
    """Move the photo on. A sample is approved already: only a rejection moves it, the rest is bookkeeping.

    Nothing follows from a decision that was taken back meanwhile: the task's `version` has moved on then.
    """
    # Locked: an undo either came before, or waits until all of this is there to be put back.
    locked = ReviewTask.objects.select_for_update().filter(pk=task.pk, version=version)
    if locked.values_list("pk", flat=True).first() is None:
        return
    is_sample = task.reason == ReviewReason.SAMPLE
    task.asset.refresh_from_db(fields=["state"])
    if (
        not is_sample
        and task.asset.state not in REVIEW_STATES
        and (before := _taken_back(task, version - 1)) is not None
    ):
        put_back(user, before, version)
        task.asset.refresh_from_db(fields=["state"])
    waits = task.asset.state in REVIEW_STATES
    if asked.verdict in (Verdict.SKIP, Verdict.ESCALATE):
        return
    if is_sample and (look := looks.of_task(task.pk)) is not None:
        _see(look, user, asked)
        return
    if asked.verdict == Verdict.HOLD:
        if not is_sample and task.asset.state == AssetState.IN_REVIEW:
            assets.move(task.asset, AssetState.ON_HOLD, reason=asked.note or "On hold", actor=user)
    elif is_duel_look(task):
        pass  # counted when the duel is over (services/studies.py); the photo itself stays where it is
    elif asked.verdict == Verdict.APPROVE:
        if is_sample and task.run.kind == RunKind.ADJUSTED and not waits:
            # What shipped by itself had to be corrected: the photo itself comes back, with the better result.
            assets.move(task.asset, AssetState.IN_REVIEW, reason="Adjusted in review", actor=user)
            waits = True
        if waits or not is_sample:
            assets.move(task.asset, AssetState.APPROVED, reason="Approved in review", actor=user, current_run=task.run)
            routing.start_render(task.asset, task.run)
    else:
        _reject(user, task, asked, is_sample=is_sample)
    if is_sample and asked.verdict in (Verdict.APPROVE, Verdict.REJECT) and not is_duel_look(task):
        is_fine = asked.verdict == Verdict.APPROVE and task.run.kind != RunKind.ADJUSTED
        sampling.judge(task, Verdict.APPROVE if is_fine else Verdict.REJECT, user)
    batches.refresh(task.asset.batch_id)


def is_duel_look(task: ReviewTask) -> bool:
    """Say whether `task` is one side of a duel between presets; to_decide has loaded what tells it."""
    return hasattr(task, "study_run")


def _see(look: Look, user: User, asked: Verdicted) -> None:
    """A hidden look moves its lot, never the photo: a flag waits for a second person."""
    if asked.verdict in (Verdict.APPROVE, Verdict.REJECT):
        is_flagged = looks.flags(look, asked.verdict, look.task.run)
        looks.judge(look, user, is_flagged=is_flagged, reasons=asked.reasons, seconds=asked.seconds_taken)
        if look.kind != LookKind.GOLD:
            batches.refresh(look.asset.batch_id)


def repair() -> int:
    """Follow up decisions whose photo still waits because a process died between. Returns how many."""
    theirs = ReviewTask.objects.filter(asset=OuterRef("asset"), look__isnull=True, study_run__isnull=True)
    # From the photos that wait and have no task anybody could take: the decided tasks are all there ever were.
    waiting = Asset.objects.filter(state__in=REVIEW_STATES)
    free = ReviewTask.objects.filter(asset=OuterRef("pk"), state__in=[ReviewTaskState.OPEN, ReviewTaskState.ON_HOLD])
    # Not by outer joins: of those PostgreSQL expects one row, and then compares every photo with every task.
    free = free.exclude(Exists(Look.objects.filter(task=OuterRef("pk"))))
    free = free.exclude(Exists(StudyRun.objects.filter(review_task=OuterRef("pk"))))
    stuck = list(waiting.filter(~Exists(free)).order_by().values_list("pk", flat=True)[:STUCK])
    done = ReviewTask.objects.filter(
        ~Exists(theirs.filter(pk__gt=OuterRef("pk"))), asset__in=stuck, state=ReviewTaskState.DONE,
        look__isnull=True, study_run__isnull=True,
    )  # fmt: skip
    old = timezone.now() - timedelta(minutes=1)
    # A sample's photo doesn't wait; that nobody counted its verdict tells it.
    samples = SampleMember.objects.filter(
        outcome=SampleOutcome.PENDING, review_task__state=ReviewTaskState.DONE, review_task__decided_at__lt=old
    )
    lost = list(done.filter(decided_at__lt=old).values_list("pk", flat=True)[:200])
    lost += [pk for pk in samples.values_list("review_task", flat=True)[:200] if pk is not None]
    mended = _hold_again(old)
    for pk in lost:
        task = selectors.to_decide(pk)
        decision = selectors.final_decision(task) if task else None
        if task is None or decision is None:
            continue
        asked = Verdicted(
            Verdict(decision.verdict), decision.reasons, decision.note, decision.idempotency_key,
            decision.seconds_taken, decision.was_blind, decision.marks, decision.directions, decision.colour_checked,
        )  # fmt: skip
        # Taken on by somebody else between our read and our write, it is no longer ours to mend.
        with contextlib.suppress(assets.StateConflict), transaction.atomic():
            _follow(decision.reviewer, task, asked, task.version)
            mended += 1
    return mended


def _hold_again(old: datetime) -> int:
    """Photos put on hold whose state didn't follow."""
    held = ReviewTask.objects.filter(
        state=ReviewTaskState.ON_HOLD, decided_at__lt=old, asset__state=AssetState.IN_REVIEW
    )
    moved = 0
    for task in held.exclude(reason=ReviewReason.SAMPLE).select_related("asset")[:200]:
        with contextlib.suppress(assets.StateConflict):
            assets.move(task.asset, AssetState.ON_HOLD, reason="On hold")
            moved += 1
    return moved


def _reject(user: User, task: ReviewTask, asked: Verdicted, *, is_sample: bool) -> None:
    labels = ", ".join(stored_word(RejectReason(reason).label).lower() for reason in asked.reasons)
    why = f"Rejected in review: {labels}." + (f" {asked.note}" if asked.note else "")
    reason = EditReason.SAMPLE_REJECTED if is_sample else EditReason.REJECTED
    routing.open_editing(task.asset, reason, why[:500], base_run=task.run, actor=user)
    # After commit: a draft that can't be made must never cost a person their decision. The next rejection tries again.
    # A lambda: Django logs a robust callback's failure by its __qualname__, which a partial doesn't have.
    transaction.on_commit(lambda: learning.propose(task.run.preset_version), robust=True)


def _replay(earlier: ReviewDecision, user: User, task_id: int) -> DecisionResult:
    if earlier.reviewer_id != user.pk or earlier.task_id != task_id:
        return DecisionResult("invalid", None, _("The form is out of date. Load the page again."))
    if earlier.is_second_opinion:  # its answer was lost: what it said then is still what happened
        first = selectors.final_decision(earlier.task)
        return DecisionResult("conflict", earlier, answers.first_stands(first, kept=True))
    return DecisionResult("replayed", earlier, _("Already saved."))


def _too_late(user: User, task_id: int, asked: Verdicted) -> DecisionResult:
    """Say who was faster; keep an approval or rejection as a second opinion (the first one stands)."""
    task = selectors.task_for_display(task_id)
    first = selectors.final_decision(task) if task.state == ReviewTaskState.DONE else None
    if first is None:
        own = selectors.standing(ReviewDecision.objects.filter(task=task, reviewer=user, version=task.version)).first()
        if own is not None:
            return DecisionResult("lease_gone", None, answers.own_stands(own))
        elsewhere = _("This photo is with somebody else now. Nothing was saved for it.")
        changed = _("This photo changed meanwhile. Nothing was saved for it.")
        return DecisionResult("lease_gone", None, elsewhere if task.lease_owner_id else changed)
    if first.reviewer_id == user.pk:
        return DecisionResult("conflict", first, answers.own_stands(first))
    kept = None
    if asked.verdict in (Verdict.APPROVE, Verdict.REJECT) and not _has_second_opinion(user, task):
        with transaction.atomic():
            kept = _write(user, task, task.version, asked, is_second_opinion=True)
            audit.record(
                "review.second_opinion", task, actor=user, after={"verdict": asked.verdict, "stands": first.verdict}
            )
    return DecisionResult("conflict", kept, answers.first_stands(first, kept=kept is not None))


def _has_second_opinion(user: User, task: ReviewTask) -> bool:
    return ReviewDecision.objects.filter(task=task, reviewer=user, is_second_opinion=True).exists()
