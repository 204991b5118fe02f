"""What would ship by its score and is unlike the rest of its batch goes to people first (REV-18, QC-16)."""

from __future__ import annotations

import io
from collections import Counter

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from PIL import Image

from reviewapp.enums import (
    AssetState,
    BatchState,
    EditReason,
    ReviewReason,
    ReviewTaskState,
    Role,
    Routing,
    Sampling,
    Verdict,
)
from reviewapp.jobs import runner
from reviewapp.models import (
    Asset,
    AuditEvent,
    Batch,
    EditTask,
    Lot,
    ProcessingRun,
    QualityReport,
    ReviewTask,
    SampleDraw,
    SampleMember,
    Task,
)
from reviewapp.selectors import deliveries, sets
from reviewapp.selectors.review import item_payload, open_tasks
from reviewapp.services import anomalies, batches, delivery, ingest, policies_admin, review, sampling
from reviewapp.services.undo import undo
from tests import factories as make
from tests import line
from tests.outliers import DARK, PLAIN, add, decide, picked, state_of

from .test_review_claims import in_threads

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("mode", [Sampling.SIMPLE, Sampling.PROOF])
def test_rev18_who_stands_out_waits_for_a_person_and_is_no_part_of_what_is_sampled(mode: Sampling) -> None:
    batch = make.make_batch(client=make.make_client(sampling=mode))
    plain = add(batch, 12)
    (odd,) = add(batch, lightness=30.0, fill=0.75)
    batches.refresh(batch.pk)
    (task,) = picked(batch)
    assert (task.asset_id, task.run_id, task.state) == (odd.pk, odd.current_run_id, ReviewTaskState.OPEN)
    assert task.why == "Darker than the rest (z\u00a017.5), smaller in its frame (z\u00a011.7)."
    odd.refresh_from_db()
    assert (odd.state, odd.state_code, odd.state_reason) == (AssetState.IN_REVIEW, "anomaly", task.why)
    assert odd.sample_block is None and not SampleMember.objects.filter(asset=odd).exists()
    drawn = {one.sha256 for one in plain}
    if mode == Sampling.SIMPLE:
        assert set(SampleDraw.objects.get().population_sha256) == drawn
    else:
        assert set(Lot.objects.get().places.values_list("asset__sha256", flat=True)) == drawn
    batch.refresh_from_db()
    assert batch.state == BatchState.REVIEW
    moved = AuditEvent.objects.filter(verb="asset.moved", object_id=str(odd.pk)).latest("pk")
    assert moved.note == task.why


def test_rev18_people_are_asked_about_those_of_the_batch_page_that_are_far_off() -> None:
    batch = make.make_batch()
    add(batch, 40)
    odd = [
        add(batch, **look)[0]
        for look in ({"lightness": 57.0}, {"chroma_b": 12.0}, {"fill": 0.7}, {"aspect": 1.1}, {"contrast": 20.0}, DARK)
    ]
    near = add(batch, lightness=56.5)  # 6.5 L* off: z 5.7, listed and no more
    seen = add(batch, state=AssetState.IN_REVIEW, lightness=80.0)
    listed = {one.member.pk: one.anomalies for one in sets.report_of(batch).outliers}
    assert set(listed) == {one.pk for one in [*odd, *near, *seen]}
    asked = sets.for_people(batch)
    assert all(listed[pk] == found for pk, found in asked.items()), "the same words and figures"
    assert set(asked) == set(listed) - {near[0].pk}
    batches.refresh(batch.pk)
    assert {one.asset_id for one in picked(batch)} == {one.pk for one in odd}, "what people see anyway is asked once"


def test_rev18_in_a_mixed_catalogue_nobody_is_unlike_the_rest() -> None:
    mixed = make.make_batch()
    for n in range(12):  # as many looks as products, two of them alone with a colour of their own
        add(mixed, lightness=20.0 + 6 * n, contrast=5.0 + 3 * (n % 5), fill=0.5 + 0.03 * n, chroma_a=1.0 * (n % 3))
    add(mixed, 2, lightness=50.0, chroma_a=60.0)
    assert len(sets.report_of(mixed).outliers) == 2
    batches.refresh(mixed.pk)
    assert not picked(mixed)
    many = make.make_batch()
    add(many, 12)
    add(many, 4, **DARK)  # a quarter of it: two kinds of photos, not four faults
    assert len(sets.report_of(many).outliers) == 4 and not sets.for_people(many)


