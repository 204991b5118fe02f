"""`make test`: the whole suite on SQLite, then everything that touches rows again on PostgreSQL, in one command."""

from __future__ import annotations

import os
import subprocess
import sys

from tests import servers

ON_BOTH = ["tests/integration", "tests/web"]
NOT_THERE = "not stack and not browser and not sqlite_only"


def pytest_run(arguments: list[str], **env: str) -> int:
    """Run pytest in a process of its own, because settings are read once."""
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    print("$ pytest", *arguments, flush=True)
    return subprocess.run(command, env={**os.environ, **env}, check=False).returncode


def main() -> int:
    """Run both passes; say plainly what this machine can't do. 0 only when all that ran passed."""
    extra = sys.argv[1:]
    if servers.chromium() is None:
        print("Browser tests are skipped: no Chromium was found (set CHROMIUM to one).", flush=True)
    if extra:
        return pytest_run(extra)
    failed = pytest_run(["tests"])
    try:
        with servers.running_postgres() as url:
            print("\nThe same on PostgreSQL:", flush=True)
            both = pytest_run(
                [*ON_BOTH, "-m", "not stack and not browser and not sqlite_only"], SOFTPROOF_TEST_DATABASE=url
            )
    except servers.Missing as reason:
        print(f"PostgreSQL tests are skipped: {reason}.", flush=True)
        both = 1 if servers.REQUIRE_ALL else 0
    return 1 if failed or both else 0


if __name__ == "__main__":
    sys.exit(main())
