"""Files that arrive in pieces: one file per upload beside the stored ones, appended to, never read before it is whole.

Parts lie on the web server's own disk, also where finished files go to S3.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from django.conf import settings
from django.utils.translation import gettext as _

from reviewapp.storage import StorageFull

MAX_AGE_S = 3 * 24 * 3600
"""An upload nobody went on with for so long is given up."""
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,43}")


class Busy(RuntimeError):
    """Another request is appending to this upload right now."""


class WrongOffset(ValueError):
    """The piece doesn't begin where the file ends. `actual` is where it must begin, in bytes."""

    def __init__(self, actual: int) -> None:
        super().__init__(_("The next piece begins at byte %(at)s.") % {"at": f"{actual:,}"})
        self.actual = actual


def create(token: str) -> None:
    """Make an empty part. Raises StorageFull."""
    with _full_disk_is_said():
        _path(token).touch(mode=0o600)


def size(token: str) -> int:
    """Return how many bytes are here. Raises FileNotFoundError."""
    return _path(token).stat().st_size


def append(token: str, offset: int, chunks: Iterable[bytes]) -> int:
    """Append `chunks` at byte `offset` and return how many bytes are here then.

    What arrived before an error of `chunks` stays and is confirmed, so that it needn't be sent twice; the error goes
    on. Raises WrongOffset, Busy, StorageFull, FileNotFoundError.
    """
    with _full_disk_is_said(), _path(token).open("r+b") as file, _alone(file):
        end = file.seek(0, os.SEEK_END)
        if end != offset:
            raise WrongOffset(end)
        try:
            for chunk in chunks:
                file.write(chunk)
        finally:
            file.flush()
            os.fsync(file.fileno())
        return file.tell()


@contextmanager
def held(token: str) -> Iterator[None]:
    """Hold a part alone for the block. Raises Busy; FileNotFoundError when it is gone."""
    with _path(token).open("rb") as file, _alone(file):
        yield


def open_read(token: str) -> BinaryIO:
    """Open a part for reading. Raises FileNotFoundError."""
    return _path(token).open("rb")


def remove(token: str) -> None:
    """Delete a part; one that is gone already is fine."""
    _path(token).unlink(missing_ok=True)


def stale(older_than_s: float = MAX_AGE_S) -> Iterator[str]:
    """Yield the tokens of parts nobody has touched for so long."""
    limit = time.time() - older_than_s
    for path in _folder().iterdir():
        try:
            if path.stat().st_mtime < limit:
                yield path.name
        except FileNotFoundError:  # another sweep was faster
            continue


def _folder() -> Path:
    folder = Path(settings.DATA_DIR) / "files" / "parts"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _path(token: str) -> Path:
    if not _TOKEN.fullmatch(token):
        raise FileNotFoundError(token)
    return _folder() / token


@contextmanager
def _alone(file: IO[bytes]) -> Iterator[None]:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Busy(_("This file is being sent by another request. Try again in a moment.")) from error
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


@contextmanager
def _full_disk_is_said() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull from error
        raise
