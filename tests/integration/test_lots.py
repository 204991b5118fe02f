"""Lots in the app: planned before the first look, proven blind, held when they fail, and never shipped before."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from reviewapp.enums import (
    AlarmKind,
    AssetState,
    BatchState,
    LookKind,
    LotState,
    Role,
    Sampling,
    ScopeMode,
    Verdict,
)
from reviewapp.models import (
    Alarm,
    Asset,
    AuditEvent,
    Certificate,
    Delivery,
    DeliveryItem,
    Look,
    Lot,
    Scope,
)
from reviewapp.policies.quality import order
from reviewapp.selectors import deliveries, review
from reviewapp.services import batches, delivery, leases, lots, proof, sampling, scopes
from reviewapp.services import review as desk
from tests import factories
from tests.lots import approved, certified, look_at, people, planned, proven_batch

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_plan_is_made_before_any_look_and_the_seed_gives_the_order_again() -> None:
    batch = proven_batch()
    photos = approved(batch, 30)
    lot = planned(batch)
    assert (lot.state, lot.size, lot.plan["mode"]) == (LotState.OPEN, 30, "learn")
    assert lot.seed_sha256 == order.seed_hash(lot.seed) == lot.plan["order_seed_hash"]
    ids = [str(pk) for pk in lot.places.order_by("rank").values_list("asset_id", flat=True)]
    assert ids == order.ordered(lot.seed, [str(photo.pk) for photo in photos])
    first = lot.plan["first"]
    assert {place.pi for place in lot.places.all()} == {first / 30}
    due = lot.looks.filter(kind=LookKind.FIRST)
    assert sorted(due.values_list("asset_id", flat=True)) == sorted(int(one) for one in ids[:first])
    before = lot.plan
    proof.tick()
    assert not lots.plan(lot.pk, at_once=True), "a plan is never changed"
    lot.refresh_from_db()
    assert lot.plan == before and lot.looks.count() == first, "twice asks for nothing more"


def test_a_clean_lot_ships_once_its_looks_are_made_and_not_before() -> None:
    batch = proven_batch()
    photos = approved(batch, 30)
    for photo in photos:
        for row in batch.batch_channels.select_related("channel"):
            factories.make_rendition(photo, row.channel)
    lot = planned(batch)
    batches.refresh(batch.pk)
    batch.refresh_from_db()
    assert batch.state == BatchState.REVIEW
    with pytest.raises(delivery.DeliveryHeld):
        delivery.release(batch, None)
    assert {item.code for item in deliveries.plan(batch).withheld} == {"not_proven"}
    look_at(people(1)[0])
    lot.refresh_from_db()
    assert lot.state == LotState.RELEASED and lot.record["found"] == 0
    batches.refresh(batch.pk)
    batch.refresh_from_db()
    assert batch.state == BatchState.READY
    assert delivery.release(batch, None).file_count == 30
    assert Certificate.objects.filter(scope=lot.scope).exists()


def test_a_small_lot_waits_for_more_of_its_kind_and_is_merged() -> None:
    client = factories.make_client(sampling=Sampling.PROOF)
    version = factories.make_preset_version()
    one, two = (proven_batch(client=client, preset_version=version) for _ in range(2))
    approved(one, 80)
    sampling.draw_due(one)
    assert lots.plan_due() == 0
    lot = Lot.objects.get()
    assert lot.state == LotState.WAITING and "too few" in lot.why
    approved(two, 90)
    sampling.draw_due(two)
    assert lots.plan_due() == 1
    lot.refresh_from_db()
    assert (lot.size, Lot.objects.count()) == (170, 1)
    assert lot.places.values("asset__batch").distinct().count() == 2


def test_a_small_lot_goes_alone_after_a_day() -> None:
    batch = proven_batch()
    approved(batch, 20)
    sampling.draw_due(batch)
    assert lots.plan_due() == 0
    Lot.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert lots.plan_due() == 1
    assert Lot.objects.get().plan["first"] == 19, "almost all of so few is looked at"


def test_a_version_that_changes_in_mid_batch_splits_the_lot() -> None:
    batch = proven_batch()
    approved(batch, 3)
    factories.make_policy(approve_at=92.0, tolerated_rate=0.1)
    approved(batch, 4)
    approved(batch, 2, category="lamp")
    sampling.draw_due(batch)
    assert sorted(lot.places.count() for lot in Lot.objects.all()) == [2, 3, 4]
    assert Scope.objects.count() == 3 and sampling.draw_due(batch) == [] and Lot.objects.count() == 3


def test_every_flag_is_judged_by_a_second_person_blind() -> None:
    batch = proven_batch()
    approved(batch, 30)
    lot = planned(batch)
    first, second = people()
    bad = lot.places.get(rank=0).asset_id
    look_at(first, lambda task: Verdict.REJECT if task.asset_id == bad else Verdict.APPROVE)
    asset = Asset.objects.get(pk=bad)
    assert asset.state == AssetState.AUTO_APPROVED, "one person's flag moves nothing"
    flag = Look.objects.get(lot=lot, asset=asset, kind=LookKind.FIRST)
    asked = Look.objects.get(kind=LookKind.SECOND)
    assert asked.of == flag and asked.task.reason == flag.task.reason and asked.task.why == flag.task.why
    assert leases.claim_next(first, 1) == [], "never the same person"
    assert review.queue_counts(first).waiting == 0, "and they are not told that something waits"
    assert review.queue_counts(second).waiting == 1
    look_at(second, Verdict.REJECT)
    asset.refresh_from_db()
    assert asset.state == AssetState.EDITING
    lot.refresh_from_db()
    assert lots.rebuilt(lot).find_ranks() == (0,)
    assert lot.looks.filter(kind=LookKind.FIRST).count() > lot.plan["first"], "a find asks for more looks"


def test_a_false_flag_costs_one_look_and_the_lot_ships() -> None:
    batch = proven_batch()
    approved(batch, 30)
    lot = planned(batch)
    first, second = people()
    bad = lot.places.get(rank=3).asset_id
    look_at(first, lambda task: Verdict.REJECT if task.asset_id == bad else Verdict.APPROVE)
    look_at(second, Verdict.APPROVE)
    lot.refresh_from_db()
    assert lot.state == LotState.RELEASED and lot.record["found"] == 0
    assert Asset.objects.get(pk=bad).state == AssetState.AUTO_APPROVED
    assert not Look.objects.filter(verdict="", is_void=False).exists()


def test_a_certified_scope_is_looked_at_less_and_holds_on_finds() -> None:
    """SMP-09: looks fall with what was proven and rise with what is found, by rule; the audit log has a hold's end."""
    batch = proven_batch()
    approved(batch, 60)
    scope = certified(batch)
    assert lots.plan_due() == 1, "a proven scope waits for nothing"
    lot = Lot.objects.get()
    assert lot.plan["mode"] == "certified" and lot.plan["first"] < 20
    first, second = people()
    bad = set(lot.places.filter(rank__lt=lot.plan["hold_at"]).values_list("asset_id", flat=True))
    flag = lambda task: Verdict.REJECT if task.asset_id in bad else Verdict.APPROVE  # noqa: E731
    look_at(first, flag)
    look_at(second, flag, only=len(bad))
    lot.refresh_from_db()
    scope.refresh_from_db()
    assert lot.state == LotState.HELD and "finds" in lot.why
    assert scope.mode == ScopeMode.HOLD and Alarm.objects.get(closed_at__isnull=True, kind=AlarmKind.HOLD).lot == lot
    assert lot.looks.filter(kind=LookKind.FIRST).count() > lot.plan["first"], "it is now proven by itself"
    with pytest.raises(delivery.DeliveryHeld, match="on hold"):
        delivery.release(batch, None)
    again = proven_batch(client=batch.client, preset_version=batch.preset_version)
    approved(again, 30)
    later = planned(again)
    assert later.plan["mode"] == "learn" and later.state == LotState.HELD, "later lots of the scope are held too"
    manager = factories.make_user("", Role.MANAGER)
    with pytest.raises(scopes.HoldRefused):
        scopes.clear(scope.pk, manager, " ")
    scopes.clear(scope.pk, manager, "The lamp was broken; mended.")
    scope.refresh_from_db()
    assert scope.mode == ScopeMode.LEARN and not Alarm.objects.filter(closed_at__isnull=True).exists()
    assert AuditEvent.objects.filter(verb="scope.cleared", actor=manager).exists()