def test_rev18_each_shoot_group_is_a_set_of_its_own() -> None:
    batch = make.make_batch()
    white = add(batch, 10, lightness=85.0)
    odd = add(batch, lightness=50.0)
    Asset.objects.filter(pk__in=[one.pk for one in [*white, *odd]]).update(shoot_group="white mugs")
    black = add(batch, 10, lightness=30.0)
    Asset.objects.filter(pk__in=[one.pk for one in black]).update(shoot_group="black mugs")
    assert set(sets.for_people(batch)) == {odd[0].pk}


def test_qc16_a_file_of_twice_or_half_the_size_is_asked_about_in_a_batch_that_is_a_set() -> None:
    batch = make.make_batch()
    photos = add(batch, 14)
    for photo, size in zip(photos, (150_000, 260_000, 620_000), strict=False):
        ProcessingRun.objects.filter(asset=photo).update(after_bytes=size)
    for n, photo in enumerate(photos[3:]):  # a little spread, else nothing could be said
        ProcessingRun.objects.filter(asset=photo).update(after_bytes=300_000 + 1_000 * n)
    assert len(sets.report_of(batch).outliers) == 3
    batches.refresh(batch.pk)
    said = {one.asset_id: one.why for one in picked(batch)}
    assert set(said) == {photos[0].pk, photos[2].pk}, "260 kB of 305 is odd, and nothing to ask a person about"
    assert said[photos[0].pk].startswith("A smaller file than the rest (z\u00a0")
    assert said[photos[2].pk].startswith("A larger file than the rest (z\u00a0")


def test_rev18_nothing_happens_twice() -> None:
    batch = make.make_batch()
    add(batch, 9)
    (odd,) = add(batch, **DARK)
    for _ in range(3):
        batches.refresh(batch.pk)
    with transaction.atomic():
        assert anomalies.flag(batch) == 0
    (task,) = picked(batch)
    assert AuditEvent.objects.filter(verb="asset.moved", object_id=str(odd.pk)).count() == 1
    decide(task)
    assert state_of(odd) == AssetState.APPROVED
    with transaction.atomic():
        assert anomalies.flag(batch) == 0, "a person has spoken"
    Asset.objects.filter(pk=odd.pk).update(state=AssetState.AUTO_APPROVED)  # by whatever way
    with transaction.atomic():
        assert anomalies.flag(batch) == 0, "the same result is never asked about twice"
    again = make.make_run(odd, total=95.0, look={**PLAIN, **DARK}, after_bytes=300_000)
    with transaction.atomic():
        assert anomalies.flag(batch) == 1, "another result is another question"
    assert {one.run_id for one in picked(batch)} == {task.run_id, again.pk}


def test_rev18_not_before_the_machine_is_done_and_not_in_a_small_batch() -> None:
    batch = make.make_batch(state=BatchState.UPLOADING, closed_at=None)
    add(batch, 12)
    add(batch, **DARK)
    batches.refresh(batch.pk)
    assert not picked(batch), "more may come"
    busy = make.make_asset(batch, AssetState.QUEUED)
    Batch.objects.filter(pk=batch.pk).update(state=BatchState.PROCESSING, closed_at=busy.created_at)
    batches.refresh(batch.pk)
    assert not picked(batch), "one is still being made"
    Asset.objects.filter(pk=busy.pk).update(state=AssetState.FAILED)
    batches.refresh(batch.pk)
    assert len(picked(batch)) == 1
    small = make.make_batch()
    add(small, 6)
    add(small, **DARK)
    batches.refresh(small.pk)
    assert not picked(small) and SampleDraw.objects.filter(batch=small).exists()


