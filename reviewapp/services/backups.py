"""Backup: one snapshot of the database and every file it names, into a folder that holds several, without a stop.

The order makes it consistent: first the snapshot, then the files that this very snapshot names. Files come before rows
and are never rewritten, so each is there when the snapshot is taken; what retention or the clean-up takes away while
files are copied lies in the trash for 30 days and is copied from there. A file is copied once, however many snapshots
name it.
"""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from reviewapp import storage, trash
from reviewapp.selectors import files

from .rendering import BRAND_FOLDER

FORMAT = 1
MANIFEST, SUMS, LOCK = "manifest.json", "SHA256SUMS", ".lock"


class BackupFailed(RuntimeError):
    """No backup was made; the message says what to do."""


@dataclass(slots=True)
class Backup:
    """What one run did. `lost` are files the database names that are missing or damaged: they are not in the backup."""

    snapshot: Path
    files: int = 0
    copied: int = 0
    byte_size: int = 0
    lost: list[str] = field(default_factory=list)


def backup(folder: Path, *, is_linked: bool = False) -> Backup:
    """Make a snapshot in `folder`, copying only what an earlier run has not. Raises BackupFailed, also while another
    run is at it in the same folder; OSError.

    `is_linked` links files instead of copying, where both lie on one disk: quick, but one damaged block damages both.
    A run that was killed leaves files that the next one finds, and a snapshot without a manifest, which counts as none.
    """
    with _alone(folder, waits=False):
        return _made(folder, is_linked=is_linked)


def _made(folder: Path, *, is_linked: bool) -> Backup:
    stamp = timezone.now().strftime("%Y%m%dT%H%M%S%f")[:-3] + "Z"
    made = Backup(folder / "snapshots" / stamp)
    made.snapshot.mkdir(parents=True, mode=0o700)
    sums = made.snapshot / SUMS
    with _snapshot(made.snapshot) as database, sums.open("w", encoding="utf-8") as lines:
        lines.write(f"{sha256_of(made.snapshot / database)}  snapshots/{stamp}/{database}\n")
        with closing(files.named()) as rows:
            for key, _ in itertools.groupby(rows, key=lambda claim: claim.key):
                if _kept(folder, key, made, is_linked):
                    lines.write(f"{storage.sha_of(key)}  files/{key}\n")
        for name, sha in _brand(folder):
            lines.write(f"{sha}  {name}\n")
        applied = sorted(".".join(key) for key in MigrationRecorder(connection).applied_migrations())
        lines.flush()
        os.fsync(lines.fileno())
    _write_manifest(made, database, applied)
    return made


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def snapshots(folder: Path) -> list[Path]:
    """The finished snapshots of a folder, oldest first."""
    return sorted(path.parent for path in folder.glob(f"snapshots/*/{MANIFEST}"))


def prune(folder: Path, keep: int) -> int:
    """Keep the newest `keep` snapshots and the files they name; returns how many files were deleted.

    Waits for a run that is at it: its files are named by no finished snapshot yet.
    """
    with _alone(folder, waits=True):
        return _pruned(folder, keep)


def _pruned(folder: Path, keep: int) -> int:
    kept = snapshots(folder)[-max(1, keep) :]
    for path in (folder / "snapshots").iterdir():
        if path not in kept:
            shutil.rmtree(path)
    named = {line.split("  ", 1)[1] for path in kept for line in (path / SUMS).read_text("utf-8").splitlines()}
    gone = 0
    for path in (folder / "files").rglob("*"):
        if path.is_file() and str(path.relative_to(folder)) not in named:
            path.unlink()
            gone += 1
    return gone


@contextmanager
def _alone(folder: Path, *, waits: bool) -> Iterator[None]:
    """Hold the folder for the block. A killed process lets go of it by itself."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / LOCK).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
        except BlockingIOError:
            raise BackupFailed("Another backup is being made in this folder. Wait until it has ended.") from None
        yield


@contextmanager
def _snapshot(folder: Path) -> Iterator[str]:
    """Write the database into `folder` and give the file's name; in the block queries see that very state."""
    if connection.vendor == "postgresql":
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                cursor.execute("SELECT pg_export_snapshot()")
                exported = cursor.fetchone()[0]
            _dump(folder / "database.dump", exported)
            yield "database.dump"
        return
    name = "database.sqlite3"
    copy_sqlite(str(connection.settings_dict["NAME"]), str(folder / name), is_snapshot=True)
    with _asking(folder / name):
        yield name


