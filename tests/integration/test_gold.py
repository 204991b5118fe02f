"""Known pictures in the app: made by a worker, mixed in unseen, never delivered, and a measure of who judges them."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from processing.quality.defects import defect_kinds
from reviewapp import storage
from reviewapp.enums import (
    AlarmKind,
    AssetState,
    GoldSource,
    LookKind,
    LotState,
    Role,
    RunKind,
    Sampling,
    Step,
    Verdict,
)
from reviewapp.management.shop import calendar
from reviewapp.models import (
    Alarm,
    Asset,
    Delivery,
    DeliveryItem,
    EditTask,
    GoldItem,
    Look,
    Lot,
    ProcessingRun,
    Rendition,
    ReviewTask,
    Task,
)
from reviewapp.policies.quality.reviewers import GOLD_SHARE, UNKNOWN_SENSITIVITY, sensitivity_bound
from reviewapp.selectors import deliveries, replays, review, tallies
from reviewapp.selectors import gold as reads
from reviewapp.selectors import reviewers as people
from reviewapp.selectors.presets import judged
from reviewapp.selectors.quality import reject_reasons
from reviewapp.services import adjusting, chance, gold, gold_making, hidden, leases, proof, rendering, retro, scopes
from reviewapp.services import review as desk
from tests import factories, line
from tests import lots as world

pytestmark = pytest.mark.django_db(transaction=True)
CHANGES = r'nonce="[^"]*"|name="csrfmiddlewaretoken" value="[^"]*"|"X-CSRFToken": "[^"]*"'


def known_picture(*, is_defective: bool, asset: Asset | None = None) -> GoldItem:
    """A known picture of an approved photo, its files not stored."""
    factories.make_client(sampling=Sampling.PROOF)
    photo = asset or factories.make_asset(state=AssetState.APPROVED)
    base = factories.make_run(photo, total=96.0)
    run = factories.make_run(photo, total=96.0, kind=RunKind.GOLD, pipeline_version="1g")
    Asset.objects.filter(pk=photo.pk).update(current_run=base)
    source = GoldSource.INJECTED if is_defective else GoldSource.GOOD
    reasons = ["partial_removal"] if is_defective else []
    return GoldItem.objects.create(asset=photo, run=run, is_defective=is_defective, reasons=reasons, source=source)


def shown(item: GoldItem) -> ReviewTask:
    """The known picture in the queue, marked as shown as when it is drawn: else chance may add it once more."""
    GoldItem.objects.filter(pk=item.pk).update(shown_at=timezone.now())
    asset = item.asset
    return hidden.open_looks([hidden.Wanted(asset, item.run_id, LookKind.GOLD, gold=item)])[0].task


def judge(user: User, item: GoldItem, verdict: str) -> None:
    task = shown(item)
    result = desk.record_decision(
        user, task.pk, seen_version=0, verdict=verdict, reasons=["shadow"] if verdict == "reject" else [],
        idempotency_key=f"{user.pk}-{task.pk}",
    )  # fmt: skip
    assert result.status == "saved"


@pytest.fixture
def rita() -> User:
    return factories.make_user("rita", Role.REVIEWER)


def test_a_worker_makes_a_known_defect_of_a_real_photo_that_shows_everywhere() -> None:
    batch = line.open_batch("shopify", "amazon_main", client=factories.make_client(sampling=Sampling.PROOF))
    line.send(batch, "a.jpg", line.photo(3), category="mug")
    line.run_line()
    photo = Asset.objects.get()
    base = photo.current_run
    assert base is not None
    Asset.objects.filter(pk=photo.pk).update(state=AssetState.APPROVED)
    photo.refresh_from_db()
    gold.order(photo, is_defective=True)
    gold.order(photo, is_defective=True)
    assert Task.objects.filter(step=Step.GOLD).count() == 1
    assert line.run_line() == ["done"]
    item = GoldItem.objects.get()
    assert item.is_defective and item.defect in defect_kinds()
    assert item.reasons == list(gold_making.REASONS[item.defect])
    run = item.run
    assert run.kind == RunKind.GOLD and run.quality.total == base.quality.total
    for name in ("after_key", "matte_key", "thumb_after_key", "alpha_key"):
        assert getattr(run, name) != getattr(base, name) and storage.exists(getattr(run, name)), name
    assert run.before_key == base.before_key and run.pixels_key == base.pixels_key
    assert (run.after_type, run.after_format, run.after_is_file) == (
        base.after_type, base.after_format, base.after_is_file,
    )  # fmt: skip
    photo.refresh_from_db()
    assert photo.current_run_id == base.pk and photo.attempt == 1, "the photo knows nothing of it"
    assert tallies.drift() == []
    GoldItem.objects.update(shown_at=timezone.now())
    Task.objects.filter(step=Step.GOLD).update(state="pending")
    line.run_line()
    assert GoldItem.objects.count() == 1, "twice makes one"


def test_rev08_adjusting_does_not_heal_a_known_defect_and_only_a_rejection_has_seen_it(rita: User) -> None:
    batch = line.open_batch("shopify", client=factories.make_client(sampling=Sampling.PROOF))
    line.send(batch, "a.jpg", line.photo(3), category="mug")
    line.run_line()
    photo = Asset.objects.get()
    Asset.objects.filter(pk=photo.pk).update(state=AssetState.APPROVED)
    ReviewTask.objects.update(state="done")
    photo.refresh_from_db()
    gold.order(photo, is_defective=True)
    line.run_line()
    item = GoldItem.objects.get()
    task = shown(item)
    (lent,) = leases.claim_next(rita, 1)
    assert lent.pk == task.pk
    asked = adjusting.ask(rita, task.pk, {"edge.refinement": "low"})
    assert line.run_line() == ["done"]
    asked.refresh_from_db()
    base, run = photo.current_run, asked.result_run
    assert base is not None and run is not None and run.after_key != item.run.after_key

    def planted(of: ProcessingRun) -> Any:
        return rendering.opened(of).alpha.astype(int) - rendering.opened(base).alpha

    kept = planted(run)[abs(planted(item.run)) > 64]
    assert (abs(kept) > 32).mean() > 0.9, "the same defect at the same place"
    used = adjusting.use(rita, asked.pk)
    desk.record_decision(rita, task.pk, seen_version=used.version, verdict="approve", idempotency_key="g")
    look = Look.objects.get(kind=LookKind.GOLD)
    assert look.verdict == Verdict.APPROVE, "it was there to be seen, and was let pass"
    assert replays.moved(base.preset_version) == {}, "and says nothing of settings"


def test_known_pictures_are_never_delivered_rendered_or_counted(rita: User) -> None:
    batch = factories.make_batch()
    photo = factories.make_approved(batch)
    item = known_picture(is_defective=True, asset=photo)
    factories.make_rendition(photo, batch.batch_channels.all()[0].channel)
    Rendition.objects.filter(run=item.run).delete()
    before = [row.pk for row in deliveries.plan(batch).renditions]
    task = shown(item)
    assert deliveries.open_samples(batch).count() == 0 and not deliveries.plan(batch).open_samples
    judge_task = desk.record_decision(
        rita, task.pk, seen_version=0, verdict="reject", reasons=["edge_halo"], idempotency_key="k"
    )
    assert judge_task.status == "saved"
    photo.refresh_from_db()
    assert photo.state == AssetState.APPROVED and photo.current_run_id != item.run_id
    assert not EditTask.objects.exists() and not Task.objects.filter(step=Step.RENDER, asset=photo).exists()
    assert [row.pk for row in deliveries.plan(batch).renditions] == before
    assert not Rendition.objects.filter(run__kind=RunKind.GOLD).exists()
    assert judged(batch.preset_version) == [] and reject_reasons() == [], "no preset learns from it"
    assert "gold" not in json.dumps([str(row) for row in deliveries.plan(batch).withheld])


def test_about_one_in_twenty_tasks_is_a_known_picture_half_of_them_bad() -> None:
    for number in range(60):
        known_picture(is_defective=number % 2 == 0)
    batch = factories.make_batch()
    photo = factories.make_asset(batch, AssetState.AUTO_APPROVED)
    runs = [factories.make_run(photo) for _ in range(300)]
    hidden.open_looks([hidden.Wanted(photo, run.pk, LookKind.RETRO) for run in runs])
    looks = list(Look.objects.order_by("task_id").select_related("gold"))
    golds = [look for look in looks if look.kind == LookKind.GOLD]
    # 300 draws at 1/19: 16 on average; outside 4..32 once in a thousand times.
    assert 4 <= len(golds) <= 32 and GOLD_SHARE == 0.05
    assert len({look.gold_id for look in golds}) == len(golds), "none twice within sixty days"
    assert {look.gold.is_defective for look in golds if look.gold} == {True, False}
    places = [at for at, look in enumerate(looks) if look.kind == LookKind.GOLD]
    assert max(places) - min(places) > 100, "anywhere in the queue"


def test_none_without_proof_and_none_twice_within_sixty_days() -> None:
    item = known_picture(is_defective=True)
    assert reads.next_item(True) == item
    GoldItem.objects.update(shown_at=timezone.now() - timedelta(days=59))
    assert reads.next_item(True) is None
    GoldItem.objects.update(shown_at=timezone.now() - timedelta(days=61))
    assert reads.next_item(True) == item
    assert reads.is_on()
    type(item.asset.batch.client).objects.update(sampling=Sampling.SIMPLE)
    assert not reads.is_on() and gold.keep_stocked() == 0


def test_who_judged_the_photo_before_is_not_given_it_as_a_known_picture(rita: User) -> None:
    task = factories.make_review()
    desk.record_decision(rita, task.pk, seen_version=0, verdict="approve", idempotency_key="a")
    item = known_picture(is_defective=True, asset=Asset.objects.get(pk=task.asset_id))
    known = shown(item)
    assert leases.claim_next(rita, 8) == [] and review.queue_counts(rita).waiting == 0
    other = factories.make_user("omar", Role.REVIEWER)
    assert [one.pk for one in leases.claim_next(other, 8)] == [known.pk]


def test_what_people_see_is_the_lower_bound_of_what_they_found(rita: User) -> None:
    assert reads.sensitivity().s_low == UNKNOWN_SENSITIVITY
    for number in range(12):
        judge(rita, known_picture(is_defective=True), "reject" if number else "approve")
    judge(rita, known_picture(is_defective=False), "approve")
    sight = reads.sensitivity()
    assert (sight.found, sight.shown, sight.s_low) == (11, 12, sensitivity_bound(11, 12))
    Look.objects.update(judged_at=timezone.now() - timedelta(days=91))
    assert reads.sensitivity().shown == 0


def test_an_alarm_voids_the_looks_since_the_change_and_asks_again(rita: User) -> None:
    batch = world.proven_batch()
    world.approved(batch, 30)
    lot = world.planned(batch)
    world.look_at(rita, only=3)
    for _ in range(12):  # every known defect approved
        judge(rita, known_picture(is_defective=True), "approve")
    alarm = Alarm.objects.get(kind=AlarmKind.REVIEWER)
    assert alarm.reviewer == rita and "missed" in alarm.text
    void = Look.objects.filter(lot=lot, is_void=True)
    assert void.count() == 3 and set(void.values_list("reviewer", flat=True)) == {rita.pk}
    proof.tick()
    again = Look.objects.filter(lot=lot, kind=LookKind.FIRST, is_void=False, verdict="")
    assert again.count() == lot.plan["first"], "the same places, asked again"
    assert Alarm.objects.filter(kind=AlarmKind.REVIEWER).count() == 1
    assert scopes.policy_of(lot.scope).promise.sensitivity == 0.06, "nobody is known to see anything: no error, no plan"
    own = set(void.values_list("asset_id", flat=True))
    given = [task.asset_id for task in leases.claim_next(rita, 16)]
    assert given and not own & set(given), "not by the same eyes"
    assert not own & set(ReviewTask.objects.exclude(pk__in=review.barred(rita).values("task")).filter(
        state="open", look__kind=LookKind.FIRST).values_list("asset_id", flat=True))  # fmt: skip
    leases.release(rita)
    otto = factories.make_user("otto", Role.REVIEWER)
    his = ReviewTask.objects.filter(state="open", look__kind=LookKind.FIRST, look__is_void=False)
    assert own <= set(his.exclude(pk__in=review.barred(otto).values("task")).values_list("asset_id", flat=True))
    for asset_id in void.values_list("asset_id", flat=True):
        assert Asset.objects.get(pk=asset_id).state == AssetState.AUTO_APPROVED
    world.look_at(rita, only=2)
    for _ in range(12):
        judge(rita, known_picture(is_defective=True), "approve")
    assert Alarm.objects.filter(kind=AlarmKind.REVIEWER).count() == 1, "the first is still open"
    assert not Look.objects.filter(lot=lot, reviewer=rita, is_void=False).exists(), "and what she saw since is void too"
    scopes.close_alarms(None, "Talked to her.", kind=AlarmKind.REVIEWER)
    judge(rita, known_picture(is_defective=True), "approve")
    open_ones = set(Alarm.objects.filter(closed_at__isnull=True).values_list("kind", flat=True))
    assert open_ones == {AlarmKind.NO_SECOND}, "the watch begins anew; nobody else was there at that tick"


def test_a_released_lot_of_void_looks_opens_again_and_proves_nothing(rita: User) -> None:
    batch = world.proven_batch()
    world.approved(batch, 30)
    lot = world.planned(batch)
    world.look_at(rita)
    lot.refresh_from_db()
    assert lot.state == LotState.RELEASED
    lot.scope.refresh_from_db()
    assert scopes.lot_ids(lot.scope) == [lot.pk]
    for _ in range(12):
        judge(rita, known_picture(is_defective=True), "approve")
    lot.refresh_from_db()
    lot.scope.refresh_from_db()
    assert lot.state == LotState.OPEN and scopes.lot_ids(lot.scope) == []
    proof.tick()
    assert lot.looks.filter(verdict="", is_void=False, kind=LookKind.FIRST).count() == lot.plan["first"]


def test_undo_of_a_known_picture_is_like_any_other(rita: User) -> None:
    photo = factories.make_approved(factories.make_batch())
    item = known_picture(is_defective=True, asset=photo)
    task = shown(item)
    made = desk.record_decision(rita, task.pk, seen_version=0, verdict="approve", idempotency_key="k")
    assert made.decision is not None
    assert desk.undo(rita, made.decision.pk).is_undone
    assert Look.objects.get().verdict == "" and reads.sensitivity().shown == 0


def test_ones_own_page_tells_nothing_of_today(rita: User, client: Client) -> None:
    bad, good = known_picture(is_defective=True), known_picture(is_defective=False)
    client.force_login(rita)
    page = client.get("/account/").content.decode()
    judge(rita, bad, "reject")
    judge(rita, good, "reject")
    assert re.sub(CHANGES, "", client.get("/account/").content.decode()) == re.sub(CHANGES, "", page)
    assert (people.own_figures(rita).shown, people.figures([rita])[0].shown) == (0, 1)
    with calendar.opened() as tomorrow:
        tomorrow.next_day()
        own = people.own_figures(rita)
    assert (own.found, own.shown, own.good_passed, own.good_shown) == (1, 1, 0, 1)


def test_the_stock_is_filled_from_approved_photos_a_few_at_a_time() -> None:
    factories.make_client(sampling=Sampling.PROOF)
    batch = factories.make_batch()
    for _ in range(gold.AT_ONCE + 2):
        factories.make_run(factories.make_asset(batch, AssetState.APPROVED), total=95.0)
    factories.make_run(factories.make_asset(batch, AssetState.AUTO_APPROVED), total=95.0)
    with chance.foreseen(7):  # eight tosses may all fall alike
        assert gold.keep_stocked() == gold.AT_ONCE
    assert gold.keep_stocked() == 2 and gold.keep_stocked() == 0
    orders: Any = Task.objects.filter(step=Step.GOLD).values_list("args", flat=True)
    assert {order["is_defective"] for order in orders} == {True, False}
    assert ProcessingRun.objects.filter(kind=RunKind.GOLD).count() == 0 and Verdict.APPROVE == "approve"
    assert Lot.objects.count() == 0


def test_what_escaped_becomes_a_known_picture(rita: User) -> None:
    factories.make_client(sampling=Sampling.PROOF)
    photo = factories.make_asset(state=AssetState.AUTO_APPROVED)
    run = factories.make_run(photo, total=95.0)
    task = ReviewTask.objects.create(asset=photo, run=run, reason="sample", why="w")
    flag = Look.objects.create(
        task=task, kind=LookKind.RETRO, asset=photo, verdict="reject", reviewer=rita, reasons=["edge_halo"]
    )
    retro.escaped(flag)
    assert not GoldItem.objects.exists() and not Alarm.objects.exists(), "found before it left"
    Asset.objects.filter(pk=photo.pk).update(state=AssetState.AUTO_APPROVED)
    EditTask.objects.all().delete()
    flag.refresh_from_db()
    package = Delivery.objects.create(
        batch=photo.batch, number=1, manifest={}, withheld=[], file_count=1, byte_size=1, handed_over_at=timezone.now()
    )
    made = factories.make_rendition(photo, photo.batch.batch_channels.all()[0].channel)
    DeliveryItem.objects.create(delivery=package, rendition=made, path="a.jpg")
    retro.escaped(Look.objects.select_related("asset__batch", "task__run").get(pk=flag.pk))
    item = GoldItem.objects.get()
    assert (item.source, item.is_defective, item.reasons) == (GoldSource.ESCAPE, True, ["edge_halo"])
    assert (item.run.kind, item.run.after_key, item.run.quality.total) == (RunKind.GOLD, run.after_key, 95.0)
    assert gold.keep_escape(flag) is None and GoldItem.objects.count() == 1
    assert Asset.objects.get(pk=photo.pk).state == AssetState.EDITING, "the photo itself goes its own way"


def test_too_few_known_pictures_are_said_once_lots_are_proven(rita: User) -> None:
    batch = world.proven_batch()
    world.approved(batch, 30)
    world.planned(batch)
    proof.tick()
    assert not Alarm.objects.exists(), "nothing is proven yet"
    world.look_at(rita)
    proof.tick()
    proof.tick()
    alarm = Alarm.objects.get(kind=AlarmKind.FEW_GOLD)
    assert "0 known pictures" in alarm.text
    for _ in range(reads.LEAST_GOLD):
        known_picture(is_defective=True)
    proof.tick()
    alarm.refresh_from_db()
    assert alarm.closed_at is not None


def test_a_lot_nobody_is_left_to_look_at_is_said(rita: User) -> None:
    batch = world.proven_batch()
    world.approved(batch, 30)
    lot = world.planned(batch)
    world.look_at(rita, only=3)
    look = lot.looks.exclude(verdict="").first()
    assert look is not None
    hidden.open_looks([hidden.Wanted(look.asset, look.task.run_id, LookKind.AGAIN, lot=lot, number=2)])
    otto = factories.make_user("otto", Role.REVIEWER)
    proof.tick()
    assert not Alarm.objects.filter(kind=AlarmKind.NO_SECOND).exists(), "otto can"
    User.objects.filter(pk=otto.pk).update(is_active=False)
    proof.tick()
    alarm = Alarm.objects.get(kind=AlarmKind.NO_SECOND)
    assert "needs another look" in alarm.text and alarm.lot == lot
    User.objects.filter(pk=otto.pk).update(is_active=True)
    proof.tick()
    alarm.refresh_from_db()
    assert alarm.closed_at is not None
