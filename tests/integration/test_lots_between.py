"""What a lot does when something comes in between: glances, slips, cancelled batches, lost proofs (sections 2.5, 6)."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from reviewapp.enums import (
    AlarmKind,
    AssetState,
    BatchState,
    LookKind,
    LotState,
    Role,
    ScopeMode,
    Verdict,
)
from reviewapp.models import (
    Alarm,
    Asset,
    AuditEvent,
    Batch,
    Certificate,
    Look,
    Lot,
    RoutingPolicy,
    Scope,
)
from reviewapp.selectors import deliveries, review
from reviewapp.services import delivery, leases, lots, proof, retro, sampling, scopes, undo
from reviewapp.services import review as desk
from tests import factories
from tests.lots import approved, certified, look_at, people, planned, proven_batch

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_glance_at_a_lots_photo_proves_nothing_and_other_eyes_are_asked() -> None:
    batch = proven_batch()
    approved(batch, 30)
    lot = planned(batch)
    first, second = people()
    (task,) = leases.claim_next(first, 1)
    said = desk.record_decision(
        first, task.pk, seen_version=0, verdict="approve", seconds_taken=1.2, idempotency_key="fast"
    )
    assert said.status == "saved", "who glanced is told nothing"
    glance = Look.objects.get(task=task)
    assert glance.is_void and glance.verdict == Verdict.APPROVE
    again = lot.looks.get(asset=task.asset, is_void=False)
    assert again.verdict == "" and again.task_id != task.pk
    assert review.barred(first).filter(pk=again.pk).exists() and not review.barred(second).exists()


def test_a_second_persons_glance_dismisses_no_find() -> None:
    batch = proven_batch()
    approved(batch, 30)
    lot = planned(batch)
    first, second = people()
    bad = lot.places.get(rank=0).asset_id
    look_at(first, lambda task: Verdict.REJECT if task.asset_id == bad else Verdict.APPROVE)
    (task,) = leases.claim_next(second, 1)
    desk.record_decision(second, task.pk, seen_version=0, verdict="approve", seconds_taken=0.2, idempotency_key="g")
    assert Look.objects.get(task=task).is_void
    asked = Look.objects.get(kind=LookKind.SECOND, is_void=False)
    assert asked.verdict == "" and review.barred(second).filter(pk=asked.pk).exists()
    third = factories.make_user("", Role.REVIEWER)
    look_at(third, Verdict.REJECT)
    assert Asset.objects.get(pk=bad).state == AssetState.EDITING


@pytest.mark.parametrize("others_were_faster", [False, True])
def test_a_slip_undone_and_a_rejection_instead_is_never_lost(others_were_faster: bool) -> None:
    batch = proven_batch()
    approved(batch, 30)
    lot = planned(batch)
    first, second = people()
    (task,) = leases.claim_next(first, 1)
    slip = desk.record_decision(
        first, task.pk, seen_version=0, verdict="approve", seconds_taken=0.4, idempotency_key="slip"
    )
    assert slip.decision is not None
    if others_were_faster:
        look_at(second, Verdict.APPROVE)
    undone = undo.undo(first, slip.decision.pk)
    assert undone.is_undone and undone.task is not None
    said = desk.record_decision(
        first, task.pk, seen_version=undone.task.version, verdict="reject", reasons=["edge_halo"], seconds_taken=9.0,
        idempotency_key="real",
    )  # fmt: skip
    assert said.status == "saved"
    flag = Look.objects.get(task=task)
    assert flag.verdict == Verdict.REJECT and not flag.is_void
    assert flag.kind == (LookKind.RETRO if others_were_faster else LookKind.FIRST)
    judge = factories.make_user("", Role.REVIEWER)
    look_at(judge, lambda one: Verdict.REJECT if one.asset_id == task.asset_id else Verdict.APPROVE)
    assert Asset.objects.get(pk=task.asset_id).state == AssetState.EDITING
    assert lot.looks.filter(asset=task.asset, kind=LookKind.FIRST, is_void=False).count() <= 1


def test_what_a_lot_in_doubt_released_waits_for_the_looks_back() -> None:
    batch = proven_batch()
    approved(batch, 30)
    lot = planned(batch)
    first, second = people()
    look_at(first, Verdict.APPROVE)
    lot.refresh_from_db()
    assert lot.state == LotState.RELEASED and deliveries.plan(batch).lots_open == []
    place = lot.places.order_by("-rank").first()
    assert place is not None
    retro.ask_places(lot, [place.asset_id])
    waits = deliveries.plan(batch)
    assert waits.lots_open == [lot] and [row.code for row in waits.withheld if row.asset_id == place.asset_id] == [
        "not_proven"
    ]
    with pytest.raises(delivery.DeliveryHeld):
        delivery.release(batch, None)
    look_at(second, Verdict.APPROVE)
    assert deliveries.plan(batch).lots_open == []


def test_a_cancelled_batch_leaves_its_lots_and_the_others_go_on() -> None:
    one = proven_batch()
    client = one.client
    two = proven_batch(client=client, preset_version=one.preset_version)
    approved(one, 20)
    sampling.draw_due(one)
    approved(two, 20)
    lot = planned(two)
    assert lot.size == 40
    Batch.objects.filter(pk=one.pk).update(state=BatchState.CANCELLED)
    proof.tick()
    proof.tick()
    lot.refresh_from_db()
    assert lot.size == 20 == lot.places.count() and lot.plan["size"] == 20
    assert sorted(lot.places.values_list("rank", flat=True)) == list(range(20))
    look_at(people()[0], Verdict.APPROVE)
    lot.refresh_from_db()
    assert lot.state == LotState.RELEASED
    three = proven_batch(client=client, preset_version=one.preset_version)
    approved(three, 30)
    empty = planned(three)
    Batch.objects.filter(pk=three.pk).update(state=BatchState.CANCELLED)
    proof.tick()
    empty.refresh_from_db()
    assert empty.state == LotState.RELEASED and "cancelled" in empty.why
    assert empty.pk not in scopes.lot_ids(Scope.objects.get(pk=empty.scope_id)), "and it proves nothing"


def test_a_first_look_nobody_is_left_for_is_said_and_released_by_word() -> None:
    batch = proven_batch()
    approved(batch, 30)
    lot = planned(batch)
    only = people()[0]
    (task,) = leases.claim_next(only, 1)
    desk.record_decision(only, task.pk, seen_version=0, verdict="approve", seconds_taken=0.4, idempotency_key="g")
    look_at(only, Verdict.APPROVE)
    User.objects.exclude(pk=only.pk).update(is_active=False)
    proof.tick()
    assert Alarm.objects.filter(kind=AlarmKind.NO_SECOND, lot=lot).exists()
    manager = factories.make_user("", Role.MANAGER)
    lots.release_unproven(lot.pk, manager, "Looked at them all myself.")
    lot.refresh_from_db()
    assert lot.state == LotState.RELEASED


def test_a_certificate_that_todays_eyes_do_not_bear_out_is_lost_the_same_day() -> None:
    batch = proven_batch()
    approved(batch, 60)
    scope = certified(batch)
    Scope.objects.filter(pk=scope.pk).update(last_lot_at=timezone.now())
    assert scopes.certify_daily() == 1
    scope.refresh_from_db()
    assert scope.mode == ScopeMode.CERTIFIED
    Certificate.objects.all().delete()
    RoutingPolicy.objects.filter(pk=scope.policy_id).update(tolerated_rate=0.001)
    assert scopes.certify_daily() == 1
    scope.refresh_from_db()
    assert scope.mode == ScopeMode.LEARN and scopes.lot_ids(scope) == []
    assert Alarm.objects.filter(kind=AlarmKind.LOST, scope=scope).exists()


def test_an_open_lot_is_proven_by_itself_once_its_scope_is_not_proven_any_more() -> None:
    batch = proven_batch()
    approved(batch, 60)
    scope = certified(batch)
    assert lots.plan_due() == 1
    lot = Lot.objects.get()
    small, boundaries = lot.plan["first"], lot.plan["boundaries"]
    first = people()[0]
    look_at(first, Verdict.APPROVE, only=small - 1)
    with transaction.atomic():
        scopes.forget_lots(scopes.locked(scope.pk), set(scopes.lot_ids(scope)))
    look_at(first, Verdict.APPROVE)
    lot.refresh_from_db()
    assert lot.plan["mode"] == "learn" and lot.plan["first"] == (boundaries or [60])[0] > small
    assert lot.state == LotState.RELEASED and lot.looks.exclude(verdict="").count() == lot.plan["first"]
    assert set(lot.places.values_list("pi", flat=True)) == {lot.plan["first"] / 60}, "the chance is logged anew"
    told = AuditEvent.objects.filter(verb="lot.planned", object_id=str(lot.pk)).order_by("pk")
    assert [event.after["mode"] for event in told] == ["certified", "learn"]
    assert "not proven any more" in told[1].note
