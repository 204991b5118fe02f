"""`make test`: the whole suite on SQLite, and at the same time everything that touches rows on PostgreSQL too.

Two processes share the files of the first pass (pytest-xdist), because every machine has two cores and pytest uses one.
Its browser and stack tests wait for half of their time, which is when the one process of the second pass works.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import servers

BYTECODE = Path(__file__).resolve().parent.parent / ".pytest_cache" / "bytecode"
SLOWEST = "--durations=25"
SHARED = ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder", SLOWEST]
ON_BOTH = ["tests/integration", "tests/web", "-m", "not stack and not browser and not sqlite_only", SLOWEST]


def environment() -> dict[str, str]:
    """What pytest and all it starts get. Where Python may not write bytecode beside the source, each of the hundred
    processes of a run would compile Django and all the rest anew, which takes longer than what it is started for."""
    given = dict(os.environ)
    if given.pop("PYTHONDONTWRITEBYTECODE", ""):
        given.setdefault("PYTHONPYCACHEPREFIX", str(BYTECODE))
    return given


def run(*arguments: str) -> bool:
    """Run one pytest process; did all pass?"""
    print(f"$ pytest {' '.join(arguments)}", flush=True)
    return (
        subprocess.run([sys.executable, "-m", "pytest", "-q", *arguments], env=environment(), check=False).returncode
        == 0
    )


@contextmanager
def meanwhile(url: str) -> Iterator[list[bool]]:
    """Run the second pass while the body runs, then print what it said. Afterwards the list says whether it passed."""
    passed: list[bool] = []
    command = [sys.executable, "-m", "pytest", "-q", *ON_BOTH]
    env = {**environment(), "SOFTPROOF_TEST_DATABASE": url}
    with tempfile.TemporaryFile() as said:
        second = subprocess.Popen(command, env=env, stdout=said, stderr=subprocess.STDOUT)
        try:
            yield passed
            passed.append(second.wait() == 0)
        finally:
            if second.poll() is None:
                second.terminate()
                second.wait()
            said.seek(0)
            print(f"$ SOFTPROOF_TEST_DATABASE=postgres pytest {' '.join(ON_BOTH)}", flush=True)
            print(said.read().decode(errors="replace"), flush=True)


def main() -> int:
    """Run both passes; say plainly what this machine can't do. 0 only when all that ran passed."""
    extra = sys.argv[1:]
    if servers.chromium() is None:
        print("Browser tests are skipped: no Chromium was found (set CHROMIUM to one).", flush=True)
    if extra:
        return 0 if run(*extra) else 1
    try:
        with servers.running_postgres() as url, meanwhile(url) as second:
            first = run("tests", *SHARED)
        return 0 if first and all(second) else 1
    except servers.Missing as reason:
        first = run("tests", *SHARED)
        print(f"PostgreSQL tests are skipped: {reason}.", flush=True)
        return 0 if first and not servers.REQUIRE_ALL else 1


if __name__ == "__main__":
    sys.exit(main())
