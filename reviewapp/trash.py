"""What lies in storage, and the trash: a file nobody names is moved aside for 30 days before it is deleted.

A file goes only when it is older than a day, looked at while its key is held alone: an upload that found the same bytes
has made them new under the same lock (storage._publish), and its row comes within that day. Whoever asks for it again
publishes it again; what was in the trash by mistake is put back by `restore`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage

from reviewapp import keylocks, storage

FOLDER = "trash"
ORPHAN_AGE_S = 24 * 3600
KEEP_S = 30 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Held:
    """One stored file: its key, its size in bytes and when it was last made or found again (seconds since 1970)."""

    key: str
    byte_size: int
    changed_at: float


def listed() -> Iterator[Held]:
    """Yield everything under the known prefixes, sorted by key as bytes sort. Constant memory: a folder at a time."""
    for prefix in sorted(storage.PREFIXES):
        yield from _listed(prefix)


def trashed() -> Iterator[Held]:
    """Yield what lies in the trash, under the keys it had; `changed_at` is when it came there."""
    for prefix in sorted(storage.PREFIXES):
        for held in _listed(f"{FOLDER}/{prefix}"):
            yield Held(held.key.removeprefix(f"{FOLDER}/"), held.byte_size, held.changed_at)


def trash(key: str, *, older_than_s: float = ORPHAN_AGE_S) -> bool:
    """Move a file into the trash; False when it is gone, too young, or being published right now."""
    with keylocks.alone(key, across_machines=not storage.on_disk()) as is_ours:
        if not is_ours:
            return False
        changed_at = _changed_at(key)
        if changed_at is None or changed_at > time.time() - older_than_s:
            return False
        _move(key, f"{FOLDER}/{key}")
    return True


def restore(key: str) -> bool:
    """Put a file back from the trash, unless one is in its place already. False when the trash doesn't have it."""
    with keylocks.sharing(key, across_machines=not storage.on_disk()):
        if _changed_at(f"{FOLDER}/{key}") is None:
            return False
        if _changed_at(key) is None:
            _move(f"{FOLDER}/{key}", key)
        else:
            _delete(f"{FOLDER}/{key}")
    return True


def discard(key: str) -> None:
    """Delete a file from the trash for good; one that isn't there is fine."""
    _delete(f"{FOLDER}/{key}")


def is_trashed(key: str) -> bool:
    """Say whether the trash has the file."""
    return _changed_at(f"{FOLDER}/{key}") is not None


def trash_local(path: Path) -> None:
    """Move something half written from this machine's own folders into its trash."""
    folder = _local()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        os.utime(path)
        path.replace(folder / path.name)
    except FileNotFoundError:  # somebody else cleared it away
        return


def empty(older_than_s: float = KEEP_S) -> tuple[int, int]:
    """Delete what has lain in the trash for so long. Returns how many files and bytes."""
    limit, files, size = time.time() - older_than_s, 0, 0
    for held in trashed():
        if held.changed_at < limit:
            discard(held.key)
            files, size = files + 1, size + held.byte_size
    for path in list(_local().iterdir()) if _local().is_dir() else ():
        facts = path.stat()
        if facts.st_mtime < limit:
            path.unlink(missing_ok=True)
            files, size = files + 1, size + facts.st_size
    return files, size


def _local() -> Path:
    return Path(settings.DATA_DIR) / "files" / FOLDER / storage.TEMP_FOLDER


def _listed(folder: str) -> Iterator[Held]:
    if storage.on_disk():
        yield from _walk(storage.root(), storage.root() / folder)
        return
    with storage.reaching(folder):
        bucket, start = _bucket()
        for found in bucket.objects.filter(Prefix=f"{start}{folder}/"):
            yield Held(found.key.removeprefix(start), found.size, found.last_modified.timestamp())


def _walk(root: Path, folder: Path) -> Iterator[Held]:
    try:
        entries = sorted(os.scandir(folder), key=lambda it: it.name + "/" * it.is_dir(follow_symlinks=False))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(root, Path(entry.path))
            continue
        try:
            facts = entry.stat(follow_symlinks=False)
        except FileNotFoundError:  # gone meanwhile
            continue
        yield Held(str(Path(entry.path).relative_to(root)), facts.st_size, facts.st_mtime)


def _changed_at(name: str) -> float | None:
    if storage.on_disk():
        try:
            return Path(default_storage.path(name)).stat().st_mtime
        except FileNotFoundError:
            return None
    try:
        with storage.reaching(name):
            bucket, start = _bucket()
            return float(bucket.Object(f"{start}{name}").last_modified.timestamp())
    except FileNotFoundError:
        return None


def _move(source: str, target: str) -> None:
    """Move, and count as new from now on: the trash keeps from today, and what comes back isn't an orphan at once."""
    if storage.on_disk():
        old, new = Path(default_storage.path(source)), Path(default_storage.path(target))
        new.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.utime(old)
        old.replace(new)
        return
    with storage.reaching(source):
        bucket, start = _bucket()
        bucket.Object(f"{start}{target}").copy({"Bucket": bucket.name, "Key": f"{start}{source}"})
        bucket.Object(f"{start}{source}").delete()


def _delete(name: str) -> None:
    if storage.on_disk():
        Path(default_storage.path(name)).unlink(missing_ok=True)
        return
    with storage.reaching(name):
        bucket, start = _bucket()
        bucket.Object(f"{start}{name}").delete()


def _bucket() -> tuple[Any, str]:
    """The bucket, and what every name in it begins with."""
    place: Any = default_storage
    start = place.location.strip("/")
    return place.bucket, f"{start}/" if start else ""
