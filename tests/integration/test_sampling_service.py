"""Blind samples on real rows: when they are drawn, what they tell, when they stop a batch (SMP-01, 03, 04, 10, 11;
REV-14)."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from reviewapp.enums import AssetState, BatchState, ReviewReason, SampleOutcome
from reviewapp.models import Asset, Batch, ReviewTask, SampleDraw, SampleMember
from reviewapp.policies import sampling as policy
from reviewapp.selectors.quality import escape_rate, reject_reasons, score_histogram
from reviewapp.services import batches, sampling
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def approved(batch: Batch, count: int) -> None:
    for _ in range(count):
        factories.make_run(factories.make_asset(batch, AssetState.AUTO_APPROVED), total=95.0)


def opened(**fields: Any) -> Batch:
    return factories.make_batch(state=BatchState.UPLOADING, closed_at=None, **fields)


def test_smp04_a_block_is_drawn_while_the_machine_still_works() -> None:
    factories.make_policy(sample_block=10)
    batch = opened()
    approved(batch, 9)
    assert sampling.draw_due(batch) == []
    approved(batch, 4)
    (drawn,) = sampling.draw_due(batch)
    assert (drawn.block, drawn.population, drawn.size) == (1, 10, 1)
    assert sampling.draw_due(batch) == [], "the other three wait for the machine to finish"


def test_smp01_what_is_left_over_is_drawn_from_when_the_machine_is_done() -> None:
    """SMP-08: the same call that the sweep makes puts shipped photos before people, blind."""
    factories.make_policy(sample_block=10)
    batch = factories.make_batch()
    approved(batch, 13)
    busy = factories.make_asset(batch, AssetState.QUEUED)
    assert [drawn.population for drawn in sampling.draw_due(batch)] == [10]
    Asset.objects.filter(pk=busy.pk).update(state=AssetState.FAILED)
    assert [(drawn.block, drawn.population, drawn.size) for drawn in sampling.draw_due(batch)] == [(2, 3, 1)]
    assert sampling.draw_due(batch) == []
    populations = [set(drawn.population_sha256) for drawn in SampleDraw.objects.all()]
    assert not populations[0] & populations[1]


def test_nothing_approved_draws_nothing() -> None:
    factories.make_policy()
    assert sampling.draw_due(factories.make_batch()) == []


def test_smp11_the_draw_can_be_derived_again_from_the_seed() -> None:
    factories.make_policy(sample_rate=0.3)
    batch = factories.make_batch()
    approved(batch, 20)
    (drawn,) = sampling.draw_due(batch)
    members = list(drawn.members.order_by("rank").values_list("asset__sha256", flat=True))
    assert len(members) == 6
    assert members == policy.draw(batch.sample_seed, drawn.population_sha256, drawn.size)


def test_a_sampled_photo_stays_approved_and_is_an_ordinary_review_task() -> None:
    factories.make_policy()
    batch = factories.make_batch()
    approved(batch, 1)
    sampling.draw_due(batch)
    task = ReviewTask.objects.get()
    assert task.reason == ReviewReason.SAMPLE
    assert "sample" not in task.why.lower() and "score" not in task.why.lower()
    assert task.asset.state == AssetState.AUTO_APPROVED


def test_ten_callers_at_once_draw_once() -> None:
    factories.make_policy(sample_rate=0.5)
    batch = factories.make_batch()
    approved(batch, 8)

    def refresh() -> None:
        try:
            batches.refresh(batch.pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=refresh) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert SampleDraw.objects.count() == 1
    assert SampleMember.objects.count() == ReviewTask.objects.count() == 4
    batch.refresh_from_db()
    assert batch.state == BatchState.REVIEW


def test_judging_twice_counts_once_and_a_stranger_is_no_sample() -> None:
    batch = factories.make_batch()
    task = factories.make_sample(batch)
    assert sampling.judge(task, "approve") == SampleOutcome.ACCEPTED
    assert sampling.judge(task, "reject") is None
    assert sampling.judge(factories.make_review(batch), "approve") is None
    assert SampleMember.objects.get().outcome == SampleOutcome.ACCEPTED


def test_a_rejected_sample_goes_to_an_editor() -> None:
    task = factories.make_sample()
    assert sampling.judge(task, "reject") == SampleOutcome.REJECTED
    asset = Asset.objects.get(pk=task.asset_id)
    assert asset.state == AssetState.EDITING
    edit = asset.edit_tasks.get()
    assert edit.reason == "sample_rejected" and edit.base_run == task.run


def test_smp03_too_many_rejections_pause_the_batch_and_say_why() -> None:
    factories.make_policy(sample_reject_limit=2)
    batch = factories.make_batch()
    tasks = [factories.make_sample(batch) for _ in range(3)]
    sampling.judge(tasks[0], "reject")
    batch.refresh_from_db()
    assert batch.state == BatchState.PROCESSING
    sampling.judge(tasks[1], "reject")
    batch.refresh_from_db()
    assert batch.state == BatchState.PAUSED
    assert "2 of 2 sampled photos were rejected" in batch.paused_reason and "resume" in batch.paused_reason
    assert batches.resume(batch)
    batch.refresh_from_db()
    assert batch.state == BatchState.REVIEW and batch.paused_reason == ""
    sampling.judge(tasks[2], "approve")
    batch.refresh_from_db()
    assert batch.state == BatchState.REVIEW, "an accepted sample pauses nothing"


def test_delivery_waits_for_samples_unless_the_client_opted_out() -> None:
    factories.make_policy()
    for waits, state in ((True, BatchState.REVIEW), (False, BatchState.READY)):
        batch = factories.make_batch(client=factories.make_client(waits_for_samples=waits))
        approved(batch, 1)
        batches.refresh(batch.pk)
        batch.refresh_from_db()
        assert batch.state == state
        assert batch.sample_draws.count() == 1


def test_a_refresh_inside_a_transaction_waits_for_its_commit() -> None:
    from django.db import transaction

    factories.make_policy()
    batch = factories.make_batch()
    factories.make_asset(batch, AssetState.APPROVED)
    with transaction.atomic():
        batches.refresh(batch.pk)
        assert Batch.objects.get(pk=batch.pk).state == BatchState.PROCESSING
    assert Batch.objects.get(pk=batch.pk).state == BatchState.READY


def test_smp10_the_escape_rate_with_its_interval() -> None:
    batch = factories.make_batch()
    tasks = [factories.make_sample(batch) for _ in range(5)]
    assert escape_rate(batch).rate is None
    for task in tasks[:4]:
        sampling.judge(task, "approve")
    SampleMember.objects.filter(review_task=tasks[3]).update(outcome=SampleOutcome.REJECTED)
    found = escape_rate(batch)
    assert (found.drawn, found.judged, found.rejected, found.rate) == (5, 4, 1, 0.25)
    assert found.low < 0.25 < found.high
    assert escape_rate(factories.make_batch()).judged == 0


def test_the_histogram_counts_results_in_force() -> None:
    batch = factories.make_batch()
    for total in (0.0, 4.99, 5.0, 89.99, 90.0, 100.0):
        factories.make_run(factories.make_asset(batch), total=total)
    again = factories.make_asset(batch)
    factories.make_run(again, total=10.0)
    factories.make_run(again, total=92.0)
    counts = {found.low: found.count for found in score_histogram(batch) if found.count}
    assert counts == {0: 2, 5: 1, 85: 1, 90: 2, 95: 1}
    assert len(score_histogram(batch)) == 20


def test_reject_reasons_per_preset_version() -> None:
    from reviewapp.models import ReviewDecision

    batch = factories.make_batch()
    user = factories.make_user()
    for n, reasons in enumerate([["shadow"], ["shadow", "edge_halo"], [], []]):
        task = factories.make_review(batch)
        ReviewDecision.objects.create(
            task=task, asset=task.asset, run=task.run, preset_version=batch.preset_version, policy=factories.policy(),
            version=1, reviewer=user, verdict="reject" if reasons else "approve", reasons=reasons, score_total=80.0,
            idempotency_key=f"k{n}", created_at=timezone.now(),
        )  # fmt: skip
    found = [(row.reason, row.count, row.decisions, row.share) for row in reject_reasons()]
    assert found == [("shadow", 2, 4, 0.5), ("edge_halo", 1, 4, 0.25)]
