"""What the quality loop does by itself, every half minute: plan, settle, repair, certify, keep known pictures ready."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from reviewapp.enums import AlarmKind, LookKind, LotState
from reviewapp.models import Look, Lot
from reviewapp.selectors import people as people_reads

from . import gold, hidden, looks, lots, review, scopes, undo

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
    """One round. Does what is due and nothing else, however often it runs; two at once do no harm."""
    planned = lots.plan_due()
    repaired = review.repair() + looks.repair() + undo.repair()
    live = Lot.objects.filter(state__in=[LotState.OPEN, LotState.HELD]).order_by("pk")
    for pk in list(live.values_list("pk", flat=True)):
        lots.settle(pk)
    _watch_people()
    _drop_stale()
    return TickReport(planned, repaired, scopes.age(), scopes.certify_daily(), gold.keep_stocked())


def _watch_people() -> None:
    """Say when flags wait for a second person and there is none."""
    waiting = Look.objects.filter(kind=LookKind.SECOND, verdict="", is_void=False)
    if not waiting.exists():
        return
    people = len(people_reads.reviewers())
    text = "A flag waits for a second person, and nobody but the first may review. Add a reviewer."
    if people < 2:
        scopes.raise_alarm(AlarmKind.NO_SECOND, "people", text)
    else:
        scopes.close_alarms(None, "There are enough people now.", kind=AlarmKind.NO_SECOND)


def _drop_stale() -> None:
    old = Look.objects.filter(kind=LookKind.GOLD, verdict="", is_void=False, created_at__lt=timezone.now() - STALE)
    with transaction.atomic():
        hidden.withdraw(list(old[:200]))
