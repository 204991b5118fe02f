"""The stack: which processes there are, in which order they start and stop."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import FrameType
from typing import IO

from . import valkey
from .processes import Child, bound_to_this_process

WATCH_S = 0.2
# Long, because a slow start on a busy machine is no reason to stop; a web process that ends is told at once.
READY_TIMEOUT_S = 180.0


class CannotStart(RuntimeError):
    """The stack can't run; the message says why and what to do."""


class Stack:
    """All processes of one installation. `run` blocks until a signal or an error."""

    def __init__(
        self, *, data: Path, host: str, port: int, workers: int, redis_url: str, is_queueless: bool, is_demo: bool
    ) -> None:
        self.data = data
        self.host = host
        self.port = port
        self.workers = workers
        self.redis_url = redis_url
        self.is_queueless = is_queueless
        self.is_demo = is_demo
        self.children: list[Child] = []
        self._sockets: Path | None = None
        self._lock: IO[str] | None = None
        self._is_stopping = False

    @property
    def url(self) -> str:
        """Where people reach it."""
        shown = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host
        return f"http://[{shown}]:{self.port}" if ":" in shown else f"http://{shown}:{self.port}"

    def run(self) -> int:
        """Start everything, keep it running, stop everything. Returns the exit status."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note_stop)
        try:
            self._lock_data()
            self._check_port()
            self._start_valkey()
            self._prepare()
            self._start_rest()
            self._wait_until_ready()
            while not self._is_stopping:
                self._watch()
                time.sleep(WATCH_S)
            say("Stopping. Photos in work are finished or taken up again at the next start.")
        except CannotStart as error:
            if not self._is_stopping:
                print(f"Softproof can't start: {error}", file=sys.stderr, flush=True)
                return 1
        finally:
            self.stop()
        return 0

    def stop(self) -> None:
        """Stop in order: web first (nothing new comes in), all workers at once, sweeper, Valkey last."""
        for child in self._backwards("web", "demo-batch"):
            child.stop()
        for child in self._backwards("worker-"):
            child.ask_to_stop()
        for child in self._backwards(""):
            child.stop()
        if self._sockets is not None:
            shutil.rmtree(self._sockets, ignore_errors=True)

    def _backwards(self, *beginnings: str) -> list[Child]:
        return [child for child in reversed(self.children) if child.name.startswith(beginnings)]

    def _note_stop(self, number: int, frame: FrameType | None) -> None:
        self._is_stopping = True

    def _lock_data(self) -> None:
        try:
            self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = (self.data / "supervisor.lock").open("w", encoding="ascii")
        except OSError as error:
            raise CannotStart(
                f"the data folder {self.data} can't be written ({error.strerror}). Set SOFTPROOF_DATA to another."
            ) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(
                f"another Softproof already runs on {self.data}. Stop it, or set SOFTPROOF_DATA."
            ) from None

    def _check_port(self) -> None:
        with socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as error:
                raise CannotStart(
                    f"port {self.port} on {self.host} can't be used ({error.strerror}). Choose another: make run PORT=…"
                ) from None

    def _env(self, **extra: str) -> dict[str, str]:
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "reviewapp.config.settings",
            "SOFTPROOF_DATA": str(self.data),
            "REDIS_URL": self.redis_url,
            "REDIS_URL_FILE": "",  # read already; both at once would be refused
            "PYTHONUNBUFFERED": "1",
            **extra,
        }

    def _add(self, name: str, command: list[str], *, grace_s: float = 10.0, **env: str) -> Child:
        child = Child(name, command, self._env(**env), self.data / "logs" / f"{name}.log", grace_s)
        self.children.append(child)
        child.start()
        return child

    def _start_valkey(self) -> None:
        if self.redis_url:
            say(f"Queue: Redis from REDIS_URL ({self.redis_url.split('@')[-1]})")
            return
        server = None if self.is_queueless else valkey.find_server()
        if server is None:
            why = "REDIS_URL=none" if self.is_queueless else "no Valkey or Redis found"
            say(f"Queue: {why}, workers ask the database every second")
            return
        self._sockets = self._new_socket_folder()
        path = self._sockets / "valkey.sock"
        child = self._add("valkey", valkey.command(server, path, self.data / "valkey"))
        is_up = self._comes_up(child, path)
        if not is_up and not child.is_running() and not self._is_stopping:
            # A damaged append-only file stops it. It holds only bells, which the sweep rings again from the database.
            say(f"Queue: Valkey did not start on what it kept ({child.log}), so it starts empty")
            valkey.set_aside(self.data / "valkey")
            child.start()
            is_up = self._comes_up(child, path)
        if not is_up:
            raise CannotStart(f"the embedded Valkey did not start: see {child.log}")
        self.redis_url = f"unix://{path}?db=0"
        say(f"Queue: embedded Valkey ({server.origin})")

    def _comes_up(self, child: Child, path: Path) -> bool:
        deadline = time.monotonic() + 15
        while child.is_running() and time.monotonic() < deadline and not self._is_stopping:
            if valkey.answers(path):
                return True
            time.sleep(0.01)
        return False

    def _new_socket_folder(self) -> Path:
        """Make one, and remove the one that a killed supervisor on the same data left behind."""
        note = self.data / "socket-folder"
        if note.exists():
            stale = Path(note.read_text(encoding="utf-8").strip())
            if stale.name.startswith(valkey.FOLDER_PREFIX):
                shutil.rmtree(stale, ignore_errors=True)
        folder = valkey.socket_folder()
        note.write_text(str(folder), encoding="utf-8")
        return folder

    def _prepare(self) -> None:
        command, setup = bound_to_this_process([sys.executable, "-m", "reviewapp.supervisor.prepare"])
        # A session of its own: Ctrl-C ends it through us, without a traceback.
        preparing = subprocess.Popen(command, env=self._env(), preexec_fn=setup, start_new_session=True)
        while preparing.poll() is None:
            if self._is_stopping:
                preparing.terminate()
            time.sleep(0.05)
        if preparing.returncode:
            raise CannotStart("preparing the database failed; the reason stands above.")

    def _start_rest(self) -> None:
        manage = [sys.executable, "manage.py"]
        self._add("sweeper", [*manage, "sweep"])
        # One thread everywhere: a second one in each library cost 25-45 % more CPU and lost throughput.
        single = dict.fromkeys(
            ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VIPS_CONCURRENCY", "NUMBA_NUM_THREADS"), "1"
        )
        for number in range(1, self.workers + 1):
            self._add(f"worker-{number}", [*manage, "worker", "--name", f"worker-{number}"], grace_s=30.0, **single)
        # Uploads wait here and not in /tmp, which may be memory: this disk's room was asked for before they came.
        uploads = self.data / "files" / "tmp"
        uploads.mkdir(parents=True, exist_ok=True)
        self._add(
            "web",
            [
                sys.executable, "-m", "gunicorn", "reviewapp.config.wsgi:application",
                "--bind", f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}",
                "--config", "python:reviewapp.supervisor.web",
            ],
            TMPDIR=str(uploads),
        )  # fmt: skip

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not self._is_stopping:
            self._watch()
            try:
                with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as answer:
                    if answer.status == 200:
                        break
            except (urllib.error.URLError, OSError):
                pass  # not up yet; the deadline below ends the wait
            if time.monotonic() > deadline:
                raise CannotStart(f"the web server did not answer: see {self.data / 'logs' / 'web.log'}")
            time.sleep(0.05)
        if self._is_stopping:
            return
        say(f"Softproof is ready: {self.url}")
        if self.is_demo:
            demo = self._add("demo-batch", [sys.executable, "manage.py", "seed_demo", "--batch"])
            demo.is_once = True

    def _watch(self) -> None:
        for child in self.children:
            message = child.watch()
            if message and not self._is_stopping:
                say(message)


def say(message: str) -> None:
    """Tell the person at the terminal."""
    print(message, flush=True)