@contextmanager
def _asking(path: Path) -> Iterator[None]:
    """Ask the copy instead of the live database, in this thread, for the block; nothing is written meanwhile."""
    from django.db.backends.sqlite3.base import DatabaseWrapper

    live = connections[DEFAULT_DB_ALIAS]
    copy = DatabaseWrapper({**live.settings_dict, "NAME": str(path), "OPTIONS": {}}, DEFAULT_DB_ALIAS)
    connections[DEFAULT_DB_ALIAS] = copy
    try:
        yield
    finally:
        copy.close()
        connections[DEFAULT_DB_ALIAS] = live


def copy_sqlite(source: str, target: str, *, is_snapshot: bool) -> None:
    """Copy a SQLite database, also one that is being written to, also over one that is open elsewhere.

    `is_snapshot`: into a file of its own, whole without a write-ahead log beside it. A database that is put back keeps
    the mode it is in: to change it nobody else may have it open.
    """
    with sqlite3.connect(source, timeout=60) as old, sqlite3.connect(target, timeout=60) as new:
        old.backup(new)
        if is_snapshot:
            new.execute("PRAGMA journal_mode=DELETE")
    old.close()
    new.close()


def postgres(program: str, *words: str) -> None:
    """Run a program of PostgreSQL against the configured database. Raises BackupFailed with what it said."""
    values = connection.settings_dict
    given = {"-h": values["HOST"], "-p": values["PORT"], "-U": values["USER"], "-d": values["NAME"]}
    command = [program, *(word for name, value in given.items() if value for word in (name, str(value))), *words]
    env = {**os.environ, "PGPASSWORD": values["PASSWORD"]} if values["PASSWORD"] else dict(os.environ)
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    except FileNotFoundError:
        raise BackupFailed(f"{program} is not on PATH: install PostgreSQL's client programs.") from None
    if ended.returncode:
        raise BackupFailed(f"{program} failed: {ended.stderr.strip()[-800:]}")


def _dump(path: Path, exported: str) -> None:
    postgres("pg_dump", "--format=custom", "--no-owner", f"--snapshot={exported}", f"--file={path}")
    path.chmod(0o600)


def _kept(folder: Path, key: str, made: Backup, is_linked: bool) -> bool:
    """Have the file in the backup; False, and it is counted as lost, when its right bytes are nowhere."""
    target = folder / "files" / key
    made.files += 1
    if not target.exists():
        if not (_copied(key, target, is_linked) or _copied(f"{trash.FOLDER}/{key}", target, is_linked)):
            made.lost.append(key)
            return False
        made.copied += 1
    made.byte_size += target.stat().st_size
    return True


def _copied(name: str, target: Path, is_linked: bool) -> bool:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    half = target.with_name(f"{target.name}.half")
    half.unlink(missing_ok=True)
    try:
        with storage.verified_path(name) as path:
            if is_linked and storage.on_disk():
                os.link(path, half)
            else:
                with path.open("rb") as source, half.open("wb") as copy:
                    shutil.copyfileobj(source, copy, storage.CHUNK)
                    copy.flush()
                    os.fsync(copy.fileno())
    except (FileNotFoundError, storage.FileDamaged):
        return False
    half.replace(target)
    return True


def _brand(folder: Path) -> Iterator[tuple[str, str]]:
    """Copy the logos and backgrounds that presets name; yield where they lie and their hashes.

    They may change under one name: a changed one is kept under its hash."""
    place = Path(settings.DATA_DIR) / BRAND_FOLDER
    for path in sorted(place.rglob("*")) if place.is_dir() else ():
        if path.is_file():
            sha = sha256_of(path)
            kept = Path("brand") / sha / path.relative_to(place)
            (folder / kept).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.copyfile(path, folder / kept)
            yield str(kept), sha


def _write_manifest(made: Backup, database: str, applied: list[str]) -> None:
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "made_at": timezone.now().isoformat(),
        "database": {"file": database, "vendor": connection.vendor},
        "migrations": applied,
        "files": made.files - len(made.lost),
        "byte_size": made.byte_size,
        "lost": made.lost,
        "sums_sha256": sha256_of(made.snapshot / SUMS),
        "settings": {
            "DATA_DIR": str(settings.DATA_DIR),
            "files": "disk" if storage.on_disk() else "s3",
            "WORKERS": settings.WORKERS,
            "ALLOWED_HOSTS": settings.ALLOWED_HOSTS,
            "HTTPS": settings.HTTPS,
            "MODEL_DIR": str(settings.MODEL_DIR or ""),
        },
        "not_in_here": "SECRET_KEY, SOFTPROOF_FACTOR_KEYS, passwords in DATABASE_URL, AWS_* keys, model weights, "
        "uploads that were under way",
    }
    half = made.snapshot / f"{MANIFEST}.half"
    half.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    half.replace(made.snapshot / MANIFEST)
