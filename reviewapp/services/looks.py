"""What becomes of a hidden look once it is made: a lot moves on, a flag is upheld or not, a reviewer is measured."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from reviewapp.enums import AssetState, EditReason, GoldSource, LookKind, LotState, ReviewTaskState, RunKind, Verdict
from reviewapp.models import Asset, Look, Lot, ProcessingRun
from reviewapp.policies.quality import lots as policy
from reviewapp.policies.quality.reviewers import LEAST_VIEW_S
from reviewapp.selectors import review as reads

from . import assets, audit, gold, hidden, learning, lots, retro
from .handover import open_editing

logger = logging.getLogger(__name__)

LIVE = (LotState.OPEN, LotState.HELD)


def of_task(task_id: int) -> Look | None:
    """The hidden look a task is, None for any other.

    Bare: nearly every task is none, and to write the statement that brings all its relations along costs five
    milliseconds. Whoever goes on with a look does so after the answer (services/afterwards.py).
    """
    return Look.objects.filter(task_id=task_id).first()


def flags(look: Look, verdict: str, run: ProcessingRun) -> bool:
    """Say whether a verdict says that what was shown is defective: it was rejected, or had to be adjusted first.

    A defect that was planted stays when the picture is adjusted, so only a rejection says that it was seen.
    """
    keeps_it = look.gold is not None and look.gold.source != GoldSource.ESCAPE
    is_corrected = run.kind == RunKind.ADJUSTED and not keeps_it
    return verdict == Verdict.REJECT or is_corrected


def is_glance(look: Look, seconds: float | None, *, is_flagged: bool) -> bool:
    """Say whether a lot's photo was let pass faster than anybody can look at it: that proves nothing (section 6).

    It counts for nothing and other eyes are asked; who glanced is told nothing, or it would tell a sample.
    """
    is_known = look.kind == LookKind.GOLD
    return not is_known and not is_flagged and seconds is not None and seconds < LEAST_VIEW_S


def judge(look: Look, user: User, *, is_flagged: bool, reasons: Sequence[str], seconds: float | None) -> bool:
    """Record what a person saw; False when it was recorded before. Call inside the transaction of the decision."""
    with transaction.atomic():
        lot = Lot.objects.select_for_update().get(pk=look.lot_id) if look.lot_id else None
        if look.of is not None and look.of.reviewer_id == user.pk:
            # Nobody is given a second look at their own flag; one who got at it all the same counts for nothing.
            Look.objects.filter(pk=look.pk, verdict="").update(is_void=True)
            if lot is not None:
                lots.ask_second(lot)
            return False
        if lot is not None:
            _check(look, lot, user, is_flagged=is_flagged, reasons=reasons)
        if look.is_void and is_flagged and look.kind != LookKind.SECOND:
            # Said after an undo, when others were asked already: theirs counts for the lot, the flag all the same.
            look.kind, look.is_void = LookKind.RETRO, False
        is_void = look.is_void or is_glance(look, seconds, is_flagged=is_flagged)
        verdict = Verdict.REJECT if is_flagged else Verdict.APPROVE
        changed = Look.objects.filter(pk=look.pk, verdict="").update(
            verdict=verdict, reviewer=user, reasons=list(reasons), seconds_taken=seconds, judged_at=timezone.now(),
            kind=look.kind, is_void=is_void,
        )  # fmt: skip
        if not changed:
            return False
        look.refresh_from_db()
        if look.kind == LookKind.GOLD:
            gold.judged(look, user)
        elif look.kind == LookKind.SECOND and look.of is not None and not is_void:
            _second(look, look.of, user)
        elif look.kind == LookKind.RETRO and lot is not None and is_void:
            retro.ask_places(lot, [look.asset_id])
        if lot is not None:
            _go_on(lot)
    return True


def _check(look: Look, lot: Lot, user: User, *, is_flagged: bool, reasons: Sequence[str]) -> None:
    """Hold a look against the policies' rules (due, in order, a second person); one that comes too late looks back."""
    if lot.state not in LIVE:
        look.kind = LookKind.RETRO if look.kind in (LookKind.FIRST, LookKind.AGAIN) else look.kind
        return
    now = lots.rebuilt(lot)
    if look.kind == LookKind.FIRST:
        try:
            policy.record_look(now, str(look.asset_id), user.pk, is_flagged, reasons[0] if reasons else "")
        except ValueError:  # not due any more: a flag before it was taken back
            look.kind = LookKind.RETRO
    elif look.kind == LookKind.SECOND and look.of is not None and look.of.kind == LookKind.FIRST:
        policy.adjudicate(now, str(look.asset_id), user.pk, is_flagged)