def test_a_jump_of_the_rate_ends_the_proof_and_looks_back() -> None:
    batch = proven_batch()
    approved(batch, 60)
    scope = certified(batch)
    earlier = Lot.objects.create(
        scope=scope, number=90, state=LotState.RELEASED, size=20, closed_at=timezone.now(),
        plan={"alpha": 0.02, "delta": 0.05, "sensitivity": 0.7},
    )  # fmt: skip
    old = proven_batch(client=batch.client, preset_version=batch.preset_version, state=BatchState.DELIVERED)
    package = Delivery.objects.create(
        batch=old, number=1, manifest={}, withheld=[], file_count=1, byte_size=1, handed_over_at=timezone.now()
    )
    for rank, photo in enumerate(approved(old, 20)):
        earlier.places.create(asset=photo, run=photo.current_run, rank=rank, pi=0.1)
        made = factories.make_rendition(photo, old.batch_channels.all()[0].channel)
        DeliveryItem.objects.create(delivery=package, rendition=made, path=photo.filename)
        Asset.objects.filter(pk=photo.pk).update(sample_block=1)
    state = dict(scope.state)
    state["watch"] |= {"value": 5.9, "looks_since_zero": 400}
    scope.state, scope.mode = state | {"suspects": 2}, ScopeMode.LEARN
    scope.save()
    Lot.objects.filter(state=LotState.WAITING).update(created_at=timezone.now() - timedelta(hours=30))
    assert lots.plan_due() == 1
    lot = Lot.objects.latest("pk") if Lot.objects.latest("pk").state == LotState.OPEN else Lot.objects.get(state="open")
    first, second = people()
    photo = earlier.places.get(rank=5).asset
    bad = {lot.places.get(rank=0).asset_id, photo.pk}
    flag = lambda task: Verdict.REJECT if task.asset_id in bad else Verdict.APPROVE  # noqa: E731
    for person in (first, second, first, second):
        look_at(person, flag)
    lot.refresh_from_db()
    assert lot.state == LotState.RELEASED
    scope.refresh_from_db()
    assert scope.mode == ScopeMode.LEARN and scope.state["lots"] == []
    assert Alarm.objects.filter(kind=AlarmKind.RATE, scope=scope).exists()
    back = Look.objects.filter(kind=LookKind.RETRO)
    assert set(back.values_list("lot", flat=True)) == {earlier.pk} and back.count() == 20
    photo.refresh_from_db()
    assert photo.state == AssetState.EDITING
    old.refresh_from_db()
    assert old.state != BatchState.DELIVERED, "its client gets it again"
    assert Alarm.objects.filter(kind=AlarmKind.ESCAPED).count() == 1


