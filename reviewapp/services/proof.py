"""What the quality loop does by itself, every half minute: plan, settle, repair, certify, keep known pictures ready."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta

from django.db import DatabaseError, OperationalError, transaction
from django.db.models import Count, Exists, OuterRef, Q, Subquery
from django.utils import timezone

from reviewapp.enums import AlarmKind, LookKind, LotState, Verdict
from reviewapp.models import Look, Lot, ReviewDecision
from reviewapp.selectors import people as people_reads

from . import gold, hidden, looks, lots, review, scopes, undo

logger = logging.getLogger(__name__)

JUDGED = (Verdict.APPROVE, Verdict.REJECT)
STALE = timedelta(days=14)
"""A known picture nobody has come to in this time is taken out of the queue."""


@dataclass(frozen=True, slots=True)
class TickReport:
    """What one round did."""

    planned: int
    repaired: int
    aged: int
    certified: int
    ordered: int


def tick() -> TickReport:
    """One round. Does what is due and nothing else, however often it runs; two at once do no harm.

    Raises ExceptionGroup at the end when lots could not be settled; everything else was done by then.
    """
    lots.drop_cancelled()
    planned = lots.plan_due()
    repaired = review.repair() + looks.repair() + undo.repair()
    failed = _settle_all()
    _watch_people()
    gold.watch_stock()
    _drop_stale()
    report = TickReport(planned, repaired, scopes.age(), scopes.certify_daily(), gold.keep_stocked())
    if failed:
        raise ExceptionGroup("lot_settle_failed", failed)
    return report


def _settle_all() -> list[Exception]:
    """Bring every live lot forward. Returns what failed: one lot holds up no other, and nothing that comes after them.

    Raises DatabaseError: without the database the others would fail alike. A deadlock is left for the next round.
    """
    live = Lot.objects.filter(state__in=[LotState.OPEN, LotState.HELD]).order_by("pk")
    failed: list[Exception] = []
    for pk in list(live.values_list("pk", flat=True)):
        try:
            lots.settle(pk)
        except OperationalError:
            logger.exception("lot_settle_failed", extra={"lot": pk})
        except DatabaseError:
            raise
        except Exception as error:
            logger.exception("lot_settle_failed", extra={"lot": pk})
            error.add_note(f"Lot {pk}")
            failed.append(error)
    return failed


def _watch_people() -> None:
    """Say when looks wait for other eyes than all there are: a flag for a second person, a lot for a further pass."""
    live = Q(kind=LookKind.AGAIN, lot__state__in=[LotState.OPEN, LotState.HELD])
    waiting = Look.objects.filter(live | Q(kind=LookKind.SECOND), verdict="", is_void=False)
    people = list(people_reads.reviewers())
    made = ReviewDecision.objects.filter(asset=OuterRef("asset"), reviewer__in=people, verdict__in=JUDGED).order_by()
    eyes = made.values("asset").annotate(n=Count("reviewer", distinct=True)).values("n")
    stuck = waiting.annotate(eyes=Subquery(eyes)).filter(eyes__gte=len(people)).select_related("lot__scope__client")
    # A first look is kept from those alone whose look at the photo doesn't count.
    void = made.filter(Exists(Look.objects.filter(task=OuterRef("task"), is_void=True)))
    blind = void.values("asset").annotate(n=Count("reviewer", distinct=True)).values("n")
    again = Look.objects.filter(kind=LookKind.FIRST, verdict="", is_void=False).filter(Exists(void))
    again = again.annotate(eyes=Subquery(blind)).filter(eyes__gte=len(people)).select_related("lot__scope__client")
    look = stuck.order_by("pk").first() or again.order_by("pk").first()
    if look is None:
        scopes.close_alarms(None, "There are enough people now.", kind=AlarmKind.NO_SECOND)
        return
    words = "A flag waits for a second person" if look.kind == LookKind.SECOND else f"{look.lot} needs another look"
    text = f"{words}, and everybody who may review has judged that photo. Add a reviewer, or release the lot by hand."
    scopes.raise_alarm(AlarmKind.NO_SECOND, "people", text, lot=look.lot)


def _drop_stale() -> None:
    old = Look.objects.filter(kind=LookKind.GOLD, verdict="", is_void=False, created_at__lt=timezone.now() - STALE)
    with transaction.atomic():
        hidden.withdraw(list(old[:200]))
