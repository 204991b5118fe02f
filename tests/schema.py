"""An empty SQLite database as the migrations make it: made once, then copied.

Three dozen migrations take ten seconds of work, and a run of the tests needs a dozen new databases. They are made again
when anything changed that they could be made of. Made step by step they are on PostgreSQL, and by the stack of
integration/test_supervisor.py.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / ".pytest_cache" / "schema"
DAY_S = 86_400
MADE_OF = ("reviewapp/**/*.py", "processing/**/*.py", "processing/**/*.toml")
"""Migrations read seeds and the shipped channels."""


def _digest() -> str:
    """Names what the database is made of."""
    found = hashlib.sha256("\n".join(sorted(f"{one.name} {one.version}" for one in metadata.distributions())).encode())
    for path in sorted(path for pattern in MADE_OF for path in ROOT.glob(pattern)):
        found.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return found.hexdigest()[:32]


def migrated() -> Path:
    """The file to copy. Whoever comes first makes it; the others wait."""
    kept = KEPT / f"{_digest()}.sqlite3"
    if kept.exists():
        return kept
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            for old in KEPT.glob("*.sqlite3"):
                if old.stat().st_mtime < time.time() - DAY_S:  # nobody copies it now
                    old.unlink()
            _make(kept)
    return kept


def _make(target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="softproof-schema-") as name:
        env = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"} | {"SOFTPROOF_DATA": name}
        subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, env=env, check=True)
        whole = Path(name) / "whole.sqlite3"
        with closing(sqlite3.connect(Path(name) / "softproof.sqlite3")) as made:
            made.execute("VACUUM INTO ?", (str(whole),))
        shutil.copyfile(whole, target.with_suffix(".part"))
        target.with_suffix(".part").replace(target)


def instead_of_migrations() -> None:
    """From now on Django's test database begins as such a copy, on which `migrate` finds nothing left to do."""
    from django.db.backends.sqlite3.creation import DatabaseCreation

    make_empty = DatabaseCreation._create_test_db

    def make(self: Any, *args: Any, **kwargs: Any) -> str:
        name = str(make_empty(self, *args, **kwargs))
        shutil.copyfile(migrated(), name)
        return name

    DatabaseCreation._create_test_db = make