def test_a_second_look_on_hold_is_nobodys_who_made_the_flag() -> None:
    batch = proven_batch()
    approved(batch, 30)
    lot = planned(batch)
    first, second = people()
    bad = lot.places.get(rank=0).asset_id
    look_at(first, lambda task: Verdict.REJECT if task.asset_id == bad else Verdict.APPROVE)
    (task,) = leases.claim_next(second, 1)
    desk.record_decision(second, task.pk, seen_version=0, verdict="hold", idempotency_key="h")
    assert review.queue_counts(first).held == 0 and not review.held_tasks("mixed", first).exists()
    assert leases.take_back(first, task.pk) is None
    assert review.queue_counts(second).held == 1 and review.held_tasks("mixed", second).get() == task
    # Got at all the same, by a hand-made request: it counts for nothing and somebody else is asked.
    desk.record_decision(first, task.pk, seen_version=1, verdict="approve", idempotency_key="own")
    asked = Look.objects.filter(kind=LookKind.SECOND, is_void=False).get()
    assert asked.task_id != task.pk and asked.verdict == ""
    assert lots.rebuilt(Lot.objects.get()).pending() == (str(bad),)


def test_two_ticks_at_once_and_twice_change_nothing_more() -> None:
    batch = proven_batch()
    approved(batch, 30)
    sampling.draw_due(batch)
    Lot.objects.update(created_at=timezone.now() - timedelta(hours=25))
    made = threads_of(proof.tick, 4)
    assert sum(report.planned for report in made) == 1
    lot = Lot.objects.get()
    assert lot.looks.count() == lot.plan["first"] == lot.looks.values("asset").distinct().count()
    look_at(people(1)[0])
    before = Certificate.objects.count()
    proof.tick()
    proof.tick()
    assert (Certificate.objects.count(), AuditEvent.objects.filter(verb="lot.released").count()) == (before, 1)


