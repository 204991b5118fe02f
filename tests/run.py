"""`make test`: the whole suite on SQLite and, at the same time, everything that touches rows on PostgreSQL.

Side by side, because each pass is one process and every machine has two cores; the output comes one after the other.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from tests import servers

ON_BOTH = ["tests/integration", "tests/web", "-m", "not stack and not browser and not sqlite_only"]


def start(arguments: list[str], output: IO[bytes] | None = None, **env: str) -> subprocess.Popen[bytes]:
    """Start pytest in a process of its own, because settings are read once."""
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    return subprocess.Popen(command, env={**os.environ, **env}, stdout=output, stderr=output)


def whole_suite(arguments: list[str]) -> int:
    """Run pytest on SQLite in sight; return its exit status."""
    print("$ pytest", *arguments, flush=True)
    return start(arguments).wait()


@contextmanager
def second_pass(url: str) -> Iterator[None]:
    """Run the row tests on PostgreSQL meanwhile; show what they said at the end. Raises SystemExit when one failed."""
    with tempfile.TemporaryFile() as output:
        running = start(ON_BOTH, output, SOFTPROOF_TEST_DATABASE=url)
        try:
            yield
            status = running.wait()
        finally:
            running.kill()
            running.wait()
        print("\nThe same on PostgreSQL:\n$ pytest", *ON_BOTH, flush=True)
        output.seek(0)
        sys.stdout.buffer.write(output.read())
        sys.stdout.flush()
    if status:
        raise SystemExit(1)


def main() -> int:
    """Run both passes; say plainly what this machine can't do. 0 only when all that ran passed."""
    extra = sys.argv[1:]
    if servers.chromium() is None:
        print("Browser tests are skipped: no Chromium was found (set CHROMIUM to one).", flush=True)
    if extra:
        return whole_suite(extra)
    try:
        with servers.running_postgres() as url, second_pass(url):
            failed = whole_suite(["tests"])
    except servers.Missing as reason:
        print(f"PostgreSQL tests are skipped: {reason}.", flush=True)
        failed = whole_suite(["tests"]) or (1 if servers.REQUIRE_ALL else 0)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
