"""Hostile ZIPs and lists: what the web server itself reads, by Python's own parsers."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from collections.abc import Iterator

from hypothesis import strategies as st

from benchmarks.fuzzing import bases

NAMES = (
    "a.jpg", "../../etc/passwd.jpg", "/abs/a.jpg", "C:\\Windows\\a.jpg", "a\\..\\..\\b.png", "NUL.jpg", "con.png",
    ".hidden.jpg", "__MACOSX/._a.jpg", "a" * 300 + ".jpg", "\u202egpj.exe", "\u200bzero.jpg", "ünï/çødé.webp",
    "nul\0byte.jpg", "a.jpg/", "", "list.csv", "inner.zip", "weird\nname.tif", "=cmd|'/c calc'!A1.jpg", "a.jpg",
    "CLOCK$.tif", "x.php.jpg",
)  # fmt: skip


def packed(entries: list[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED, mode: int = 0o644) -> bytes:
    """A sound archive of whatever names."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the same name twice is meant
        for name, data in entries:
            entry = zipfile.ZipInfo(name.split("\0", 1)[0])
            entry.filename, entry.compress_type, entry.external_attr = name, method, mode << 16
            archive.writestr(entry, data)
    return out.getvalue()


def _patched(data: bytes, sign: bytes, at: int, form: str, value: int) -> bytes:
    found = bytearray(data)
    start = data.find(sign)
    while start >= 0 and start + at + struct.calcsize(form) <= len(found):
        struct.pack_into(form, found, start + at, value)
        start = data.find(sign, start + 4)
    return bytes(found)


def _twisted(what: str, data: bytes, value: int) -> bytes:
    if what == "encrypted":
        return _patched(data, b"PK\x01\x02", 8, "<H", 0x1)
    if what == "method":
        return _patched(_patched(data, b"PK\x01\x02", 10, "<H", value % 100), b"PK\x03\x04", 8, "<H", value % 100)
    if what == "unpacked size":
        return _patched(data, b"PK\x01\x02", 24, "<I", value & 0xFFFFFFFF)
    if what == "packed size":
        return _patched(data, b"PK\x01\x02", 20, "<I", value & 0xFFFFFFFF)
    if what == "checksum":
        return _patched(data, b"PK\x01\x02", 16, "<I", value & 0xFFFFFFFF)
    if what == "offset":
        return _patched(data, b"PK\x01\x02", 42, "<I", value % (len(data) + 9))
    if what == "directory":
        return _patched(data, b"PK\x05\x06", 12, "<I", value & 0xFFFFFFFF)
    if what == "zip64":
        return _zip64(data, value)
    if what == "cut":
        return data[: value % (len(data) + 1)]
    return data + bytes(value % 70_000)


def _zip64(data: bytes, value: int) -> bytes:
    end = data.rfind(b"PK\x05\x06")
    record = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, value, value, value, value)
    where = struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return data[:end] + record + where + tail


def strange(
    names: list[str], method: int, mode: int, twist: tuple[str, int] | None, flips: list[tuple[int, int]]
) -> bytes:
    """An archive of a few photos under odd names, twisted in one way, with some bytes overwritten."""
    photos = [*bases.jpegs()[:3], *bases.webps()[:2]]
    contents = {".csv": b"file,sku\na.jpg,=1+1\n", ".zip": packed([("a.jpg", photos[0])])}
    entries = [(name, contents.get(name[-4:], photos[n % len(photos)])) for n, name in enumerate(names)]
    data = packed(entries, method, mode)
    if twist is not None:
        data = _twisted(twist[0], data, twist[1])
    found = bytearray(data)
    for at, value in flips:
        if found:
            found[at % len(found)] = value
    return bytes(found)