def test_rev18_blocks_drawn_while_the_machine_worked_are_looked_through_as_well() -> None:
    make.make_policy(sample_block=10, sample_rate=0.1)
    batch = make.make_batch()
    add(batch, 20)
    busy = make.make_asset(batch, AssetState.QUEUED)
    batches.refresh(batch.pk)
    assert SampleDraw.objects.count() == 2 and not picked(batch)
    sampled = SampleMember.objects.earliest("pk").asset
    unseen = batch.assets.filter(sample_block=1, sample_member__isnull=True).earliest("pk")
    ProcessingRun.objects.filter(asset__in=[sampled, unseen]).update(look={**PLAIN, **DARK})
    Asset.objects.filter(pk=busy.pk).update(state=AssetState.EDITING)
    batches.refresh(batch.pk)
    assert [one.asset_id for one in picked(batch)] == [unseen.pk], "a sample is looked at blind already"


def test_rev18_what_is_in_a_lot_or_has_left_is_not_taken_back() -> None:
    batch = make.make_batch(client=make.make_client(sampling=Sampling.PROOF))
    add(batch, 12)
    (placed,) = add(batch, **DARK)
    sampling.draw_due(batch)
    assert placed.lot_places.count() == 1
    with transaction.atomic():
        assert anomalies.flag(batch) == 0
    hasty = make.make_batch(client=make.make_client(waits_for_samples=False))
    add(hasty, 12)
    (gone,) = add(hasty, **DARK)
    for row in hasty.batch_channels.select_related("channel"):
        make.make_rendition(gone, row.channel)
    busy = make.make_asset(hasty, AssetState.QUEUED)
    packed = delivery.release(hasty, make.make_user("mia", Role.MANAGER))
    assert packed.file_count == 1, "this client takes what is done"
    Asset.objects.filter(pk=busy.pk).update(state=AssetState.FAILED)
    batches.refresh(hasty.pk)
    assert not picked(hasty) and state_of(gone) == AssetState.AUTO_APPROVED


def test_rev18_an_admin_turns_it_off_with_a_second_one() -> None:
    make.policy()
    ada, ben = make.make_user("ada", Role.ADMIN), make.make_user("ben", Role.ADMIN)
    draft = policies_admin.submit({"review_anomalies": False}, "Our sets are mixed", ada)
    assert not isinstance(draft, type(make.policy())) and "unlike the rest" in draft.why_two
    assert policies_admin.confirm(draft, ben).review_anomalies is False
    batch = make.make_batch()
    add(batch, 12)
    (odd,) = add(batch, **DARK)
    batches.refresh(batch.pk)
    assert not picked(batch) and state_of(odd) == AssetState.AUTO_APPROVED
    assert sets.report_of(batch).outliers, "the page still lists it"
    back = policies_admin.submit({"review_anomalies": True}, "Again", ada)
    assert back.pk and policies_admin.RoutingPolicy.objects.latest("number").review_anomalies


def test_rev18_refreshes_at_once_ask_once() -> None:
    batch = make.make_batch()
    add(batch, 12)
    add(batch, 2, **DARK)
    in_threads(8, lambda _n: batches.refresh(batch.pk))
    assert sorted(Counter(one.asset_id for one in picked(batch)).values()) == [1, 1]
    assert SampleDraw.objects.get().population == 12
    assert AuditEvent.objects.filter(verb="asset.moved").count() == 2


def test_rev18_the_set_is_read_once_and_not_at_every_refresh() -> None:
    batch = make.make_batch()
    add(batch, 12)
    add(batch, **DARK)
    busy = make.make_asset(batch, AssetState.QUEUED)

    def read() -> int:
        with CaptureQueriesContext(connection) as queries:
            batches.refresh(batch.pk)
        return sum(f"LIMIT {sets.MOST + 1}" in one["sql"] for one in queries.captured_queries)

    assert read() == 0, "the machine works"
    Asset.objects.filter(pk=busy.pk).update(state=AssetState.FAILED)
    assert read() == 1
    assert [read() for _ in range(3)] == [0, 0, 0]
    decide(picked(batch)[0])
    assert read() == 0, "nor after a decision"


def test_rev18_a_larger_set_costs_the_same_number_of_queries() -> None:
    make.make_policy(sample_rate=0.0)

    def cost(count: int) -> int:
        batch = make.make_batch()
        add(batch, count)
        with transaction.atomic(), CaptureQueriesContext(connection) as queries:
            assert anomalies.flag_due(batch) == 0
        return len(queries)

    assert cost(12) == cost(40) <= 4