def _second(look: Look, flag: Look, user: User) -> None:
    is_upheld = look.verdict == Verdict.REJECT
    audit.record("look.adjudicated", flag, actor=user, after={"upheld": is_upheld, "kind": flag.kind})
    if not is_upheld:
        return
    if flag.kind == LookKind.RETRO:
        retro.escaped(flag)
    elif flag.asset.state == AssetState.AUTO_APPROVED:
        open_editing(flag.asset, EditReason.SAMPLE_REJECTED, "Rejected in review.", base_run=flag.task.run)
    # As after any rejection: a draft that can't be made must never cost a person their decision.
    transaction.on_commit(lambda: learning.propose(flag.task.run.preset_version), robust=True)


def _go_on(lot: Lot) -> None:
    if lot.state in LIVE:
        lots.settle(lot.pk)
    else:
        lots.ask_second(lot)


def is_judged_by_another(task_id: int) -> bool:
    """Say whether a second person has judged, or has on screen, what was flagged in this task."""
    seconds = Look.objects.filter(of__task_id=task_id, is_void=False)
    on_screen = Q(task__lease_owner__isnull=False, task__lease_until__gte=timezone.now(), task__state="open")
    return seconds.filter(~Q(verdict="") | on_screen).exists()


def is_upheld(look: Look) -> bool:
    """Say whether this look upheld a flag and so sent the photo to an editor."""
    return look.kind == LookKind.SECOND and look.verdict == Verdict.REJECT


def take_back(look: Look, user: User) -> None:
    """Undo a look. What its lot was released on stays; the next word on it then looks back."""
    with transaction.atomic():
        lot = Lot.objects.select_for_update().get(pk=look.lot_id) if look.lot_id else None
        hidden.withdraw(list(look.seconds.filter(is_void=False, verdict="")))
        is_late = lot is not None and lot.state not in LIVE and look.kind in (LookKind.FIRST, LookKind.AGAIN)
        kind = LookKind.RETRO if is_late else look.kind
        is_void = look.is_void and not _takes_over(look)
        Look.objects.filter(pk=look.pk).update(
            verdict="", reviewer=None, reasons=[], judged_at=None, kind=kind, is_void=is_void
        )
        asset = Asset.objects.get(pk=look.asset_id)
        if is_upheld(look) and asset.state == AssetState.EDITING:
            assets.move(asset, AssetState.AUTO_APPROVED, reason="Decision undone", actor=user)


def _takes_over(look: Look) -> bool:
    """Take the look that replaced a void one out of the queue, so that who thought again is heard. False when somebody
    has it on screen or has judged it: then it is theirs."""
    same = Look.objects.filter(
        lot=look.lot_id, asset=look.asset_id, kind=look.kind, number=look.number, of=look.of_id, is_void=False
    )
    if same.exclude(verdict="").exists():
        return False
    hidden.withdraw(list(same))
    return not same.all().exists()


def repair() -> int:
    """Record looks whose decision was stored but not followed up (a process died between). Returns how many.

    One that fails is logged and stops none of the others.
    """
    lost = Look.objects.filter(verdict="", task__state=ReviewTaskState.DONE)
    lost = lost.exclude(kind=LookKind.SECOND, is_void=True)  # somebody's own flag, that they got at all the same
    done = 0
    for pk in list(lost.values_list("task_id", flat=True)[:200]):
        try:
            with transaction.atomic():
                done += _record(pk)
        except Exception:
            logger.exception("look_repair_failed", extra={"task": pk})
    return done


def _record(task_id: int) -> bool:
    look = of_task(task_id)
    # The verdict in force, as for any photo: not what was taken back, nor a second opinion that came too late.
    decision = reads.final_decision(look.task) if look else None
    if look is None or decision is None:
        return False
    is_flagged = flags(look, decision.verdict, decision.run)
    return judge(
        look, decision.reviewer, is_flagged=is_flagged, reasons=decision.reasons, seconds=decision.seconds_taken
    )
