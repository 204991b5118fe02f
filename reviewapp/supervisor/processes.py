"""One supervised process: start it, start it again when it ends, stop it in good order."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1
FIRST_WAIT_S = 0.2
MAX_WAIT_S = 10.0
STEADY_S = 20.0
LOG_LIMIT_BYTES = 20 * 1024 * 1024


def die_with_parent(parent: int) -> None:
    """Runs in the child before exec: the kernel kills it when the supervisor dies, however that happens."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # the supervisor died in between
        os._exit(1)


def bound_to_this_process(command: list[str]) -> tuple[list[str], Callable[[], None] | None]:
    """Return the command and `preexec_fn` that make a child end when this process does, even by kill -9."""
    parent = os.getpid()
    if sys.platform == "linux":
        return command, lambda: die_with_parent(parent)
    return [sys.executable, "-m", "reviewapp.supervisor.guard", *command], None


@dataclass
class Child:
    """A named command. `grace_s` is how long it may take to stop before it is killed, which is safe by design."""

    name: str
    command: list[str]
    env: dict[str, str]
    log: Path
    grace_s: float = 10.0
    is_once: bool = False
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0
    _wait_s: float = FIRST_WAIT_S
    _started: float = 0.0
    _due: float = 0.0
    _asked: float = 0.0
    _is_over: bool = field(default=False)

    def start(self) -> None:
        """Start the process in its own session, so that Ctrl-C reaches the supervisor alone."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        command, setup = bound_to_this_process(self.command)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                env={**self.env, "SOFTPROOF_SUPERVISOR_PID": str(os.getpid())},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=setup,
            )
        self._started = time.monotonic()

    def is_running(self) -> bool:
        """Say whether the process is alive."""
        return self.process is not None and self.process.poll() is None

    def watch(self) -> str | None:
        """Start the process again when it ended, after a longer wait when it ends soon. Returns what to tell people."""
        self.trim_log()
        if self._is_over or self.is_running() or self.process is None:
            return None
        now = time.monotonic()
        if not self._due:
            code = self.process.returncode
            # What was killed in the middle begins again, what ended by itself doesn't.
            if self.is_once and code >= 0:
                self._is_over = True
                return None if code == 0 else f"{self.name} failed ({code}): see {self.log}"
            self._wait_s = FIRST_WAIT_S if now - self._started > STEADY_S else min(self._wait_s * 2, MAX_WAIT_S)
            self._due = now + self._wait_s
            return f"{self.name} ended ({code}), starting it again. Log: {self.log}"
        if now >= self._due:
            self._due = 0.0
            self.restarts += 1
            self.start()
        return None

    def trim_log(self) -> None:
        """Keep a full log as `.log.1` and go on with an empty one; the process appends, so it needn't know."""
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT_BYTES:
            shutil.copyfile(self.log, self.log.with_suffix(".log.1"))
            os.truncate(self.log, 0)

    def ask_to_stop(self) -> None:
        """Send SIGTERM once; `grace_s` runs from now."""
        self._is_over = True
        if self._asked or self.process is None or self.process.poll() is not None:
            return
        self._asked = time.monotonic()
        self.process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """Ask it to stop, wait until `grace_s` is over, then kill it. Safe to call twice."""
        self.ask_to_stop()
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, self._asked + self.grace_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
