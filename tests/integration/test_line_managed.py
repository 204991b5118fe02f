"""What a manager does to a running batch, on the real line: pause, cancel, priority, progress (SCH-02, 12)."""

from __future__ import annotations

from collections import Counter

import pytest
from django.utils import timezone

from processing.errors import InputRejected
from reviewapp.enums import AssetState, BatchState, Role, Step
from reviewapp.jobs import runner
from reviewapp.models import Asset, AuditEvent, Batch, Task
from reviewapp.policies.transitions import IllegalTransition
from reviewapp.selectors import batches as reads
from reviewapp.selectors import tasks
from reviewapp.services import assets, batches, delivery, execution, ingest, review, runs
from tests import factories, line

pytestmark = pytest.mark.django_db(transaction=True)


def batch_of(count: int) -> Batch:
    """An open batch of `count` easy photos that any score above 30 approves."""
    batch = line.open_batch(validation_profile="basic-500")
    factories.make_policy(approve_at=30.0, review_at=10.0)
    for n in range(count):
        line.send(batch, f"p{n}.jpg", line.photo(n, side=640), sku=f"S{n}", category="books")
    return batch


def test_cancel_stops_the_machine_and_a_step_that_runs_changes_nothing() -> None:
    batch = batch_of(2)
    running = runs.claim(Task.objects.order_by("id")[0].pk, "w1")
    assert running is not None
    assert batches.cancel(batch, "Wrong photos") == 2
    execution.validate(running)
    assert set(batch.assets.values_list("state", flat=True)) == {AssetState.CANCELLED}
    assert line.run_line() == ["refused"]
    assert batches.cancel(batch) == 0


def test_pause_and_resume() -> None:
    batch = batch_of(1)
    ingest.close_batch(batch)
    assert batches.pause(batch, "Wait for the client")
    assert line.run_line() == ["refused"]
    assert not batches.pause(batch, "again")
    assert batches.resume(batch)
    line.run_line()
    assert batch.assets.get().state == AssetState.AUTO_APPROVED


def test_priority_moves_everything_that_waits() -> None:
    batch = batch_of(1)
    batches.set_priority(batch, 1)
    assert set(batch.assets.values_list("priority", flat=True)) == {1}
    assert set(Task.objects.values_list("priority", flat=True)) == {1}
    with pytest.raises(InputRejected, match="1 to 10"):
        batches.set_priority(batch, 11)


def test_sch12_progress_equals_the_rows_and_gives_an_eta() -> None:
    batch = batch_of(4)
    ingest.close_batch(batch)
    assert reads.progress(batch.pk).eta_s is None
    while Task.objects.filter(step=Step.PROCESS, state="done").count() < 2:
        assert runner.run_due(1)
    now = reads.progress(batch.pk)
    assert dict(now.counts.states) == dict(Counter(batch.assets.values_list("state", flat=True)))
    assert now.counts.total == 4 and now.counts.machine == 2
    assert now.eta_s is not None and now.eta_s > 0


def dead_photo(batch: Batch) -> Task:
    """A photo of `batch` whose processing died."""
    asset = factories.make_asset(batch, AssetState.FAILED, state_code="worker_lost")
    task = runs.create_task(asset, Step.PROCESS, f"process:{asset.pk}:a1", args={"attempt": 1})
    Task.objects.filter(pk=task.pk).update(state="dead", attempts=3)
    return task


def delivered_batch() -> Batch:
    """A batch that was delivered with one of its two photos failed."""
    batch = factories.make_batch(state=BatchState.READY)
    Batch.objects.filter(pk=batch.pk).update(closed_at=timezone.now(), completed_at=timezone.now())
    factories.make_approved(batch)
    dead_photo(batch)
    delivery.release(batch, None)
    assert batch.state == BatchState.DELIVERED
    return batch


