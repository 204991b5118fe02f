"""A sample first, then the rest (SMP-06): drawn by the seed, judged by people, with nothing lost."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from reviewapp.enums import AssetState, BatchState, ReviewReason, ReviewTaskState, Role, Routing, Step
from reviewapp.jobs import runner
from reviewapp.models import Asset, AuditEvent, Batch, CategoryRule, ReviewTask, Task
from reviewapp.policies import sampling as policy
from reviewapp.selectors import deliveries
from reviewapp.selectors import first_samples as selectors
from reviewapp.services import applying, batches, delivery, first_samples, ingest, lanes, review
from tests import factories, line
from tests.first_samples import at_once, drawn, judged, states, waiting

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mona() -> User:
    return factories.make_user("mona", Role.MANAGER)


def test_smp06_the_line_does_the_sample_people_judge_it_and_the_rest_follows_when_it_is_applied(mona: User) -> None:
    batch = line.open_batch(first_share=0.1)
    factories.make_policy(approve_at=30.0, review_at=10.0)
    for n in range(7):
        line.send(batch, f"p{n}.jpg", line.photo(n, side=640), sku=f"S{n}", category="books")
    line.run_line()
    assert states(batch) == {AssetState.WAITS_FOR_SAMPLE: 7}, "nothing is drawn while more may come"
    ingest.close_batch(batch)
    line.run_line()
    assert states(batch) == {AssetState.IN_REVIEW: 5, AssetState.WAITS_FOR_SAMPLE: 2}
    tasks = list(ReviewTask.objects.select_related("run__quality"))
    assert {task.reason for task in tasks} == {ReviewReason.FIRST_SAMPLE}
    assert "judged before the rest" in tasks[0].why
    assert tasks[0].run.quality.routing == Routing.HUMAN_REVIEW
    batch.refresh_from_db()
    assert batch.state == BatchState.REVIEW
    ria = factories.make_user("ria", Role.REVIEWER)
    for n, task in enumerate(tasks):
        verdict, reasons = ("reject", ["edge_halo"]) if n == 0 else ("approve", [])
        said = review.record_decision(
            ria, task.pk, seen_version=0, verdict=verdict, reasons=reasons, idempotency_key=f"k{n}"
        )
        assert said.status == "saved"
    sample = batch.first_samples.get()
    assert sample.looked_at is not None and AuditEvent.objects.filter(verb="first_sample.seen").count() == 1
    found = selectors.view(batch, states(batch))
    assert found is not None and found.findings is not None
    assert (found.looked, found.size, found.waiting) == (5, 5, 2)
    assert (found.findings.approved, found.findings.rejected, found.findings.slipped) == (4, 1, 1)
    assert found.findings.reasons == {"edge_halo": 1}
    applying.apply(batch, batch.preset_version, mona, seen=1)
    line.run_line()
    rest = batch.assets.filter(first_member__isnull=True)
    assert set(rest.values_list("state", flat=True)) == {AssetState.AUTO_APPROVED}
    assert [asset.runs.count() for asset in batch.assets.all()] == [1] * 7
    assert sorted(Task.objects.filter(step=Step.PROCESS).values_list("state", flat=True)) == ["done"] * 7


def test_smp11_the_draw_can_be_derived_again_from_the_seed() -> None:
    batch, sample = drawn(60)
    shas = list(batch.assets.values_list("sha256", flat=True))
    members = list(sample.members.order_by("rank").values_list("asset__sha256", flat=True))
    assert (sample.number, sample.population, sample.size, len(members)) == (1, 60, 6, 6)
    assert members == policy.draw(batch.sample_seed, shas, 6)
    assert sample.population_digest == policy.population_digest(shas)
    assert states(batch) == {AssetState.QUEUED: 6, AssetState.WAITS_FOR_SAMPLE: 54}
    assert batch.state == BatchState.PROCESSING
    assert Task.objects.filter(step=Step.PROCESS).count() == 6, "what waits has no task that a claim would pass over"


def test_smp06_nothing_is_drawn_while_photos_are_still_on_their_way() -> None:
    batch = waiting(10)
    late = factories.make_asset(batch, AssetState.VALIDATED)
    batches.refresh(batch.pk)
    assert not batch.first_samples.exists()
    Asset.objects.filter(pk=late.pk).update(state=AssetState.FAILED)
    batches.refresh(batch.pk)
    assert batch.first_samples.get().population == 10


def test_smp06_a_photo_an_editor_was_given_by_the_line_is_looked_at_when_somebody_is_done_with_it() -> None:
    _batch, sample = drawn(10)
    mine, held, failed, *others = sample.members.order_by("rank")
    Asset.objects.filter(pk__in=[one.asset_id for one in others]).update(state=AssetState.APPROVED)
    for member, state in ((mine, AssetState.EDITING), (held, AssetState.ON_HOLD), (failed, AssetState.FAILED)):
        Asset.objects.filter(pk=member.asset_id).update(state=state)
    assert set(selectors.pending(sample).values_list("pk", flat=True)) == {mine.pk, held.pk}
    Asset.objects.filter(pk=mine.asset_id).update(state=AssetState.AWAITING_SIGNOFF)
    assert set(selectors.pending(sample).values_list("pk", flat=True)) == {held.pk}


def test_smp06_ten_refreshes_at_once_draw_once_and_let_each_photo_through_once() -> None:
    batch = waiting(30)
    at_once(10, lambda: batches.refresh(batch.pk))
    assert batch.first_samples.count() == 1
    assert states(batch) == {AssetState.QUEUED: 5, AssetState.WAITS_FOR_SAMPLE: 25}
    assert Task.objects.filter(step=Step.PROCESS).count() == 5


def test_smp06_a_step_that_runs_twice_lets_a_photo_wait_once() -> None:
    batch = line.open_batch(first_share=0.1)
    line.send(batch, "p.jpg", line.photo(1, side=640))
    line.run_line()
    Task.objects.filter(step=Step.CLASSIFY).update(state="pending", attempts=0)
    assert runner.run_one(Task.objects.get(step=Step.CLASSIFY).pk) == "done"
    assert states(batch) == {AssetState.WAITS_FOR_SAMPLE: 1}
    moved = AuditEvent.objects.filter(verb="asset.moved", after__state=AssetState.WAITS_FOR_SAMPLE)
    assert moved.count() == 1 and not Task.objects.filter(step=Step.PROCESS).exists()


def test_smp06_the_rest_is_let_through_a_few_at_a_time_and_all_of_it(mona: User) -> None:
    batch, sample = drawn(260)
    judged(sample)
    applying.apply(batch, batch.preset_version, mona, seen=1)
    assert states(batch)[AssetState.QUEUED] == first_samples.AT_ONCE
    batches.refresh(batch.pk)
    assert states(batch)[AssetState.QUEUED] == first_samples.AT_ONCE
    batch.refresh_from_db()
    assert batch.state == BatchState.PROCESSING
    for _round in range(20):
        done = list(batch.assets.filter(state=AssetState.QUEUED).values_list("pk", flat=True)[:60])
        Asset.objects.filter(pk__in=done).update(state=AssetState.APPROVED)
        batches.refresh(batch.pk)
        assert states(batch).get(AssetState.QUEUED, 0) <= first_samples.AT_ONCE
    assert states(batch) == {AssetState.APPROVED: 260}
    assert Task.objects.filter(step=Step.PROCESS).count() == 260


def test_smp06_no_transaction_lets_more_than_a_piece_through_and_photos_for_editors_go_too(mona: User) -> None:
    batch, sample = drawn(160)
    judged(sample)
    batch.assets.filter(state=AssetState.WAITS_FOR_SAMPLE).update(category="other", category_source="metadata")
    Batch.objects.filter(pk=batch.pk).update(applied_at=timezone.now())
    batch.refresh_from_db()
    with transaction.atomic():
        assert first_samples.let_through(batch)
    assert states(batch)[AssetState.EDITING] == first_samples.PIECE
    batches.refresh(batch.pk)
    assert states(batch)[AssetState.EDITING] == first_samples.PIECE + first_samples.AT_ONCE
    batches.refresh(batch.pk)
    assert states(batch) == {AssetState.APPROVED: 16, AssetState.EDITING: 144}


def test_smp06_files_added_after_an_early_draw_wait_too(mona: User) -> None:
    batch = waiting(12, state=BatchState.UPLOADING, closed_at=None)
    batches.refresh(batch.pk)
    assert not batch.first_samples.exists()
    sample = applying.sample_again(batch, batch.preset_version, mona, seen=0)
    assert sample.size == 5
    late = factories.make_asset(batch, AssetState.CLASSIFIED, complexity="simple")
    lanes.take_on(Asset.objects.select_related("batch").get(pk=late.pk))
    judged(sample)
    batch.refresh_from_db()
    ingest.close_batch(batch)
    assert states(batch) == {AssetState.APPROVED: 5, AssetState.WAITS_FOR_SAMPLE: 8}
    assert batch.first_samples.count() == 1, "one sample is enough; another is the manager's to draw"
    batch.refresh_from_db()
    assert batch.state == BatchState.REVIEW


def test_smp06_a_delivery_names_what_waits_and_the_batch_is_never_ready_before(mona: User) -> None:
    batch, sample = drawn(10)
    judged(sample)
    for asset in batch.assets.filter(state=AssetState.APPROVED):
        factories.make_run(asset, total=95.0)
        factories.make_rendition(asset, batch.channels.get())
    batches.refresh(batch.pk)
    batch.refresh_from_db()
    assert (batch.state, batch.completed_at) == (BatchState.REVIEW, None)
    plan = deliveries.plan(batch)
    assert {(item.code, item.reason, item.is_final) for item in plan.withheld} == {
        ("waits_for_sample", "Waits for the sample of its batch.", False)
    }
    part = delivery.release(batch, mona)
    batch.refresh_from_db()
    assert (part.file_count, len(part.withheld), batch.state) == (5, 5, BatchState.REVIEW)


def test_smp06_a_sheet_that_comes_late_counts_for_what_waits(mona: User) -> None:
    CategoryRule.objects.update_or_create(
        category="jewellery", defaults={"complexity": "complex", "always_human": True}
    )
    batch, sample = drawn(6)
    judged(sample)
    photo = batch.assets.get(state=AssetState.WAITS_FOR_SAMPLE)
    row = ingest.CsvRow(photo.relative_path, sku="NEW-1", category="jewellery")
    assert ingest.attach_rows(batch, {photo.relative_path.lower(): row}) == 1
    applying.apply(batch, batch.preset_version, mona, seen=1)
    photo.refresh_from_db()
    assert (photo.sku, photo.state, photo.lane) == ("NEW-1", AssetState.QUEUED, "editing_with_start")


def test_smp06_an_ordinary_batch_asks_nothing_more(django_assert_num_queries: Any) -> None:
    batch = factories.make_batch()
    with django_assert_num_queries(0):
        assert not first_samples.is_due(batch)
        assert selectors.view(batch, {}) is None


def test_smp06_what_waits_is_found_by_its_index_and_a_refresh_costs_the_same_for_more() -> None:
    batch, _sample = drawn(40)

    def cost() -> int:
        with CaptureQueriesContext(connection) as caught:
            batches.refresh(batch.pk)
        return len(caught)

    few = cost()
    for _ in range(60):
        factories.make_asset(batch, AssetState.WAITS_FOR_SAMPLE, complexity="simple")
    assert cost() == few
    asked = batch.assets.filter(state=AssetState.WAITS_FOR_SAMPLE).order_by().values("pk")
    for _ in range(600):  # a batch is mostly photos that are done: the planner is told so below
        factories.make_asset(batch, AssetState.APPROVED)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        if connection.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = off")
        plan = asked.explain()
        if connection.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = on")
    assert "asset_waits_for_sample" in plan or "asset_batch_state" in plan, plan


def test_smp06_the_score_is_kept_from_who_judges_the_sample_in_the_assisted_queue_too() -> None:
    from reviewapp.selectors.review import item_payload, task_for_display

    batch, sample = drawn(10)
    asset = sample.members.order_by("rank")[0].asset
    run = factories.make_run(asset, total=95.0)
    task = ReviewTask.objects.create(asset=asset, run=run, reason=ReviewReason.FIRST_SAMPLE, why="Score 95")
    assert task.state == ReviewTaskState.OPEN
    shown = item_payload(task_for_display(task.pk), factories.make_user("sam", Role.SENIOR), blind=False)
    assert shown["blind"] and "assist" not in shown
    assert batch.first_share == 0.1


def test_smp06_a_share_that_is_none_is_refused() -> None:
    with pytest.raises(ingest.IngestRefused, match="more than nothing"):
        line.open_batch(first_share=1.0)