def bombs() -> Iterator[tuple[str, bytes]]:
    """Known ones: overlapping entries, nests, a hundred thousand entries, packers without a bound."""
    zeros = b"\0" * (30 << 20)
    yield "zip of zeros", packed([(f"{n}.jpg", zeros) for n in range(3)])
    for method, name in ((zipfile.ZIP_BZIP2, "bzip2"), (zipfile.ZIP_LZMA, "LZMA")):
        yield f"zip of zeros, {name}", packed([("0.jpg", zeros * 3)], method)
    yield "zip of a hundred thousand entries", packed([(f"{n}.jpg", b"") for n in range(100_000)], zipfile.ZIP_STORED)
    inner = packed([("0.jpg", b"\0" * (4 << 20))])
    for _ in range(5):
        inner = packed([(f"{n}.zip", inner) for n in range(8)])
    yield "zip in zip in zip", inner
    yield "zip with gzip inside", packed([("a.jpg.gz", b"\x1f\x8b\x08" + bytes(3000)), ("b.jpg", bases.jpegs()[0])])
    yield "zip of overlapping entries", _overlapping(2000)
    yield "zip that says it has 4 billion entries", _zip64(packed([("a.jpg", bases.jpegs()[0])]), 0xFFFFFFFF)
    yield "zip of links", packed([("a.jpg", b"/etc/passwd"), ("b.jpg", b"../../x")], mode=0o120777)


def _overlapping(copies: int) -> bytes:
    """Thousands of directory entries for the same packed bytes."""
    data = packed([("a.jpg", bases.jpegs()[0])])
    start, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    directory = data[start:end] * copies
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, copies, copies, len(directory), start, 0)
    return data[:start] + directory + tail


def sheet(cells: list[list[str]], delimiter: str, ending: str, encoding: str, junk: bytes, quote: str) -> bytes:
    """A list of whatever cells, lines and letters."""
    lines = [f"file{delimiter}sku{delimiter}category{delimiter}description"]
    lines += [delimiter.join(f"{quote}{cell}{quote}" for cell in row) for row in cells]
    return ending.join(lines).encode(encoding, "replace") + junk


def sheet_bombs() -> Iterator[tuple[str, bytes]]:
    """Cells of a megabyte, a quote that is never closed, a hundred thousand rows and one, 200,000 columns."""
    yield "csv with a cell of 1 MB", b"file,sku\na.jpg," + b"x" * (1 << 20) + b"\n"
    yield "csv with an open quote", b'file,sku\n"a.jpg,1\n' + b"b.jpg,2\n" * 100_000
    yield "csv of 150000 rows", b"file,sku\n" + b"".join(b"%d.jpg,%d\n" % (n, n) for n in range(150_000))
    yield "csv of 200000 columns", b"file," + b"," * 200_000 + b"\na.jpg\n"
    yield "csv of quotes", b'"' * 3_000_000
    yield "csv of NUL", b"file,sku\n\0\0\0,\0\n"
    yield "csv in UTF-16", "file;sku\na.jpg;ü\n".encode("utf-16")
    yield "csv in UTF-32", "file;sku\na.jpg;ü\n".encode("utf-32")
    yield "csv that is a photo", bases.jpegs()[0]
    yield "csv of one line", b"file," + b"a" * 4_000_000


_CELL = st.one_of(
    st.sampled_from(
        ("a.jpg", "=1+1", "@SUM(A1)", "-2+3", "+1", "\t=1", '"', "", "\0", "'", "x" * 900, "\u202e", "\r", "\ufeff")
    ),
    st.text(max_size=20),
)
_TWIST = st.tuples(
    st.sampled_from(("encrypted", "method", "unpacked size", "packed size", "checksum", "offset", "directory", "zip64",
                     "cut", "tail")),
    st.integers(0, 1 << 40),
)  # fmt: skip


def strategies() -> dict[str, st.SearchStrategy[bytes]]:
    """Kind of file -> what draws it."""
    flips = st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), max_size=6)
    methods = st.sampled_from((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    return {
        "zip": st.builds(
            strange, st.lists(st.sampled_from(NAMES), min_size=1, max_size=4), methods,
            st.sampled_from((0o644, 0o644, 0o120777, 0o777)), st.one_of(st.none(), _TWIST), flips,
        ),
        "csv": st.builds(
            sheet, st.lists(st.lists(_CELL, min_size=1, max_size=5), max_size=6), st.sampled_from(",;\t|"),
            st.sampled_from(("\n", "\r\n", "\r", "\n\r")),
            st.sampled_from(("utf-8", "utf-8-sig", "utf-16", "cp1252", "utf-32")),
            st.binary(max_size=12), st.sampled_from(("", '"')),
        ),
    }  # fmt: skip
