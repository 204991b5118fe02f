"""One supervised process: killed work begins again, a full log is kept once, several stop at the same time."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from reviewapp.supervisor import processes
from reviewapp.supervisor.processes import Child


def child(tmp_path: Path, code: str, **fields: object) -> Child:
    return Child("it", [sys.executable, "-c", code], dict(os.environ), tmp_path / "it.log", **fields)  # type: ignore[arg-type]


def watched_until(it: Child, check: object, seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        it.watch()
        if check():  # type: ignore[operator]
            return True
        time.sleep(0.02)
    return False


def test_a_task_of_one_time_begins_again_when_killed_but_not_when_it_ends(tmp_path: Path) -> None:
    it = child(tmp_path, "import time; time.sleep(60)", is_once=True)
    it.start()
    assert it.process
    first = it.process.pid
    os.kill(first, signal.SIGKILL)
    assert watched_until(it, lambda: it.restarts == 1 and it.is_running())
    it.stop()
    done = child(tmp_path, "raise SystemExit(3)", is_once=True)
    done.start()
    assert done.process and done.process.wait(20) == 3
    assert done.watch() == f"it failed (3): see {tmp_path / 'it.log'}"
    assert done.watch() is None and done.restarts == 0


def test_a_full_log_is_kept_once_and_the_process_goes_on_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "LOG_LIMIT_BYTES", 1000)
    code = "import sys, time\nwhile True: print('x' * 99, flush=True); time.sleep(0.01)"
    it = child(tmp_path, code)
    it.start()
    kept = tmp_path / "it.log.1"
    assert watched_until(it, kept.exists)
    assert kept.stat().st_size > 1000
    assert watched_until(it, lambda: it.log.stat().st_size > 0)
    it.stop()
    assert it.restarts == 0
    assert set(it.log.read_bytes()) <= set(b"x\n"), "no hole where the file was cut"


def test_two_that_take_their_time_stop_in_the_time_of_one(tmp_path: Path) -> None:
    code = (
        "import signal, time\n"
        "def end(*_):\n    time.sleep(2)\n    raise SystemExit(0)\n"
        "signal.signal(signal.SIGTERM, end)\nprint('up', flush=True)\ntime.sleep(60)"
    )
    pair = [child(tmp_path / name, code, grace_s=20.0) for name in ("a", "b")]
    for it in pair:
        it.start()
        assert watched_until(it, lambda it=it: it.log.read_bytes() == b"up\n")  # type: ignore[misc]
    started = time.monotonic()
    for it in pair:
        it.ask_to_stop()
    for it in pair:
        it.stop()
    assert [it.process.returncode for it in pair if it.process] == [0, 0]
    assert time.monotonic() - started < 3.5
