"""What a manager does to a running batch, on the real line: pause, cancel, priority, progress (SCH-02, 12)."""

from __future__ import annotations

from collections import Counter

import pytest

from processing.errors import InputRejected
from reviewapp.enums import AssetState, Step
from reviewapp.jobs import runner
from reviewapp.models import Batch, Task
from reviewapp.selectors import batches as reads
from reviewapp.services import batches, execution, ingest, runs
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
