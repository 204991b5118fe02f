"""The whole product as a user starts it, on a free port and in a data folder of its own."""

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
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import psycopg2

from tests import schema
from tests.servers import free_port

ROOT = Path(__file__).resolve().parent.parent
BUSY = """SELECT (SELECT count(*) FROM reviewapp_task WHERE state IN ('pending', 'running'))
    + (SELECT CASE WHEN count(*) = 0 THEN 1 ELSE 0 END FROM reviewapp_asset)"""
"""Above 0 while there is work, or nothing has come in yet."""


class Stack:
    """`python -m reviewapp.supervisor` in `data`. Use as a context manager.

    A new SQLite database is the copy of a migrated one; `is_bare` lets the product make it.
    """

    def __init__(
        self, data: Path, *, demo: bool = False, known: dict[str, str] | None = None, is_bare: bool = False, **env: str
    ) -> None:
        self.data = data
        self.is_bare = is_bare
        self.known = known or {}
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = {
            **os.environ,
            "SOFTPROOF_DATA": str(data),
            "PORT": str(self.port),
            "DEMO": "1" if demo else "0",
            "PYTHONUNBUFFERED": "1",
            **env,
        }
        self.lines: list[str] = []
        self.sessions: dict[str, list[Any]] = {}
        """Cookies of the people who signed in, for tests that open page after page as one of them."""
        self.process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Stack:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def start(self, timeout_s: float = 200) -> None:
        """Start and wait for the ready line."""
        self.lines.clear()
        database = self.data / "softproof.sqlite3"
        if not self.is_bare and not self.env.get("DATABASE_URL") and not database.exists():
            self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.copyfile(schema.migrated(), database)
            database.chmod(0o600)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "reviewapp.supervisor"],
            cwd=ROOT, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        threading.Thread(target=self._read, daemon=True).start()
        deadline = time.monotonic() + timeout_s
        while not any("Softproof is ready" in line for line in self.lines):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError("The stack did not start:\n" + "".join(self.lines) + self.logs())
            time.sleep(0.05)

    def _read(self) -> None:
        assert self.process and self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line)

    def stop(self) -> None:
        """Stop as Ctrl-C does; kill what does not end."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def logs(self) -> str:
        """The ends of all children's logs."""
        paths = sorted((self.data / "logs").glob("*.log"))
        return "\n".join(f"--- {path.name}\n{path.read_text(errors='replace')[-3000:]}" for path in paths)

    def manage(self, *words: str, check: bool = True) -> str:
        """Run one management command on the same data; return what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words], cwd=ROOT, env=self.env, capture_output=True, text=True, check=False
        )
        if check and done.returncode:
            raise RuntimeError(f"manage.py {' '.join(words)} failed:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def status(self) -> dict[str, Any]:
        """`manage.py status --json`."""
        answer: dict[str, Any] = json.loads(self.manage("status", "--json").strip().splitlines()[-1])
        return answer

    def rows(self, asked: str, *values: Any) -> list[Any]:
        """Ask the database itself, or change it on SQLite. Costs nothing beside a command, which loads the product."""
        url = self.env.get("DATABASE_URL", "")
        with (
            contextlib.closing(
                psycopg2.connect(url) if url else sqlite3.connect(self.data / "softproof.sqlite3", timeout=60)
            ) as link,
            link,
            contextlib.closing(link.cursor()) as cursor,
        ):
            cursor.execute(asked, values)
            return list(cursor.fetchall()) if cursor.description else []

    def wait_idle(self, timeout_s: float = 300) -> dict[str, Any]:
        """Wait until no task is pending or running; return what `status` then says."""
        deadline = time.monotonic() + timeout_s
        while True:
            if not self.rows(BUSY)[0][0]:
                status = self.status()
                if status["assets"] and not (set(status["tasks"]) & {"pending", "running"}):
                    return status
            if time.monotonic() > deadline:
                raise TimeoutError(f"Still working: {self.status()}\n{self.logs()}")
            time.sleep(0.2)

    def children(self, pattern: str) -> list[int]:
        """Pids of the supervisor's direct children whose command line matches."""
        assert self.process
        listing = subprocess.run(
            ["ps", "-ww", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True
        ).stdout
        found = []
        for line in listing.splitlines()[1:]:
            pid, ppid, args = line.split(None, 2)
            if int(ppid) == self.process.pid and re.search(pattern, args):
                found.append(int(pid))
        return found

    def passwords(self) -> dict[str, str]:
        """Demo accounts' passwords: those that were known, and what the first start prints."""
        accounts = dict(self.known)
        for line in self.lines:
            words = line.split()
            if len(words) >= 2 and words[0] in {"reviewer", "editor", "senior", "manager", "admin"}:
                accounts[words[0]] = words[1]
        return accounts

    def is_up(self) -> bool:
        """Does the web server answer?"""
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=3) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False
