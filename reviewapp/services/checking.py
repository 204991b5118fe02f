"""Rows against files: what is missing, damaged, left over or half written (ING-14, OPS-31). Reads, and changes nothing.

Claims of rows and files of storage both come sorted by key and are walked side by side, so memory stays flat at any
number of photos. Rows are asked first: a file that comes meanwhile is too young to be left over, and what seems missing
is asked for once more before it is said.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from reviewapp import storage, trash
from reviewapp.models import Asset, Batch, PartialUpload
from reviewapp.selectors import files

MISSING, DAMAGED, WRONG_SIZE, WRONG_ROW = "missing", "damaged", "wrong_size", "wrong_row"
ORPHAN, TEMPORARY, LOST_PART, ORPHAN_PART = "orphan", "temporary", "lost_part", "orphan_part"
ROWS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `rows` are the first few that name the file, as "Asset.original_key:12"."""

    kind: str
    key: str
    detail: str
    rows: tuple[str, ...] = ()

    def __str__(self) -> str:
        named = f" ({', '.join(self.rows)})" if self.rows else ""
        return f"{self.kind}: {self.key}{named}: {self.detail}"


@dataclass(slots=True)
class Report:
    """What was looked at; it grows while findings are read."""

    rows: int = 0
    files: int = 0
    byte_size: int = 0
    hashed: int = 0
    found: dict[str, int] = field(default_factory=dict)


def check(report: Report, *, quick: bool = False, batch: Batch | None = None) -> Iterator[Finding]:
    """Yield what is wrong, and count into `report`.

    `quick` reads no file: presence and sizes only. With `batch` only its rows are looked at, and nothing left over.
    Raises DatabaseError and what the storage raises when it can't be asked.
    """
    if storage.on_disk() and not storage.root().is_dir() and Asset.objects.exists():
        raise FileNotFoundError(f"{storage.root()} is no folder. Is its disk mounted?")
    with closing(files.named(batch)) as rows:
        claims = _by_key(rows)
        found = _beside(claims, report, quick) if batch is None else _one_by_one(claims, report, quick)
        for finding in itertools.chain(found, () if batch else _temporary(), () if batch else _parts()):
            report.found[finding.kind] = report.found.get(finding.kind, 0) + 1
            yield finding


def orphans() -> Iterator[trash.Held]:
    """Yield files that no row names, older than a day."""
    with closing(files.named()) as rows:
        for held, named in _merged(_by_key(rows)):
            if held is not None and not named and _is_old(held):
                yield held


Claims = Iterator[tuple[str, list[files.Named]]]


def _by_key(rows: Iterator[files.Named]) -> Claims:
    return ((key, list(named)) for key, named in itertools.groupby(rows, key=lambda claim: claim.key))


def _merged(claims: Claims) -> Iterator[tuple[trash.Held | None, list[files.Named]]]:
    """Walk claims and files side by side: each file with its claims, a claim without a file, a file without claims."""
    stored = trash.listed()
    claim, held = next(claims, None), next(stored, None)
    while claim is not None or held is not None:
        if held is None or (claim is not None and _bytes(claim[0]) < _bytes(held.key)):
            assert claim is not None
            yield None, claim[1]
            claim = next(claims, None)
        elif claim is None or _bytes(held.key) < _bytes(claim[0]):
            yield held, []
            held = next(stored, None)
        else:
            yield held, claim[1]
            claim, held = next(claims, None), next(stored, None)


def _bytes(key: str) -> bytes:
    return key.encode("utf-8", "surrogateescape")


def _beside(claims: Claims, report: Report, quick: bool) -> Iterator[Finding]:
    for held, named in _merged(claims):
        report.rows += len(named)
        if held is None:
            yield from _missing(named)
            continue
        report.files, report.byte_size = report.files + 1, report.byte_size + held.byte_size
        if named:
            yield from _wrong(named, held.byte_size, report, quick)
        elif _is_old(held):
            yield Finding(ORPHAN, held.key, f"no row names these {held.byte_size} bytes")


