"""`python -m reviewapp.supervisor`: what `make run` ends in."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from processing.confinement import Limits, confine
from reviewapp.config import env

from .stack import Stack


def main() -> int:
    """Read the environment and run the stack."""
    # Whatever the children write (database, queue, logs) is for this account only, in a data folder made by hand too.
    os.umask(0o077)
    confine(Limits())  # no core dumps, of whatever is started: they would hold clients' photos and secrets
    root = Path(__file__).resolve().parent.parent.parent
    try:
        data = env.read_path("SOFTPROOF_DATA") or root / "var"
        env.read_database(data)  # only to complain early
        env.read_storage()
        stack = Stack(
            data=data,
            host=env.read_str("HOST", "127.0.0.1"),
            port=env.read_int("PORT", 8000, low=1, high=65535),
            workers=env.read_int("WORKERS", 2, low=1, high=64),
            redis_url=env.read_redis(),
            is_queueless=env.read_str("REDIS_URL").lower() == env.NO_REDIS,
            is_demo=env.read_bool("DEMO", False),
        )
    except ImproperlyConfigured as error:
        print(f"Softproof can't start: {error}", file=sys.stderr)
        return 2
    return stack.run()


if __name__ == "__main__":
    sys.exit(main())
