"""`make test`: the whole suite on SQLite, then everything that touches rows on PostgreSQL too.

Two processes share the files of each pass (pytest-xdist), because every machine has two cores and pytest uses one. They
take them in the order of their names, so that the browser's long files come first and the short ones fill the end.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tests import servers

SHARED = ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder", "--durations=25"]
ON_BOTH = ["tests/integration", "tests/web", "-m", "not stack and not browser and not sqlite_only"]


def run(*arguments: str, **env: str) -> bool:
    """Run one pytest process with `env` added to its environment, because settings are read once; did all pass?"""
    words = [f"{name}={'postgres' if 'postgres' in value else value}" for name, value in env.items()]
    print(" ".join(["$", *words, "pytest", *arguments]), flush=True)
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    return subprocess.run(command, env={**os.environ, **env}, check=False).returncode == 0


def main() -> int:
    """Run both passes; say plainly what this machine can't do. 0 only when all that ran passed."""
    extra = sys.argv[1:]
    if servers.chromium() is None:
        print("Browser tests are skipped: no Chromium was found (set CHROMIUM to one).", flush=True)
    if extra:
        return 0 if run(*extra) else 1
    passed = run("tests", *SHARED)
    try:
        with servers.running_postgres() as url:
            passed &= run(*ON_BOTH, *SHARED, SOFTPROOF_TEST_DATABASE=url)
    except servers.Missing as reason:
        print(f"PostgreSQL tests are skipped: {reason}.", flush=True)
        passed &= not servers.REQUIRE_ALL
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
