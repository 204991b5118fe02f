"""The product as `make run` starts it, on a small disk and a database that can both be taken away."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg2

from tests.servers import Postgres
from tests.stack import ROOT, Stack

LEASE_S = 10
"""The least the product takes; 60 s in production, which would only make every run longer."""
DISK_MB, PHOTO_KB = 260, 450
PATIENCE_S = 90.0
AWAY = re.compile(r"\b(OperationalError|InterfaceError)\b|server closed the connection")
RAISED = re.compile(r"^[\w.]+: .*", re.MULTILINE)
DATABASE_ERRORS = (psycopg2.Error, sqlite3.Error)


class World:
    """One stack to be broken. `disk` says what its data lie on, `can_fill` whether that can be filled."""

    def __init__(self, kind: str, folder: Path, photos: int, workers: int) -> None:
        self.kind, self.data, self.workers = kind, folder / "data", workers
        self.data.mkdir()
        self.can_fill = _mount(self.data, DISK_MB + photos * PHOTO_KB // 1024)
        self.disk = "tmpfs with a size of its own" if self.can_fill else "the folder's own disk, never filled"
        self.postgres: Postgres | None = None
        env = {"TASK_LEASE_S": str(LEASE_S), "WORKERS": str(workers), "REDIS_URL": "", "LOG_LEVEL": "INFO"}
        env |= {"DELIVERY_GRACE_MIN": "0", "WEBHOOKS_TO_PRIVATE": "1"}
        if kind == "postgres":
            self.postgres = Postgres(fsync="on")
            self.postgres.start()
            env["DATABASE_URL"] = self.postgres.url
        else:
            env["DATABASE_URL"] = f"sqlite:///{self.data / 'softproof.sqlite3'}"
        self.stack = Stack(self.data, **env)
        if kind == "sqlite":
            self.stack.env.pop("DATABASE_URL")  # the default, and how the stack's own reader finds it

    def rows(self, asked: str, *values: Any) -> list[Any]:
        """Ask the database; waits while it is away. Raises what it says after PATIENCE_S."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                found: list[Any] = self.stack.rows(asked, *values)
                return found
            except DATABASE_ERRORS:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def number(self, asked: str, *values: Any) -> int:
        """The one number asked for."""
        return int(self.rows(asked, *values)[0][0])

    def inside(self, module: str, *words: str) -> Any:
        """Run a module inside the product; returns the JSON of its last line."""
        done = subprocess.run(
            [sys.executable, "-m", module, *words],
            cwd=ROOT, env=self.stack.env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{module} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
        return json.loads(done.stdout.strip().splitlines()[-1])

    def checked(self, *words: str) -> tuple[int, str]:
        """Run a management command that checks: its exit status, and what it said last."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT, env=self.stack.env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, "\n".join((done.stdout + done.stderr).strip().splitlines()[-5:])

    def kill(self, pattern: str, number: int = signal.SIGKILL) -> list[int]:
        """Send a signal to every child of the supervisor whose command line matches. Returns the pids."""
        hit = []
        for pid in self.stack.children(pattern):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
                hit.append(pid)
        return hit

    def valkey_url(self) -> str:
        """Where the embedded Valkey listens."""
        folder = Path((self.data / "socket-folder").read_text(encoding="utf-8").strip())
        return f"unix://{folder / 'valkey.sock'}?db=0"

    def logged(self, *words: str) -> int:
        """How many lines of the workers' logs hold all of `words`."""
        paths = [path for path in (self.data / "logs").iterdir() if path.name.startswith("worker-")]
        lines = (line for path in paths for line in path.read_text(errors="replace").splitlines())
        return sum(all(word in line for word in words) for line in lines)

    def failures(self) -> dict[str, int]:
        """What the web server logged as a fault of the program, {path without numbers and error: how often}.

        A database that is away is none: that was answered 503.
        """
        found: Counter[str] = Counter()
        for line in (self.data / "logs" / "web.log").read_text(errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                told = json.loads(line)
                if not isinstance(told, dict) or not str(told.get("event", "")).startswith("Internal Server Error"):
                    continue
                path, error = re.sub(r"\d+", "N", told["event"]), ["", *RAISED.findall(str(told.get("error")))][-1]
                if not AWAY.search(error):
                    found[f"{path}: {error[:160]}"] += 1
        return dict(found)

    def close(self) -> None:
        """Stop everything and give the disk back."""
        self.stack.stop()
        if self.postgres is not None:
            self.postgres.close()
        if self.can_fill:
            subprocess.run(["umount", "-l", str(self.data)], check=False, capture_output=True)


def _mount(folder: Path, megabytes: int) -> bool:
    """Mount a disk of that size on `folder`: needs root. False when it can't be done."""
    if os.geteuid() != 0 or sys.platform != "linux" or shutil.which("mount") is None:
        return False
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "softproof-faults", str(folder)],
        check=False, capture_output=True,
    )  # fmt: skip
    return done.returncode == 0


@contextmanager
def world(kind: str, photos: int, workers: int) -> Iterator[World]:
    """A started world in a folder of its own; nothing of it is left."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sp-faults-", ignore_cleanup_errors=True)))
        made = World(kind, folder, photos, workers)
        stack.callback(made.close)
        made.stack.start()
        yield made
