"""Opening a stranger's ZIP without doing what it says: directory, overlaps and decompressors all have bounds.

`zipfile` reads as much directory as an archive claims to have, opens entries that share the same bytes, and lets bzip2
and LZMA make gigabytes of one piece. The web server reads archives, so each of these would be its memory.
"""

from __future__ import annotations

import bz2
import io
import lzma
import struct
import zipfile
from typing import IO, Any

MAX_DIRECTORY_BYTES = 8 * 1024**2
"""10,000 entries with paths of 400 characters and the usual extra fields are half of it."""
MAX_DICTIONARY_BYTES = 64 * 1024**2
ENTRY_SIGN = b"PK\x01\x02"
LOCAL_HEADER_BYTES = 30


class DirectoryTooLarge(Exception):
    """The archive lists too many entries, or more directory than that many need; `entries` is how many, 0 if unread."""

    def __init__(self, entries: int) -> None:
        super().__init__(entries)
        self.entries = entries


class UnpacksTooFar(Exception):
    """A piece unpacks to far more than it was packed in."""


class BoundedDirectory(io.RawIOBase):
    """An archive's file, read by `zipfile` while it opens: no read may bring more directory than allowed."""

    def __init__(self, source: IO[bytes], max_entries: int) -> None:
        self._source = source
        self._max_entries = max_entries
        self._is_opening = True

    def opened(self) -> None:
        """The directory is read; from here on it is like the file itself."""
        self._is_opening = False

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always: an upload lies in a file."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """As the file's own."""
        return self._source.seek(offset, whence)

    def tell(self) -> int:
        """As the file's own."""
        return self._source.tell()

    def read(self, size: int = -1) -> bytes:
        """Read as the file does. Raises DirectoryTooLarge while the archive is opened."""
        if not self._is_opening:
            return self._source.read(size)
        data = self._source.read(min(size, MAX_DIRECTORY_BYTES + 1) if size >= 0 else MAX_DIRECTORY_BYTES + 1)
        if len(data) > MAX_DIRECTORY_BYTES:
            raise DirectoryTooLarge(0)
        if data.count(ENTRY_SIGN) > self._max_entries:
            raise DirectoryTooLarge(data.count(ENTRY_SIGN))
        return data


def overlap(archive: zipfile.ZipFile) -> bool:
    """Tell whether entries share bytes, as in bombs that unpack one kernel ten thousand times."""
    end = 0
    for entry in sorted(archive.infolist(), key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            return True
        end = entry.header_offset + LOCAL_HEADER_BYTES + entry.compress_size
    return False


def bounded(source: IO[bytes], entry: zipfile.ZipInfo, max_ratio: int, free_bytes: int) -> IO[bytes]:
    """Return an opened entry whose decompressor stops at `max_ratio` times what it was given, plus `free_bytes`.

    Only bzip2 and LZMA need it: `zipfile` asks neither of them for less than everything. Reading then raises
    UnpacksTooFar.
    """
    makers = {zipfile.ZIP_BZIP2: bz2.BZ2Decompressor, zipfile.ZIP_LZMA: _Lzma}
    make = makers.get(entry.compress_type)
    if make is not None:
        reader: Any = source
        if not hasattr(reader, "_decompressor"):  # another Python's zipfile: rather nothing than without a bound
            raise NotImplementedError("this Python's zipfile can't be bounded")
        reader._decompressor = _Bounded(make(), max_ratio, free_bytes)
    return source


class _Bounded:
    """What zipfile takes for a decompressor; `inner` knows `decompress(data, max_length)`."""

    def __init__(self, inner: Any, max_ratio: int, free_bytes: int) -> None:
        self._inner = inner
        self._max_ratio = max_ratio
        self._room = free_bytes

    @property
    def eof(self) -> bool:
        """Whether the packed data ended."""
        return bool(self._inner.eof)

    def decompress(self, data: bytes) -> bytes:
        """Unpack a piece. Raises UnpacksTooFar."""
        self._room += self._max_ratio * len(data)
        made: bytes = self._inner.decompress(data, self._room + 1)
        self._room -= len(made)
        if self._room < 0:
            raise UnpacksTooFar
        return made


class _Lzma:
    """LZMA as ZIP packs it: four bytes of version and length, the properties, then the raw stream."""

    def __init__(self) -> None:
        self._head = b""
        self._inner: lzma.LZMADecompressor | None = None

    @property
    def eof(self) -> bool:
        """Whether the packed data ended."""
        return self._inner is not None and self._inner.eof

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Unpack at most `max_length` bytes."""
        if self._inner is None:
            self._head += data
            size = struct.unpack_from("<H", self._head, 2)[0] if len(self._head) >= 4 else 1 << 16
            if len(self._head) < 4 + size:
                return b""
            properties, data = self._head[4 : 4 + size], self._head[4 + size :]
            self._inner = _raw_lzma(properties)
        return self._inner.decompress(data, max_length)


def _raw_lzma(properties: bytes) -> lzma.LZMADecompressor:
    """Raises lzma.LZMAError for properties that make no sense, or a dictionary no photo needs."""
    if len(properties) != 5 or properties[0] >= 9 * 5 * 5:
        raise lzma.LZMAError("unreadable properties")
    rest, lc = divmod(properties[0], 9)
    pb, lp = divmod(rest, 5)
    dictionary = struct.unpack_from("<I", properties, 1)[0]
    if dictionary > MAX_DICTIONARY_BYTES:
        raise lzma.LZMAError("the dictionary is too large")
    chosen = {"id": lzma.FILTER_LZMA1, "dict_size": max(4096, dictionary), "lc": lc, "lp": lp, "pb": pb}
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[chosen])
