"""A database of its own and the web server as `make run` starts it, on top of the rows."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.scaling import clients
from tests.servers import free_port, running_postgres, wait_for

ROOT = Path(__file__).resolve().parents[2]
POSTGRES = {
    "shared_buffers": "2GB",
    "effective_cache_size": "6GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "8GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
}
"""What docs/deployment.md advises for an archive of this size. `fsync` is off only while the rows are written."""

LOG_FORMAT = "served %(m)s %(U)s %(D)s"
WHAT = (
    (r"POST /review/\w+/claim/", "claim"),
    (r"POST /review/items/\d+/decision/", "decide"),
    (r"POST /review/decisions/\d+/undo/", "undo"),
    (r"POST /review/\w+/beat/", "beat"),
    (r"GET /review/\w+/", "review queue page"),
    (r"GET /review/", "review chooser"),
    (r"GET /", "home"),
    (r"GET /batches/", "batch list"),
    (r"GET /batches/\d+/", "batch page"),
    (r"GET /images/", "images page and search"),
    (r"GET /quality/thresholds/", "thresholds"),
    (r"GET /healthz", "floor: /healthz"),
)
"""Method and path -> operation, for the times the server itself took."""


@contextmanager
def database(kind: str, folder: Path) -> Iterator[None]:
    """Set up Django in this process on an empty, migrated database of `kind` (postgres or sqlite) in `folder`."""
    with ExitStack() as stack:
        if kind == "postgres":
            url = stack.enter_context(running_postgres(**POSTGRES))
        else:
            url = f"sqlite:///{folder / 'scale.sqlite3'}"
        os.environ.update(
            DATABASE_URL=url,
            SOFTPROOF_DATA=str(folder),
            DJANGO_SETTINGS_MODULE="reviewapp.config.settings",
            REDIS_URL="none",
            DEMO="0",
        )
        import django
        from django.core.management import call_command
        from django.db import connections

        django.setup()
        call_command("migrate", verbosity=0)
        call_command("seed", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        yield
        connections.close_all()


@contextmanager
def web(folder: Path) -> Iterator[str]:
    """Run gunicorn and the sweeper as the supervisor does; give the site's address."""
    port = free_port()
    env = {**os.environ, "PORT": str(port), "LOG_LEVEL": "ERROR"}
    commands = (
        [sys.executable, "-m", "gunicorn", "reviewapp.config.wsgi:application", "--bind", f"127.0.0.1:{port}",
         "--config", "python:reviewapp.supervisor.web", "--access-logformat", LOG_FORMAT],
        [sys.executable, "manage.py", "sweep"],
    )  # fmt: skip
    with (folder / "web.log").open("wb") as log:
        processes = [subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log) for command in commands]
        try:
            wait_for(lambda: _answers(port), 180, "the web server")
            yield f"http://127.0.0.1:{port}"
        finally:
            for process in processes:
                process.send_signal(signal.SIGTERM)
            for process in processes:
                process.wait(30)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        time.sleep(0.1)
        return False


def durable() -> None:
    """From here on PostgreSQL waits for the disk at every commit, as in production."""
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ALTER SYSTEM SET fsync = on")
            cursor.execute("SELECT pg_reload_conf()")
            cursor.execute("CHECKPOINT")
    # What was written without waiting still goes to the disk in the background: no part of what people wait for.
    os.sync()


def described() -> str:
    """Which database this is."""
    from django.db import connection

    with connection.cursor() as cursor:
        is_postgres = connection.vendor == "postgresql"
        cursor.execute("SHOW server_version" if is_postgres else "SELECT sqlite_version()")
        return f"{connection.display_name} {cursor.fetchone()[0]}"


def log_size(folder: Path) -> int:
    """Where the web server's log ends now."""
    return (folder / "web.log").stat().st_size


def times(folder: Path, mark: int) -> dict[str, dict[str, float]]:
    """What the web server logged since `mark`: its own time per operation, without waiting for a free thread."""
    found: dict[str, list[float]] = {}
    with (folder / "web.log").open("rb") as log:
        log.seek(mark)
        for line in log.read().decode(errors="replace").splitlines():
            words = line.split()
            if len(words) != 4 or words[0] != "served":
                continue
            asked = f"{words[1]} {words[2]}"
            name = next((name for pattern, name in WHAT if re.fullmatch(pattern, asked)), None)
            if name is not None:
                found.setdefault(name, []).append(int(words[3]) / 1e6)
    return {name: clients.summary(seconds) for name, seconds in sorted(found.items())}


class Load:
    """How many cores were busy since it was made: with this benchmark, its servers, and with everything else."""

    def __init__(self) -> None:
        self._before = self._now()

    def shares(self) -> dict[str, float]:
        """{"here": cores, "elsewhere": cores}; what is elsewhere makes every figure worse than it need be."""
        seconds, here, busy = (after - before for after, before in zip(self._now(), self._before, strict=True))
        return {"here": round(here / seconds, 2), "elsewhere": round(max(0.0, busy - here) / seconds, 2)}

    @staticmethod
    def _now() -> tuple[float, float, float]:
        tick, parents, used = os.sysconf("SC_CLK_TCK"), {}, {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:  # it ended meanwhile
                continue
            parents[int(stat.parent.name)] = int(fields[1])
            used[int(stat.parent.name)] = (int(fields[11]) + int(fields[12]) + int(fields[13]) + int(fields[14])) / tick
        ours = {os.getpid()}
        while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
            ours |= more
        user, nice, system = (int(word) for word in Path("/proc/stat").read_text().split()[1:4])
        return time.monotonic(), sum(used.get(pid, 0.0) for pid in ours), (user + nice + system) / tick
