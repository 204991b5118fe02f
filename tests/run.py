"""`make test`: the whole suite on SQLite, and everything that touches rows on PostgreSQL too.

Two lanes side by side, because every machine has two cores and pytest uses one: the application with its browser and
its stack in sight, the imaging library and PostgreSQL behind it; what the second lane said comes at the end.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from typing import IO

from tests import servers

IMAGING = ["tests/processing"]
APPLICATION = ["tests", "--ignore=tests/processing"]
ON_BOTH = ["tests/integration", "tests/web", "-m", "not stack and not browser and not sqlite_only"]


@dataclass(frozen=True)
class Pass:
    """One pytest process, because settings are read once: its `arguments` and what is added to the environment."""

    arguments: list[str]
    env: dict[str, str] = field(default_factory=dict)

    def start(self, output: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
        """Start it; `output` None is the terminal."""
        command = [sys.executable, "-m", "pytest", "-q", *self.arguments]
        return subprocess.Popen(command, env={**os.environ, **self.env}, stdout=output, stderr=output)

    @property
    def title(self) -> str:
        """The line above its output."""
        words = [f"{name}={'postgres' if 'postgres' in value else value}" for name, value in self.env.items()]
        return " ".join(["$", *words, "pytest", *self.arguments])


class Lane(threading.Thread):
    """Passes one after the other beside what is in sight; `finish` shows what they said."""

    def __init__(self, passes: list[Pass], output: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self._passes = passes
        self._output = output
        self._is_stopped = False
        self._running: subprocess.Popen[bytes] | None = None
        self._statuses: list[int] = []

    def run(self) -> None:
        """Work through the passes, also when one of them fails."""
        for one in self._passes:
            if self._is_stopped:
                return
            self._output.write(f"\n{one.title}\n".encode())
            self._output.flush()
            self._running = one.start(self._output)
            self._statuses.append(self._running.wait())

    def finish(self) -> bool:
        """Wait, print, and tell whether every pass came through."""
        self.join()
        self._output.seek(0)
        sys.stdout.buffer.write(self._output.read())
        sys.stdout.flush()
        return self._statuses == [0] * len(self._passes)

    def stop(self) -> None:
        """End what runs and start nothing more."""
        self._is_stopped = True
        if self._running is not None:
            self._running.kill()
            self._running.wait()
        self.join()


def seen(one: Pass) -> bool:
    """Run one pass in sight; tell whether it came through."""
    print(one.title, flush=True)
    return one.start().wait() == 0


def both_lanes(hidden: list[Pass]) -> bool:
    """Run the application's tests in sight and `hidden` beside them; tell whether all came through."""
    with tempfile.TemporaryFile() as output:
        lane = Lane(hidden, output)
        lane.start()
        try:
            passed = seen(Pass(APPLICATION))
            return lane.finish() and passed
        finally:
            lane.stop()


def main() -> int:
    """Run both passes; say plainly what this machine can't do. 0 only when all that ran passed."""
    extra = sys.argv[1:]
    if servers.chromium() is None:
        print("Browser tests are skipped: no Chromium was found (set CHROMIUM to one).", flush=True)
    if extra:
        return 0 if seen(Pass(extra)) else 1
    try:
        with servers.running_postgres() as url:
            passed = both_lanes([Pass(IMAGING), Pass(ON_BOTH, {"SOFTPROOF_TEST_DATABASE": url})])
    except servers.Missing as reason:
        print(f"PostgreSQL tests are skipped: {reason}.", flush=True)
        passed = both_lanes([Pass(IMAGING)]) and not servers.REQUIRE_ALL
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
