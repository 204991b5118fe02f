"""One worker as a process: its hard deadline, its graceful stop, its end when it has grown too big (PRO-40, OPS-15)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from reviewapp.enums import AssetState, Step, TaskState
from reviewapp.jobs import pulse
from reviewapp.models import Task, WorkerHeartbeat
from reviewapp.services import runs
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
FOR_EVER, NO_DEADLINE, ANY_SIZE = 600.0, 600.0, 0
Start = Callable[[float, float, int], "subprocess.Popen[str]"]


def database_url() -> str:
    """Where this test's rows are."""
    at = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{at['NAME']}"
    return f"postgresql://{at['USER']}@:{at['PORT']}/{at['NAME']}?host={at['HOST']}"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a worker; ends with it whatever the test did."""
    env = {**os.environ, "DATABASE_URL": database_url(), "SOFTPROOF_DATA": str(tmp_path), "REDIS_URL": "none"}
    running = []

    def begin(seconds: float, deadline_s: float, limit: int) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.slow_worker", str(seconds), str(deadline_s), str(limit)],
            cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        running.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        return process

    yield begin
    for process in running:
        process.kill()
        process.wait()


def two_tasks() -> tuple[Task, Task]:
    batch = factories.make_batch()
    made = [factories.make_asset(batch) for _ in range(2)]
    first, second = (runs.create_task(asset, Step.VALIDATE, f"validate:{asset.pk}") for asset in made)
    return first, second


def test_pro40_a_step_that_hangs_ends_its_worker_and_is_tried_again_then_failed(start: Start) -> None:
    hangs, other = two_tasks()
    for attempt in (1, 2, 3):
        Task.objects.filter(pk=hangs.pk).update(available_at=timezone.now())
        assert start(FOR_EVER, 0.5, ANY_SIZE).wait(30) == pulse.EXIT_DEADLINE
        hangs.refresh_from_db()
        assert (hangs.attempts, hangs.error_code) == (attempt, "step_deadline")
    assert (hangs.state, hangs.error_category) == (TaskState.DEAD, "processing_errors")
    hangs.asset.refresh_from_db()
    assert hangs.asset.state == AssetState.FAILED and "longer than 0.5 s" in hangs.asset.state_reason
    other.refresh_from_db()
    assert (other.state, other.attempts) == (TaskState.PENDING, 0), "the queue goes on with the others"


def test_a_worker_told_to_stop_finishes_its_step_and_takes_no_other(start: Start) -> None:
    at_work, other = two_tasks()
    process = start(1.5, NO_DEADLINE, ANY_SIZE)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    at_work.refresh_from_db()
    other.refresh_from_db()
    assert (at_work.state, at_work.attempts) == (TaskState.DONE, 1)
    assert (other.state, other.attempts) == (TaskState.PENDING, 0)
    assert not WorkerHeartbeat.objects.exists(), "it went on purpose"


def test_a_worker_grown_too_big_ends_after_its_task(start: Start) -> None:
    first, second = two_tasks()
    assert start(0.1, NO_DEADLINE, 1024).wait(30) == 0
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == (TaskState.DONE, TaskState.PENDING)