def test_rev18_the_assisted_queue_says_why_and_the_blind_one_does_not() -> None:
    batch = make.make_batch()
    add(batch, 12)
    add(batch, **DARK)
    batches.refresh(batch.pk)
    (task,) = picked(batch)
    user = make.make_user("", Role.REVIEWER)
    assert task in open_tasks("assisted", user) and task in open_tasks("mixed", user)
    told = item_payload(task, user, blind=False)["assist"]
    assert (told["reason"], told["reason_label"], told["why"]) == ("anomaly", "Unlike the rest of the batch", task.why)
    blind = item_payload(task, user)
    assert "assist" not in blind and "Darker" not in str(blind) and "nlike" not in str(blind)


def test_rev18_a_rejection_an_undo_and_a_delivery() -> None:
    batch = make.make_batch()
    manager = make.make_user("mia", Role.MANAGER)
    for photo in add(batch, 12):
        for row in batch.batch_channels.select_related("channel"):
            make.make_rendition(photo, row.channel)
    (odd,) = add(batch, **DARK)
    for row in batch.batch_channels.select_related("channel"):
        make.make_rendition(odd, row.channel)
    batches.refresh(batch.pk)
    (task,) = picked(batch)
    for sample in ReviewTask.objects.filter(reason=ReviewReason.SAMPLE):
        decide(sample)
    assert [(one.asset_id, one.code) for one in deliveries.plan(batch).withheld] == [(odd.pk, "unreviewed")]
    no = decide(task, Verdict.REJECT)
    edit = EditTask.objects.get(asset=odd)
    assert (state_of(odd), edit.reason, edit.base_run_id) == (AssetState.EDITING, EditReason.REJECTED, task.run_id)
    assert undo(no.reviewer, no.pk).is_undone
    assert state_of(odd) == AssetState.IN_REVIEW
    batches.refresh(batch.pk)
    assert len(picked(batch)) == 1 and Batch.objects.get(pk=batch.pk).state == BatchState.REVIEW
    task.refresh_from_db()
    yes = review.record_decision(
        no.reviewer, task.pk, seen_version=task.version, verdict=Verdict.APPROVE, idempotency_key="yes"
    )
    assert yes.status == "saved" and state_of(odd) == AssetState.APPROVED
    Task.objects.filter(asset=odd).update(state="done")  # its files are there
    batches.refresh(batch.pk)
    batch.refresh_from_db()
    assert batch.state == BatchState.READY
    assert delivery.release(batch, manager).file_count == 13


def book(seed: int, colour: tuple[int, int, int]) -> bytes:
    """The line's plain product in a colour of choice."""
    picture = Image.open(io.BytesIO(line.photo(seed, side=640)))
    picture.paste(colour, (158, 158, 483, 483))  # a little inside its outline, which stays as soft as it was
    target = io.BytesIO()
    picture.save(target, "JPEG", quality=92)
    return target.getvalue()


def test_rev18_the_real_line_run_twice_asks_once() -> None:
    batch = line.open_batch(validation_profile="basic-500", client=make.make_client())
    make.make_policy(medium_goes_to_people=False, approve_at=60.0, review_at=10.0)
    for number in range(10):
        line.send(batch, f"{number}.jpg", book(number, (40, 60, 90) if number else (150, 40, 40)), category="books")
    ingest.close_batch(batch)
    line.run_line()
    listed = set(sets.for_people(batch))
    first = {one.asset_id: one.why for one in picked(batch)}
    passed = set(QualityReport.objects.filter(routing=Routing.AUTO_APPROVE).values_list("run__asset", flat=True))
    assert set(first) == listed & passed
    (why,) = first.values()
    assert "redder than the rest" in why.lower(), why
    for task in Task.objects.order_by("id"):
        Task.objects.filter(pk=task.pk).update(state="pending", attempts=0)
        assert runner.run_one(task.pk) == "done"
    assert {one.asset_id: one.why for one in picked(batch)} == first
