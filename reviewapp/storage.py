"""Content-addressed files over Django storages: a key is where the bytes of one SHA-256 live, written once.

Prefixes: `o` originals, `d` derivatives, `r` renditions, `e` editors' uploads. On disk a file is written elsewhere,
fsynced and published only if absent; on S3 it is sent once its hash is known. Readers never see half a file.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage, default_storage
from django.utils.translation import gettext as _

from reviewapp import buckets, keylocks
from reviewapp.buckets import StorageAway, StorageFull, StorageRefused

__all__ = ["StorageAway", "StorageFull", "StorageRefused"]

PREFIXES = frozenset({"o", "d", "r", "e"})
CHUNK = 1024 * 1024
MIN_FREE_BYTES = 2 * 1024**3
MIN_FREE_SHARE = 0.05
TEMP_FOLDER = "tmp"
TEMP_MAX_AGE_S = 3600


class TooLarge(ValueError):
    """A stream went past its cap; nothing was kept. `limit` is in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(_("The file is larger than %(most)d MB.") % {"most": limit // 1024**2})
        self.limit = limit


class FileDamaged(OSError):
    """The stored bytes no longer have the SHA-256 their key promises."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key} no longer holds the bytes it was made from.")
        self.key = key


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Where the bytes are, their SHA-256 (hex) and how many there are."""

    key: str
    sha256: str
    byte_size: int


def key_for(prefix: str, sha256: str) -> str:
    """Return the key of a content hash: `o/ab/abcdef…`. Raises ValueError for an unknown prefix."""
    if prefix not in PREFIXES:
        raise ValueError(f"{prefix!r} is not one of {sorted(PREFIXES)}.")
    return f"{prefix}/{sha256[:2]}/{sha256}"


def put_stream(chunks: Iterable[bytes], *, prefix: str, max_bytes: int) -> StoredFile:
    """Store a stream of bytes in constant memory and return where it is.

    Raises TooLarge past `max_bytes` and StorageFull when there's no room; nothing is left behind then.
    """
    folder = _temp_folder()
    digest, size = hashlib.sha256(), 0
    handle, name = tempfile.mkstemp(prefix="put-", dir=folder)
    path = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            for chunk in chunks:
                size += len(chunk)
                if size > max_bytes:
                    raise TooLarge(max_bytes)
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        sha256 = digest.hexdigest()
        key = key_for(prefix, sha256)
        _publish(path, key)
        return StoredFile(key, sha256, size)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT) and not isinstance(error, StorageFull):
            raise StorageFull from error
        raise
    finally:
        path.unlink(missing_ok=True)


def put_bytes(data: bytes, *, prefix: str) -> StoredFile:
    """Store `data`; the same bytes always get the same key. Raises StorageFull."""
    return put_stream([data], prefix=prefix, max_bytes=len(data))


def open_read(key: str) -> BinaryIO:
    """Open a stored file for reading. Raises FileNotFoundError."""
    with reaching(key):
        opened = default_storage.open(key, "rb")
        if not on_disk():
            opened.open()  # fetched here and now, so that no reader meets the bucket's errors
        return cast(BinaryIO, opened)


def read_bytes(key: str) -> bytes:
    """Return a stored file's bytes. Raises FileNotFoundError."""
    with open_read(key) as file:
        return file.read()


@contextmanager
def local_path(key: str) -> Iterator[Path]:
    """Give a path that libraries can open; on S3 a temporary copy for the block. Raises FileNotFoundError."""
    if on_disk():
        path = Path(default_storage.path(key))
        if not path.exists():
            raise FileNotFoundError(key)
        yield path
        return
    handle, name = tempfile.mkstemp(prefix="get-", dir=_temp_folder())
    path = Path(name)
    try:
        with os.fdopen(handle, "wb") as target, open_read(key) as source:
            shutil.copyfileobj(source, target, CHUNK)
        yield path
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def temp_path() -> Iterator[Path]:
    """Give an empty file that another process may write to, for the block."""
    handle, name = tempfile.mkstemp(prefix="put-", dir=_temp_folder())
    os.close(handle)
    path = Path(name)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def verified_path(key: str) -> Iterator[Path]:
    """Give a path like `local_path`, of a file that still has the SHA-256 its key names (ING-14).

    The bytes are hashed on their way through memory: the decoder finds them in the page cache, so the disk or the
    network is read once. Raises FileNotFoundError, FileDamaged.
    """
    with local_path(key) as path:
        if _digest(path) != sha_of(key):
            raise FileDamaged(key)
        yield path


def on_disk() -> bool:
    """Say whether files lie in a folder of this machine; else they lie on S3."""
    return isinstance(default_storage, FileSystemStorage) or hasattr(default_storage, "base_location")


def reaching(key: str) -> AbstractContextManager[None]:
    """Around every call of S3: raises FileNotFoundError, StorageFull, StorageAway, StorageRefused (buckets.py)."""
    return nullcontext() if on_disk() else buckets.reaching(key)


def root() -> Path:
    """Return the folder that holds all files; only where they lie on disk."""
    return Path(default_storage.path(""))


def sha_of(key: str) -> str:
    """Return the SHA-256 that a key promises."""
    return key.rsplit("/", 1)[-1]


def exists(key: str) -> bool:
    """Say whether the key holds a file."""
    with reaching(key):
        return default_storage.exists(key)


def size(key: str) -> int:
    """Return a stored file's size in bytes. Raises FileNotFoundError."""
    with reaching(key):
        return int(default_storage.size(key))


def chunks_of(file: IO[bytes]) -> Iterator[bytes]:
    """Yield an open file in pieces of 1 MiB."""
    while chunk := file.read(CHUNK):
        yield chunk


def verify(key: str, sha256: str) -> bool:
    """Read the whole file and say whether its SHA-256 is the one given (ING-14). A missing file is not verified."""
    digest = hashlib.sha256()
    try:
        with open_read(key) as file:
            for chunk in chunks_of(file):
                digest.update(chunk)
    except FileNotFoundError:
        return False
    return digest.hexdigest() == sha256


def has_room(wanted_bytes: int = 0) -> bool:
    """Say whether uploads may go on: more than 2 GB (or 5 % of a smaller disk) stays free after `wanted_bytes`."""
    usage = shutil.disk_usage(_temp_folder())
    floor = min(MIN_FREE_BYTES, int(usage.total * MIN_FREE_SHARE))
    return usage.free - wanted_bytes > floor


def remove_stale_temp_files(older_than_s: float = TEMP_MAX_AGE_S) -> int:
    """Delete temporary files a killed process left behind. Returns how many."""
    removed, limit = 0, time.time() - older_than_s
    for path in _temp_folder().iterdir():
        try:
            if path.is_file() and path.stat().st_mtime < limit:
                path.unlink()
                removed += 1
        except FileNotFoundError:  # another sweep was faster
            continue
    return removed


def _temp_folder() -> Path:
    folder = Path(settings.DATA_DIR) / "files" / TEMP_FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _publish(path: Path, key: str) -> None:
    """Put the finished file in its place. Where the same bytes are already, they count as new from now on.

    The clean-up takes nothing younger than a day, and holds the key alone while it looks and moves (trash.py): a file
    that was found here stays until its row is there. A file that is damaged is replaced: sending a photo again heals.
    """
    if on_disk():
        _publish_on_disk(path, key)
        return
    if not exists(key):
        _send(path, key)
        return
    with keylocks.sharing(key, across_machines=True):
        _send(path, key)  # the same bytes over themselves: S3 has no other way to make them new, and they heal


def _send(path: Path, key: str) -> None:
    with path.open("rb") as source, reaching(key):
        default_storage.save(key, File(source, name=key))


def _publish_on_disk(path: Path, key: str) -> None:
    target = Path(default_storage.path(key))
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with keylocks.sharing(key, across_machines=False):
        try:
            os.link(path, target)  # fails if it exists: a file is never written twice
        except FileExistsError:
            if _digest(target) == sha_of(key):
                os.utime(target)
                return
            path.replace(target)
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EXDEV, errno.EMLINK):
                raise
            path.replace(target)  # a file system without hard links
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