def _one_by_one(claims: Claims, report: Report, quick: bool) -> Iterator[Finding]:
    for key, named in claims:
        report.rows += len(named)
        try:
            size = storage.size(key)
        except FileNotFoundError:
            yield from _missing(named)
            continue
        report.files, report.byte_size = report.files + 1, report.byte_size + size
        yield from _wrong(named, size, report, quick)


def _missing(named: list[files.Named]) -> Iterator[Finding]:
    """Say it, unless the file came, or retention or a purge took the claims, since the rows were asked."""
    key = named[0].key
    if storage.exists(key) or not any(files.holds(claim) for claim in named):
        return
    where = "it lies in the trash: --repair restore" if trash.is_trashed(key) else "no file is there"
    yield Finding(MISSING, key, where, _shown(named))


def _wrong(named: list[files.Named], size: int, report: Report, quick: bool) -> Iterator[Finding]:
    key = named[0].key
    for claim in named:
        if claim.sha256 and claim.sha256 != storage.sha_of(key):
            yield Finding(WRONG_ROW, key, f"the row says {claim.sha256}", _shown([claim]))
    wanted = sorted({claim.byte_size for claim in named if claim.byte_size >= 0 and claim.byte_size != size})
    if quick:
        if wanted:
            yield Finding(WRONG_SIZE, key, f"{size} bytes instead of {wanted[0]}", _shown(named))
        return
    report.hashed += 1
    actual = _sha256(key)
    if actual is None:
        yield from _missing(named)
    elif actual != storage.sha_of(key):
        short = f", {size} bytes instead of {wanted[0]}" if wanted else ""
        yield Finding(DAMAGED, key, f"its bytes have the hash {actual}{short}", _shown(named))
    elif wanted:
        yield Finding(WRONG_SIZE, key, f"{size} bytes, and a row says {wanted[0]}", _shown(named))


def _sha256(key: str) -> str | None:
    digest = hashlib.sha256()
    try:
        with storage.open_read(key) as file:
            for chunk in storage.chunks_of(file):
                digest.update(chunk)
    except FileNotFoundError:
        return None
    return digest.hexdigest()


def _shown(named: list[files.Named]) -> tuple[str, ...]:
    return tuple(f"{claim.field}:{claim.pk}" for claim in named[:ROWS_SHOWN])


def _is_old(held: trash.Held) -> bool:
    return held.changed_at < time.time() - trash.ORPHAN_AGE_S


def _temporary() -> Iterator[Finding]:
    """What a killed process was writing; the sweep deletes it after an hour."""
    for path, facts in _entries(Path(settings.DATA_DIR) / "files" / storage.TEMP_FOLDER):
        if facts.st_mtime < time.time() - storage.TEMP_MAX_AGE_S:
            yield Finding(TEMPORARY, f"{storage.TEMP_FOLDER}/{path.name}", f"{facts.st_size} bytes, half written")


def _parts() -> Iterator[Finding]:
    """Uploads that come in pieces: rows without their part, parts without their row."""
    folder = Path(settings.DATA_DIR) / "files" / "parts"
    for token in PartialUpload.objects.filter(result={}).values_list("token", flat=True).iterator():
        if not (folder / token).exists() and PartialUpload.objects.filter(token=token, result={}).exists():
            yield Finding(LOST_PART, f"parts/{token}", "the bytes of this upload are gone", (f"PartialUpload:{token}",))
    for path, facts in _entries(folder):
        is_old = facts.st_mtime < time.time() - trash.ORPHAN_AGE_S
        if is_old and not PartialUpload.objects.filter(token=path.name).exists():
            yield Finding(ORPHAN_PART, f"parts/{path.name}", f"no upload names these {facts.st_size} bytes")


def _entries(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        try:
            yield path, path.stat()
        except FileNotFoundError:  # gone meanwhile
            continue