def test_sch24_a_retry_after_the_delivery_opens_the_batch_again_so_that_it_is_sampled_and_delivered() -> None:
    batch = delivered_batch()
    assert batches.retry_failed(batch) == 1
    batch.refresh_from_db()
    assert batch.state == BatchState.PROCESSING
    photo = batch.assets.get(state=AssetState.QUEUED)
    factories.make_run(photo, total=95.0)
    factories.make_rendition(photo, batch.channels.get())
    Asset.objects.filter(pk=photo.pk).update(state=AssetState.AUTO_APPROVED)
    Task.objects.update(state="done")
    batches.refresh(batch.pk)
    batch.refresh_from_db()
    assert batch.state == BatchState.REVIEW
    with pytest.raises(delivery.DeliveryHeld, match="1 sample waits"):
        delivery.release(batch, None)
    reviewer = factories.make_user("ria", Role.REVIEWER)
    task = photo.review_tasks.get()
    review.record_decision(reviewer, task.pk, seen_version=0, verdict="approve", idempotency_key="k")
    second = delivery.release(batch, None)
    batch.refresh_from_db()
    assert (second.number, second.file_count, batch.state) == (2, 2, BatchState.DELIVERED)


def test_rte08_handing_over_after_the_delivery_opens_the_batch_again() -> None:
    batch = delivered_batch()
    assert batches.hand_to_editors(batch) == 1
    batch.refresh_from_db()
    assert batch.state == BatchState.REVIEW
    assert batches.hand_to_editors(batch) == 0
    batch.refresh_from_db()
    assert batch.state == BatchState.REVIEW


def test_a_retry_that_finds_nothing_leaves_a_delivered_batch_delivered() -> None:
    batch = delivered_batch()
    assert batches.retry_failed(batch, code="another_code") == 0
    batch.refresh_from_db()
    assert batch.state == BatchState.DELIVERED


def test_sch24_nothing_of_a_cancelled_batch_is_started_again() -> None:
    batch = factories.make_batch(state=BatchState.CANCELLED)
    task = dead_photo(batch)
    assert batches.retry_failed(batch) == batches.hand_to_editors(batch) == 0
    task.refresh_from_db()
    assert (task.state, task.asset.state) == ("dead", AssetState.FAILED)


@pytest.mark.parametrize("state", [BatchState.PAUSED, BatchState.CANCELLED])
def test_tasks_nobody_may_take_are_no_queue(state: BatchState) -> None:
    batch = factories.make_batch(state=state)
    runs.create_task(factories.make_asset(batch, AssetState.QUEUED), Step.PROCESS, "process:held")
    status = tasks.status()
    assert (status["queue_depth"], status["oldest_waiting_s"], status["tasks"]) == (0, 0.0, {"pending": 1})


def test_val19_the_totals_add_up_and_every_stopped_photo_has_its_reason() -> None:
    batch = factories.make_batch()
    for n, state in enumerate(AssetState):
        for _ in range(n + 1):
            factories.make_asset(batch, state, state_code=f"code_{state}", state_reason=f"Reason of {state}")
    counts = reads.progress(batch.pk).counts
    assert counts.total == sum(range(1, len(AssetState) + 1))
    parts = (counts.machine, counts.later, counts.people, counts.approved, counts.failed, counts.rejected)
    assert sum(parts) + counts.duplicates + counts.cancelled == counts.total
    groups = {(group.state, group.count, group.sentence, group.can_retry) for group in reads.failures(batch)}
    assert groups == {
        ("failed", counts.failed, "Reason of failed", True),
        ("rejected_intake", counts.rejected, "Reason of rejected_intake", False),
    }


@pytest.mark.parametrize(("start", "target"), [("received", "approved"), ("editing", "approved"), ("queued", "scored")])
def test_rte16_a_row_moves_only_along_the_table_and_only_from_where_it_is(start: str, target: str) -> None:
    asset = factories.make_asset(state=AssetState(start))
    Asset.objects.filter(pk=asset.pk).update(state=AssetState.CANCELLED)
    with pytest.raises((assets.StateConflict, IllegalTransition)):
        assets.move(asset, AssetState(target), reason="?")
    asset.refresh_from_db()
    assert (asset.state, asset.state_reason, AuditEvent.objects.count()) == ("cancelled", "", 0)
