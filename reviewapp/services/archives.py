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
from typing import IO, Any

from reviewapp.models import Batch

from .csv_rows import CsvRow
from .refusals import IngestRefused
from .uploads import UploadResult, attach_rows, display_path, register_upload

CHUNK_BYTES = 256 * 1024
MAX_ENTRIES = 10_000
MAX_TOTAL_BYTES = 8 * 1024**3
# Photos hardly shrink in a ZIP; measured as read, because the sizes in the directory are the sender's claim.
MAX_RATIO = 200
RATIO_FROM_BYTES = 1024 * 1024
NESTED = frozenset({".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz"})
JUNK_NAMES = frozenset({"thumbs.db", "desktop.ini"})
# What zipfile and the four decompressors raise on bytes that aren't what they claim; bz2 raises OSError.
_BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, struct.error, OverflowError,
           NotImplementedError, RuntimeError)  # fmt: skip
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


def expand_zip(
    batch: Batch, fileobj: IO[bytes], rows: Mapping[str, CsvRow] | None = None, actor: Any = None
) -> Iterator[UploadResult]:
    """Register every photo of a ZIP, yielding one result per file in the archive's order.

    Folders, links, hidden files and system litter are passed over; archives inside get a line and are not opened.
    Limits: 10,000 entries, 50 MB a file, 8 GB in all, 200 times a file's packed size, each on bytes as they are read.
    `rows` are attached to the batch first. Raises IngestRefused (code "zip") when it is no ZIP or beyond the total
    limits; what was registered before that stays. `fileobj` must be seekable.
    """
    if rows:
        attach_rows(batch, rows, actor)
    try:
        archive = zipfile.ZipFile(fileobj)
    except _BROKEN as error:
        raise IngestRefused("This isn't a readable ZIP file. Pack it again and send it again.", code="zip") from error
    with archive:
        entries = archive.infolist()
        if len(entries) > MAX_ENTRIES:
            message = f"The ZIP has {len(entries):,} entries; {MAX_ENTRIES:,} is the limit. Split it."
            raise IngestRefused(message, code="zip")
        budget = _Budget(MAX_TOTAL_BYTES)
        for entry in entries:
            result = _take(batch, archive, entry, budget, actor)
            if result is not None:
                yield result
            if budget.left <= 0:
                message = f"The ZIP unpacks to more than {MAX_TOTAL_BYTES // 2**30} GB. Split it."
                raise IngestRefused(message, code="zip")


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
    path = entry_path(entry)
    is_link = (entry.external_attr >> 16) & _FORMAT_MASK == _LINK
    if path.endswith("/") or is_link or is_litter(path):
        return None
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
    with _readable(), archive.open(entry) as source:
        while chunk := source.read(CHUNK_BYTES):
            read += len(chunk)
            budget.left -= len(chunk)
            if read > max(RATIO_FROM_BYTES, MAX_RATIO * entry.compress_size):
                raise _TooMuch("This file unpacks to far more than it was packed in: it is no photo.", code="zip")
            if budget.left <= 0:
                raise _TooMuch("The ZIP unpacks to more than is allowed in all. Split it.", code="zip")
            yield chunk


@contextmanager
def _readable() -> Iterator[None]:
    """Turn whatever a broken entry makes the decompressors raise into _Damaged; what the block throws in stays."""
    try:
        yield
    except _BROKEN as error:
        raise _Damaged(str(error) or type(error).__name__) from error
