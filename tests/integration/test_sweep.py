"""A round of the sweep: what fails in it stops nothing else, and is not hidden."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from reviewapp.enums import AssetState, BatchState, Step, TaskState
from reviewapp.management.commands.sweep import sweep_once
from reviewapp.models import Task
from reviewapp.services import runs
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_part_that_fails_is_said_and_the_others_are_done_all_the_same(tmp_path: Path, settings: Any) -> None:
    batch = factories.make_batch(state=BatchState.PROCESSING)
    factories.make_asset(batch, AssetState.IN_REVIEW)
    settings.DATA_DIR = tmp_path / "no-folder"
    settings.DATA_DIR.write_text("A file where the data folder should be")
    for _twice in range(2):
        with pytest.raises(ExceptionGroup) as caught:
            sweep_once(look_over_batches=True)
        notes = [error.__notes__ for error in caught.value.exceptions]
        assert notes == [["Sweep: temporary files"], ["Sweep: uploads given up"], ["Sweep: room"]]
        batch.refresh_from_db()
        assert batch.state == BatchState.REVIEW, "a batch looked at after them"
    settings.DATA_DIR = tmp_path
    sweep_once(look_over_batches=True)


def test_sch24_one_task_that_cannot_be_buried_ends_no_sweeper() -> None:
    batch = factories.make_batch(state=BatchState.PROCESSING)
    photos = [factories.make_asset(batch, AssetState.QUEUED) for _ in range(3)]
    steps, args = (Step.PROCESS, Step.REPLAY, Step.PROCESS), ({}, {"study_run_id": "none"}, {})
    tasks = [
        runs.create_task(*which, f"k:{n}", args=args[n]) for n, which in enumerate(zip(photos, steps, strict=True))
    ]
    Task.objects.update(state=TaskState.RUNNING, attempts=3, lease_until=timezone.now() - timedelta(seconds=1))
    for _twice in range(2):
        report = sweep_once(look_over_batches=True)
        assert [Task.objects.get(pk=task.pk).state for task in tasks] == ["dead", "running", "dead"]
    assert report.died == 0
    for photo, state in zip(photos, (AssetState.FAILED, AssetState.QUEUED, AssetState.FAILED), strict=True):
        photo.refresh_from_db()
        assert photo.state == state
    Task.objects.filter(step=Step.REPLAY).update(args={"study_run_id": 0})
    assert sweep_once(look_over_batches=False).died == 1


def test_a_sweeper_told_to_stop_begins_nothing_more() -> None:
    batch = factories.make_batch(state=BatchState.PROCESSING)
    factories.make_asset(batch, AssetState.IN_REVIEW)
    sweep_once(look_over_batches=True, is_over=lambda: True)
    batch.refresh_from_db()
    assert batch.state == BatchState.PROCESSING, "the next sweeper's"
    sweep_once(look_over_batches=True, is_over=lambda: False)
    batch.refresh_from_db()
    assert batch.state == BatchState.REVIEW