def threads_of(work: Any, count: int) -> list[Any]:
    """What `count` threads got from `work` at once."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(work())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == count, "a thread failed"
    return found


def test_undo_takes_a_look_back_and_a_second_one_counts() -> None:
    batch = proven_batch()
    approved(batch, 30)
    lot = planned(batch)
    first, second = people()
    task = leases.claim_next(first, 1)[0]
    made = desk.record_decision(
        first, task.pk, seen_version=task.version, verdict="reject", reasons=["shadow"], idempotency_key="a"
    )
    assert made.decision is not None and Look.objects.filter(kind=LookKind.SECOND).count() == 1
    back = desk.undo(first, made.decision.pk)
    assert back.is_undone and back.task is not None
    look = Look.objects.get(task=task)
    assert (look.verdict, look.reviewer) == ("", None)
    assert not Look.objects.filter(kind=LookKind.SECOND, is_void=False).exists()
    desk.record_decision(first, task.pk, seen_version=back.task.version, verdict="approve", idempotency_key="b")
    look.refresh_from_db()
    assert look.verdict == Verdict.APPROVE
    look_at(first)
    lot.refresh_from_db()
    assert lot.state == LotState.RELEASED and look_at(second) == 0


def test_nothing_approved_makes_no_lot_and_simple_mode_none_either() -> None:
    assert sampling.draw_due(proven_batch()) == [] and not Lot.objects.exists()
    simple = factories.make_batch()
    approved(simple, 5)
    assert len(sampling.draw_due(simple)) == 1 and not Lot.objects.exists()
    factories.make_policy(prove_lots=True)
    by_policy = factories.make_batch()
    approved(by_policy, 5)
    assert sampling.draw_due(by_policy) == [] and Lot.objects.count() == 1
    hasty = factories.make_batch(client=factories.make_client(waits_for_samples=False))
    approved(hasty, 5)
    assert len(sampling.draw_due(hasty)) == 1, "what ships without waiting can't be proven"


def test_a_decision_whose_process_died_is_followed_up_by_the_tick() -> None:
    from reviewapp.services import afterwards

    batch = proven_batch()
    approved(batch, 30)
    planned(batch)
    (user,) = people(1)
    task = leases.claim_next(user, 1)[0]
    ordinary = factories.make_review(batch)
    with afterwards.kept():
        desk.record_decision(user, task.pk, seen_version=task.version, verdict="approve", idempotency_key="x")
        desk.record_decision(user, ordinary.pk, seen_version=0, verdict="approve", idempotency_key="y")
    assert Look.objects.get(task=task).verdict == ""
    assert Asset.objects.get(pk=ordinary.asset_id).state == AssetState.IN_REVIEW
    type(ordinary).objects.filter(pk=ordinary.pk).update(decided_at=timezone.now() - timedelta(minutes=2))
    proof.tick()
    proof.tick()
    assert Look.objects.get(task=task).verdict == Verdict.APPROVE
    assert Asset.objects.get(pk=ordinary.asset_id).state == AssetState.APPROVED


def test_a_lot_that_can_not_be_settled_holds_up_no_other() -> None:
    broken, whole = (proven_batch() for _ in range(2))
    approved(broken, 30)
    first = planned(broken)
    approved(whole, 30)
    second = planned(whole)
    look_at(people(1)[0])
    Lot.objects.update(state=LotState.OPEN, closed_at=None)  # as if nobody had settled them yet
    Lot.objects.filter(pk=first.pk).update(plan={})  # and one row was damaged
    for _ in range(2):
        with pytest.raises(ExceptionGroup) as caught:
            proof.tick()
        assert [error.__notes__ for error in caught.value.exceptions] == [[f"Lot {first.pk}"]]
        second.refresh_from_db()
        assert second.state == LotState.RELEASED
    assert Certificate.objects.filter(scope=second.scope).exists()
