"""Unpacking a client's ZIP without trusting it: own names, limits on what is really read, only photos kept."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any, cast

from reviewapp.models import Batch

from . import unpacking
from .csv_rows import CsvRow, read_csv_bytes
from .refusals import IngestRefused
from .uploads import SHEET_SUFFIXES, UploadResult, attach_rows, display_path, register_upload

CHUNK_BYTES = 256 * 1024
MAX_ENTRIES = 10_000
MAX_TOTAL_BYTES = 8 * 1024**3
MAX_SHEET_BYTES = 20 * 1024**2
# Photos hardly shrink in a ZIP; measured as read, because the sizes in the directory are the sender's claim.
MAX_RATIO = 200
RATIO_FROM_BYTES = 1024 * 1024
NESTED = frozenset({".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz"})
JUNK_NAMES = frozenset({"thumbs.db", "desktop.ini"})
# What zipfile and the four decompressors raise on bytes that aren't what they claim; bz2 raises OSError.
_BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, struct.error, OverflowError,
           NotImplementedError, RuntimeError)  # fmt: skip
_NO_PHOTO = "This file unpacks to far more than it was packed in: it is no photo."
_UTF8_FLAG = 0x800
_LINK = 0o120000
_FORMAT_MASK = 0o170000


class _Damaged(Exception):
    """An entry can't be unpacked."""


class _TooMuch(IngestRefused):
    """One entry, or the archive as a whole, unpacks to more than allowed."""


@dataclass
class _Budget:
    """How many bytes the archive may still unpack to."""

    left: int


@dataclass(frozen=True, slots=True)
class PackedSheet:
    """The list inside an archive: its path as its sender wrote it, and its rows by path key."""

    path: str
    rows: dict[str, CsvRow]


def sheet_in(fileobj: IO[bytes]) -> PackedSheet | None:
    """Return the list a ZIP brings along: its first .csv or .tsv in any folder, None without one.

    Raises IngestRefused (code "zip" or "csv") when the archive or the list can't be read.
    """
    with _opened(fileobj) as archive:
        entry = _sheet_entry(archive)
        return None if entry is None else _read_sheet(archive, entry)


def expand_zip(
    batch: Batch,
    fileobj: IO[bytes],
    rows: Mapping[str, CsvRow] | None = None,
    actor: Any = None,
    *,
    reads_sheet: bool = True,
) -> Iterator[UploadResult]:
    """Register every photo of a ZIP, yielding one result per file in the archive's order, its list first.

    The first .csv or .tsv in any folder is the batch's list, as if it had been sent by itself: it is read and attached
    before any photo is taken. Given `rows` are attached instead, and without `reads_sheet` (a list came beside the ZIP)
    none is. A list that isn't used gets a line that says so.
    Folders, links, hidden files and system litter are passed over; archives inside get a line and are not opened.
    Limits: 10,000 entries, 50 MB a file, 8 GB in all, 200 times a file's packed size, each on bytes as they are read.
    Raises IngestRefused (code "zip") when it is no ZIP or beyond the total limits, and (code "csv") when its list can't
    be read; what was registered before that stays. `fileobj` must be seekable.
    """
    with _opened(fileobj) as archive:
        sheet = _sheet_entry(archive) if reads_sheet and not rows else None
        if sheet is not None:
            found = _read_sheet(archive, sheet)
            attach_rows(batch, found.rows, actor)
            name = display_path(found.path)
            yield UploadResult("sheet", f"Read as the list of this batch: {_rows_words(found.rows)}.", None, name)
        elif rows:
            attach_rows(batch, rows, actor)
        budget = _Budget(MAX_TOTAL_BYTES)
        for entry in archive.infolist():
            if entry is sheet:
                continue
            if _is_sheet(entry):
                yield UploadResult("rejected", _unused(sheet), None, display_path(entry_path(entry)))
                continue
            result = _take(batch, archive, entry, budget, actor)
            if result is not None:
                yield result
            if budget.left <= 0:
                message = f"The ZIP unpacks to more than {MAX_TOTAL_BYTES // 2**30} GB. Split it."
                raise IngestRefused(message, code="zip")


@contextmanager
def _opened(fileobj: IO[bytes]) -> Iterator[zipfile.ZipFile]:
    """Open an archive of a size we take. Raises IngestRefused (code "zip")."""
    guarded = unpacking.BoundedDirectory(fileobj, MAX_ENTRIES)
    try:
        archive = zipfile.ZipFile(cast(IO[bytes], guarded))
    except unpacking.DirectoryTooLarge as error:
        raise _too_many(error.entries) from error
    except _BROKEN as error:
        raise IngestRefused("This isn't a readable ZIP file. Pack it again and send it again.", code="zip") from error
    guarded.opened()
    with archive:
        if unpacking.overlap(archive):
            raise IngestRefused(
                "Files inside this ZIP lie over each other. Pack it again and send it again.", code="zip"
            )
        if len(archive.infolist()) > MAX_ENTRIES:
            raise _too_many(len(archive.infolist()))
        yield archive


