"""The stack as a user starts it: it answers, restarts what dies, stops cleanly, leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import servers
from tests.line import photo
from tests.stack import ROOT, Stack

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One stack for all tests, in a folder made by hand whose Valkey left rubbish, with no database yet. Every test
    leaves it running."""
    if servers.valkey.find_server() is None:
        pytest.skip("no Valkey")
    data = tmp_path_factory.mktemp("stack")
    data.chmod(0o755)
    kept = data / "valkey" / "appendonlydir"
    kept.mkdir(parents=True)
    (kept / "appendonly.aof.manifest").write_text("rubbish\n")
    with Stack(data, is_bare=True) as running:
        yield running


def alive(pids: list[int]) -> list[int]:
    """Those of `pids` that still run; a zombie has ended."""
    running = []
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state != "Z":
            running.append(pid)
    return running


def family(root: int) -> list[int]:
    """All descendants of a process."""
    listing = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listing.splitlines()[1:]]
    found, todo = [], [root]
    while todo:
        parent = todo.pop()
        young = [pid for pid, ppid in pairs if ppid == parent]
        found += young
        todo += young
    return found


def eventually(check: object, seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if check():  # type: ignore[operator]
            return True
        time.sleep(0.1)
    return False


def both_workers_beat(stack: Stack) -> bool:
    """Wait for their pulses in the database, which is cheap to ask; then `status` has to say so too."""
    seen = "SELECT count(*) FROM reviewapp_workerheartbeat WHERE role = 'worker'"
    return eventually(lambda: stack.rows(seen)[0][0] == 2) and eventually(lambda: stack.status()["workers"] == 2)


def test_it_says_it_is_ready_and_answers(stack: Stack) -> None:
    assert f"Softproof is ready: {stack.url}\n" in stack.lines
    assert stack.is_up()
    assert any("Valkey" in line for line in stack.lines)
    assert both_workers_beat(stack)


def test_the_socket_is_private(stack: Stack) -> None:
    command = subprocess.run(
        ["ps", "-ww", "-o", "args=", "-p", str(stack.children("valkey-server|redis-server")[0])],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    # Valkey rewrites its title to "... unixsocket:PATH"
    path = Path(command.split("unixsocket:")[-1].split()[0]) if "unixsocket:" in command else None
    if path is None:
        path = Path(command.split("--unixsocket ")[1].split()[0])
    assert path.is_socket()
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("pattern", ["manage.py worker --name worker-1", "manage.py sweep", "gunicorn"])
def test_what_is_killed_comes_back(stack: Stack, pattern: str) -> None:
    (before,) = stack.children(pattern)
    os.kill(before, signal.SIGKILL)
    assert eventually(lambda: stack.children(pattern) and stack.children(pattern) != [before])
    assert eventually(stack.is_up, 60)


def test_a_second_stack_on_the_same_data_is_refused(stack: Stack) -> None:
    env = {**stack.env, "PORT": str(servers.free_port())}
    done = subprocess.run(
        [sys.executable, "-m", "reviewapp.supervisor"], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "another Softproof already runs" in done.stderr


def test_a_taken_port_is_named(stack: Stack, tmp_path: Path) -> None:
    env = {**stack.env, "SOFTPROOF_DATA": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "reviewapp.supervisor"], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert f"port {stack.port}" in done.stderr and "PORT=" in done.stderr


@pytest.mark.parametrize(
    "status, words, given",
    [
        (2, "DATABASE_URL", {"DATABASE_URL": "mysql://a/b"}),
        (1, "can't be used: invalid dsn", {"DATABASE_URL": "postgresql://u@127.0.0.1:1/x?colour=red"}),
        (1, "LOG_LEVEL='LOUD' is unknown", {"LOG_LEVEL": "loud"}),
        (1, "can't be written", {"SOFTPROOF_DATA": "/dev/null"}),
        (1, "can't be written", {"SOFTPROOF_DATA": "/proc/none"}),
    ],
)
def test_a_bad_setting_stops_the_start_with_a_sentence(
    tmp_path: Path, status: int, words: str, given: dict[str, str]
) -> None:
    done = try_to_start(tmp_path, **given)
    assert done.returncode == status
    assert words in done.stderr and "Traceback" not in done.stderr


def test_a_damaged_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "softproof.sqlite3").write_bytes(b"not a database at all, though it is long enough" * 200)
    done = try_to_start(tmp_path)
    assert done.returncode == 1
    assert "softproof.sqlite3 can't be used: file is not a database" in done.stderr and "Traceback" not in done.stderr


def try_to_start(data: Path, **given: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "SOFTPROOF_DATA": str(data), "PORT": str(servers.free_port()), **given}
    return subprocess.run(
        [sys.executable, "-m", "reviewapp.supervisor"], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60
    )


def test_what_valkey_kept_may_be_damaged_and_only_the_owner_reads_the_data(stack: Stack) -> None:
    assert stack.is_up()
    assert any("starts empty" in line for line in stack.lines)
    assert both_workers_beat(stack)
    mine = [path for path in stack.data.iterdir() if path.name != "valkey.damaged"]
    assert {path.name for path in mine if path.stat().st_mode & 0o077} == set()


def test_without_redis_the_workers_ask_the_database(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(photo())
    with Stack(tmp_path / "data", REDIS_URL="none") as stack:
        assert stack.children("valkey-server|redis-server") == []
        assert both_workers_beat(stack)
        printed = stack.manage("ingest", str(folder), "--client", "Plain", "--wait", "--timeout", "120")
        assert "No worker is running" not in printed
        status = stack.wait_idle(120)
    assert set(status["tasks"]) == {"done"} and sum(status["assets"].values()) == 1


def test_kill_9_of_the_supervisor_leaves_nothing_running_and_is_no_obstacle_to_a_new_start(stack: Stack) -> None:
    if sys.platform != "linux":
        pytest.skip("reads /proc")
    assert stack.process
    pids = family(stack.process.pid)
    assert len(pids) >= 6
    stack.process.kill()
    stack.process.wait()
    assert eventually(lambda: alive(pids) == [], 10), alive(pids)
    stack.start()  # in spite of a stale socket and lock
    assert stack.is_up()


def test_stopping_ends_everything_and_the_next_start_keeps_the_data(stack: Stack) -> None:
    stack.manage("shell", "-c", "from reviewapp.models import Client; Client.objects.create(name='K', slug='k')")
    assert stack.process
    pids = family(stack.process.pid)
    assert len(pids) >= 6
    stack.stop()
    assert stack.process.returncode == 0
    assert alive(pids) == []
    stack.start()
    names = stack.manage(
        "shell", "-c", "from reviewapp.models import Client; print(list(Client.objects.values_list('name')))"
    )
    assert "('K',)" in names
