"""Looks whose process died before anything followed: the sweep counts what stands, and one bad row stops none."""

from __future__ import annotations

import pytest

from reviewapp.enums import Role, Verdict
from reviewapp.models import Look, Lot
from reviewapp.services import afterwards, looks
from tests import factories as make
from tests.lots import approved, people, planned, proven_batch

from .test_review_decisions import decide

pytestmark = pytest.mark.django_db(transaction=True)


def judged_and_lost(category: str = "mug") -> tuple[Lot, Look]:
    """A lot with one look whose decision is stored and never followed up."""
    batch = proven_batch()
    approved(batch, 30, category)
    lot = planned(batch)
    look = lot.looks.order_by("pk")[0]
    with afterwards.kept():  # and never run
        assert decide(people(1)[0], look.task, "approve").status == "saved"
    return lot, look


def test_the_first_decision_counts_not_the_second_opinion_that_came_after_it() -> None:
    _lot, look = judged_and_lost()
    late = decide(make.make_user("late", Role.REVIEWER), look.task, "reject", "shadow")
    assert late.status == "conflict" and late.decision is not None and late.decision.is_second_opinion
    assert (looks.repair(), looks.repair()) == (1, 0)
    look.refresh_from_db()
    assert look.verdict == Verdict.APPROVE and look.reviewer != late.decision.reviewer


def test_a_look_that_cannot_be_recorded_stops_no_other() -> None:
    broken, bad = judged_and_lost("mug")
    _lot, good = judged_and_lost("lamp")
    assert bad.lot_id != good.lot_id
    Lot.objects.filter(pk=broken.pk).update(plan={})
    assert (looks.repair(), looks.repair()) == (1, 0)
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.verdict, good.verdict) == ("", Verdict.APPROVE)