def _too_many(entries: int) -> IngestRefused:
    counted = f"{entries:,} entries" if entries else "too many entries to count"
    return IngestRefused(f"The ZIP has {counted}; {MAX_ENTRIES:,} is the limit. Split it.", code="zip")


def _sheet_entry(archive: zipfile.ZipFile) -> zipfile.ZipInfo | None:
    return next((entry for entry in archive.infolist() if _is_sheet(entry)), None)


def _is_sheet(entry: zipfile.ZipInfo) -> bool:
    path = entry_path(entry)
    return PurePosixPath(path).suffix.lower() in SHEET_SUFFIXES and not _is_passed_over(entry)


def _is_passed_over(entry: zipfile.ZipInfo) -> bool:
    path = entry_path(entry)
    is_link = (entry.external_attr >> 16) & _FORMAT_MASK == _LINK
    return path.endswith("/") or is_link or is_litter(path)


def _read_sheet(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> PackedSheet:
    path = entry_path(entry)
    name = display_path(path)
    if entry.flag_bits & 0x1:
        raise IngestRefused(f"{name} inside the ZIP is encrypted. Pack it without a password.", code="csv")
    data = bytearray()
    try:
        for chunk in _chunks(archive, entry, _Budget(MAX_SHEET_BYTES)):
            data += chunk
    except _TooMuch as error:
        limit = f"{MAX_SHEET_BYTES // 2**20} MB"
        raise IngestRefused(
            f"{name} inside the ZIP is too large for a list: {limit} is the limit.", code="csv"
        ) from error
    except _Damaged as error:
        raise IngestRefused(f"{name} is damaged inside the ZIP ({error}). Pack it again.", code="csv") from error
    try:
        return PackedSheet(path, read_csv_bytes(bytes(data)))
    except IngestRefused as error:
        raise IngestRefused(f"{name} inside the ZIP: {error}", code="csv") from error


def _rows_words(rows: Mapping[str, CsvRow]) -> str:
    return "1 row" if len(rows) == 1 else f"{len(rows):,} rows"


def _unused(used: zipfile.ZipInfo | None) -> str:
    if used is None:
        return "A list came along with this ZIP already, so this one isn't read."
    name = display_path(entry_path(used))
    return f"This ZIP holds more than one list; {name} is read, this one isn't. Add it by itself if it is needed too."


def is_litter(path: str) -> bool:
    """Say whether a path is something no client means to send: hidden files, resource forks, thumbnail caches."""
    parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    if not parts:
        return True
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
    return hidden or parts[-1].lower() in JUNK_NAMES


def entry_path(entry: zipfile.ZipInfo) -> str:
    """Return an entry's path as its sender wrote it.

    Without the flag that says UTF-8 the format means code page 437, and that is how `zipfile` reads it; the archive
    tools of macOS and many others write UTF-8 all the same. Text that is valid UTF-8 practically never is anything
    else, so it is taken as that.
    """
    if entry.flag_bits & _UTF8_FLAG:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return entry.filename


def _take(
    batch: Batch, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, budget: _Budget, actor: Any
) -> UploadResult | None:
    if _is_passed_over(entry):
        return None
    path = entry_path(entry)
    name = PurePosixPath(display_path(path)).name
    if PurePosixPath(name).suffix.lower() in NESTED:
        return UploadResult("rejected", "An archive inside the archive isn't opened. Send it by itself.", None, name)
    if entry.flag_bits & 0x1:
        return UploadResult("rejected", "This file is encrypted. Pack it without a password.", None, name)
    try:
        return register_upload(batch, _chunks(archive, entry, budget), path, None, actor)
    except _TooMuch as error:
        return UploadResult("rejected", str(error), None, name)
    except _Damaged as error:
        sentence = f"This file is damaged inside the ZIP ({error}). Pack it again and send it again."
        return UploadResult("rejected", sentence, None, name)


def _chunks(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, budget: _Budget) -> Iterator[bytes]:
    read = 0
    with _readable(), archive.open(entry) as opened:
        source = unpacking.bounded(opened, entry, MAX_RATIO, RATIO_FROM_BYTES)
        while chunk := source.read(CHUNK_BYTES):
            read += len(chunk)
            budget.left -= len(chunk)
            if read > max(RATIO_FROM_BYTES, MAX_RATIO * entry.compress_size):
                raise _TooMuch(_NO_PHOTO, code="zip")
            if budget.left <= 0:
                raise _TooMuch("The ZIP unpacks to more than is allowed in all. Split it.", code="zip")
            yield chunk


@contextmanager
def _readable() -> Iterator[None]:
    """Turn whatever a broken entry makes the decompressors raise into _Damaged; what the block throws in stays."""
    try:
        yield
    except unpacking.UnpacksTooFar as error:
        raise _TooMuch(_NO_PHOTO, code="zip") from error
    except _BROKEN as error:
        raise _Damaged(str(error) or type(error).__name__) from error
