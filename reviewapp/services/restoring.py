"""Restore: a snapshot's database and files, every hash held against what was written down, and work ready to go on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import DatabaseError, connection, connections, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.models import F
from django.utils import timezone

from reviewapp import storage, trash
from reviewapp.enums import TaskState
from reviewapp.models import (
    Batch,
    Client,
    DeliveryLink,
    PartialUpload,
    PersonSession,
    ReviewTask,
    Task,
    WorkerHeartbeat,
)

from . import factor_secrets, links
from .backups import FORMAT, MANIFEST, SUMS, copy_sqlite, postgres, sha256_of, snapshots
from .rendering import BRAND_FOLDER


class RestoreRefused(RuntimeError):
    """Nothing was changed; the message says why."""


@dataclass(slots=True)
class Restored:
    """What came back. `wrong` are files of the backup that are missing or no longer have their hash.

    `factors_lost` counts authenticator apps and sets of recovery codes that no key of this installation opens.
    """

    files: int = 0
    byte_size: int = 0
    tasks_released: int = 0
    leases_ended: int = 0
    uploads_dropped: int = 0
    sessions_ended: int = 0
    links_ended: int = 0
    factors_lost: int = 0
    wrong: list[str] = field(default_factory=list)


def restore(folder: Path, *, snapshot: str = "", is_forced: bool = False) -> Restored:
    """Put the newest snapshot of `folder`, or the one named, in place of what is here.

    Stop the product first. Refused while there are rows or files here, unless forced; for a backup of the other kind of
    database, of a newer version, or one whose own lists are damaged. Raises RestoreRefused.
    """
    place = _chosen(folder, snapshot)
    manifest = _checked(folder, place)
    if not is_forced and (what := _occupied()):
        raise RestoreRefused(
            f"There are {what} here. Restore into an empty installation, or say --force to replace them."
        )
    _put_database(place / str(manifest["database"]["file"]))
    call_command("migrate", interactive=False, verbosity=0)
    done = Restored()
    for name, sha in _lines(place):
        if name.startswith("files/"):
            _put_file(folder / name, name.removeprefix("files/"), sha, done)
        elif name.startswith("brand/"):
            _put_brand(folder / name, sha, done)
    _settle(done)
    return done


def _chosen(folder: Path, snapshot: str) -> Path:
    found = {path.name: path for path in snapshots(folder)}
    if not found:
        raise RestoreRefused(f"There is no finished snapshot in {folder}.")
    if snapshot and snapshot not in found:
        raise RestoreRefused(f"There is no snapshot {snapshot}: {', '.join(found)}.")
    return found[snapshot or max(found)]


def _checked(folder: Path, place: Path) -> dict[str, Any]:
    """Read the manifest; raises RestoreRefused when this installation can't take it or its lists are damaged."""
    manifest: dict[str, Any] = json.loads((place / MANIFEST).read_text(encoding="utf-8"))
    if manifest["format"] != FORMAT:
        raise RestoreRefused(f"This backup has format {manifest['format']}; this version reads {FORMAT}.")
    if manifest["database"]["vendor"] != connection.vendor:
        raise RestoreRefused(
            f"This is a backup of {manifest['database']['vendor']}, and DATABASE_URL names {connection.vendor}."
        )
    unknown = set(manifest["migrations"]) - {".".join(key) for key in _known_migrations()}
    if unknown:
        raise RestoreRefused(f"This backup was made by a newer version: it knows {min(unknown)}. Update first.")
    if sha256_of(place / SUMS) != manifest["sums_sha256"]:
        raise RestoreRefused(f"{place / SUMS} is damaged. Take another snapshot.")
    database = place / str(manifest["database"]["file"])
    promised = next((sha for name, sha in _lines(place) if name == str(database.relative_to(folder))), "")
    if sha256_of(database) != promised:
        raise RestoreRefused(f"{database} is damaged. Take another snapshot.")
    return manifest


def _known_migrations() -> set[tuple[str, str]]:
    loader = MigrationLoader(None, load=False)
    loader.load_disk()
    return set(loader.disk_migrations) | {key for one in loader.disk_migrations.values() for key in one.replaces}


def _lines(place: Path) -> Iterator[tuple[str, str]]:
    with (place / SUMS).open(encoding="utf-8") as lines:
        for line in lines:
            sha, name = line.rstrip("\n").split("  ", 1)
            yield name, sha


def _occupied() -> str:
    try:
        if Client.objects.exists() or Batch.objects.exists() or get_user_model().objects.exists():
            return "clients, batches or people"
    except DatabaseError:  # no tables yet
        connection.close()
    return "stored files" if next(trash.listed(), None) is not None else ""


def _put_database(source: Path) -> None:
    if connection.vendor == "postgresql":
        connections.close_all()
        postgres("pg_restore", "--clean", "--if-exists", "--no-owner", "--single-transaction", str(source))
        return
    target = str(connection.settings_dict["NAME"])
    connections.close_all()
    Path(target).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    copy_sqlite(str(source), target, is_snapshot=False)


def _put_file(source: Path, key: str, sha: str, done: Restored) -> None:
    """Store the file again: what is written is hashed on the way, and becomes the key it must have."""
    try:
        with source.open("rb") as file:
            if sha256_of(source) != sha:
                raise ValueError(key)
            stored = storage.put_stream(
                storage.chunks_of(file), prefix=key.split("/", 1)[0], max_bytes=source.stat().st_size
            )
    except (FileNotFoundError, ValueError):
        done.wrong.append(key)
        return
    if stored.key != key:
        done.wrong.append(key)
        return
    done.files, done.byte_size = done.files + 1, done.byte_size + stored.byte_size


def _put_brand(source: Path, sha: str, done: Restored) -> None:
    name = Path(*source.parts[source.parts.index(sha) + 1 :])
    target = Path(settings.DATA_DIR) / BRAND_FOLDER / name
    if not source.is_file() or sha256_of(source) != sha:
        done.wrong.append(f"brand/{name}")
        return
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.copyfile(source, target)


def _settle(done: Restored) -> None:
    """Nobody works on anything yet: what was running is due again, and a worker of the old days is fenced off.

    Reviewers' leases end; open tasks and what editors hold for days stay as they were. The bytes of uploads that were
    under way are not in a backup, so these begin anew. Everybody signs in again, and clients' links end: what was
    signed out or taken back after the snapshot must not work again.
    """
    now = timezone.now()
    with transaction.atomic():
        running = Task.objects.filter(state=TaskState.RUNNING)
        done.tasks_released = running.update(
            state=TaskState.PENDING, token=F("token") + 1, owner="", lease_until=None, available_at=now, woken_at=None
        )
        Task.objects.filter(state=TaskState.PENDING).update(woken_at=None)
        lent = ReviewTask.objects.filter(lease_owner__isnull=False)
        done.leases_ended = lent.update(lease_owner=None, lease_until=None)
        done.uploads_dropped = PartialUpload.objects.filter(result={}).delete()[0]
        WorkerHeartbeat.objects.all().delete()
        done.sessions_ended = PersonSession.objects.all().delete()[0]
        done.links_ended = links.end(DeliveryLink.objects.all())
    done.factors_lost = sum(not factor_secrets.opens(row.data) for row in Authenticator.objects.all())
