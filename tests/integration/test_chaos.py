"""Workers killed in mid-batch lose nothing and double nothing (SCH-10, SCH-11, SCH-21, SCH-24, C20)."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from tests import servers
from tests.line import photo
from tests.stack import Stack

pytestmark = pytest.mark.stack

PHOTOS = 12
KILLS = 4
COUNT = """
import json
from django.db.models import Count
from reviewapp.models import *
from reviewapp import storage
def once(model, field):
    return max(model.objects.values(field).annotate(n=Count('pk')).values_list('n', flat=True), default=0)
print('FACTS ' + json.dumps({
    'assets': Asset.objects.count(),
    'runs': ProcessingRun.objects.count(), 'runs_each': once(ProcessingRun, 'asset'),
    'reports': QualityReport.objects.count(),
    'reviews_each': once(ReviewTask, 'asset'),
    'edits_each': once(EditTask, 'asset'),
    'tasks_not_done': list(Task.objects.exclude(state='done').values_list('key', 'state', 'error_text')),
    'restarted': Task.objects.filter(attempts__gt=1).count(),
    'states': dict(Asset.objects.values_list('state').annotate(n=Count('pk'))),
    'batch': Batch.objects.get().state,
    'lost_files': [r.pk for r in ProcessingRun.objects.all() if not storage.exists(r.pixels_key)],
    'damaged': [a.pk for a in Asset.objects.all() if not storage.verify(a.original_key, a.sha256)],
}))
"""


def at_work(stack: Stack) -> list[str]:
    """Names of the workers that hold a task right now, asked of the database itself."""
    return [row[0] for row in stack.rows("SELECT owner FROM reviewapp_task WHERE state = 'running'")]


def kill_workers(stack: Stack, times: int) -> int:
    """Kill -9 a worker in the middle of a task, again and again. Returns how many died so."""
    killed, deadline = 0, time.monotonic() + 120
    while killed < times and time.monotonic() < deadline:
        for name in at_work(stack)[:1]:
            for pid in stack.children(rf"manage\.py worker --name {name}$"):
                os.kill(pid, signal.SIGKILL)
                killed += 1
        time.sleep(0.05)
    return killed


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_killed_workers_lose_and_double_nothing(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    env = {"DATABASE_URL": request.getfixturevalue("postgres_url")} if database == "postgresql" else {}
    env["TASK_LEASE_S"] = "10"  # killed workers' tasks come back sooner than in the product
    folder = tmp_path / "in"
    folder.mkdir()
    for n in range(PHOTOS):
        (folder / f"p{n:02d}.jpg").write_bytes(photo(seed=n))
    with Stack(tmp_path / "data", **env) as stack:
        upload = threading.Thread(target=stack.manage, args=("ingest", str(folder), "--client", "Chaos"))
        upload.start()
        killed = kill_workers(stack, KILLS)
        upload.join()
        stack.wait_idle(240)
        printed = stack.manage("shell", "-c", COUNT)
    facts = json.loads(next(line for line in printed.splitlines() if line.startswith("FACTS "))[6:])
    assert killed == KILLS
    assert facts["restarted"] >= 1, "no kill hit a photo in work: the test proved nothing"
    assert facts["assets"] == PHOTOS
    assert facts["tasks_not_done"] == []
    assert facts["runs"] == facts["reports"] == PHOTOS and facts["runs_each"] == 1
    assert facts["reviews_each"] <= 1 and facts["edits_each"] <= 1
    assert facts["lost_files"] == [] and facts["damaged"] == []
    assert not {"received", "validated", "classified", "queued", "scored"} & set(facts["states"]), facts["states"]
    assert facts["batch"] in ("review", "ready")


def test_the_servers_are_real() -> None:
    assert servers.valkey.find_server() is not None
