"""Who publishes a file and who clears one away wait for each other: locks on single keys.

On this machine they are locked files, which a killed process lets go of by itself. Where files lie on S3 several
machines may share them, so PostgreSQL, which they share too, holds a second lock until the transaction ends.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

FOLDER = "locks"


@contextmanager
def sharing(key: str, *, across_machines: bool) -> Iterator[None]:
    """Hold `key` with other publishers for the block; whoever clears away waits or leaves it."""
    with ExitStack() as held:
        held.callback(os.close, _locked(key, fcntl.LOCK_SH))
        if _by_database(across_machines):
            held.enter_context(transaction.atomic())
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_number(key)])
        yield


@contextmanager
def alone(key: str, *, across_machines: bool) -> Iterator[bool]:
    """Hold `key` alone for the block; False, and nothing held, when somebody publishes it right now."""
    with ExitStack() as held:
        try:
            held.callback(os.close, _locked(key, fcntl.LOCK_EX | fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        if _by_database(across_machines):
            held.enter_context(transaction.atomic())
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_number(key)])
                if not cursor.fetchone()[0]:
                    yield False
                    return
        yield True


def _by_database(across_machines: bool) -> bool:
    return across_machines and connection.vendor == "postgresql"


def _locked(key: str, how: int) -> int:
    """Open and lock one of 256 files: keys share them by the first two digits of their hash."""
    folder = Path(settings.DATA_DIR) / "files" / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(folder / f"{_number(key) >> 52:02x}", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, how)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _number(key: str) -> int:
    """60 bits of the key's hash; of a key without one, of its bytes."""
    digits = key.rsplit("/", 1)[-1][:15]
    try:
        return int(digits.ljust(15, "0"), 16)
    except ValueError:
        return int.from_bytes(key.encode()[-7:]) << 4
