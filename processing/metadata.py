"""Facts in and out of picture files: only an allow-list, never a place (GPS), a serial number or a maker's note."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from PIL import Image
from PIL.ExifTags import IFD

from processing.types import Finding

EXIF_ERRORS = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError,
               EOFError, RuntimeError, struct.error)  # fmt: skip
_ORIENTATION = 0x0112
_MAIN = {0x010F: "make", 0x0110: "model"}
_DETAIL = {
    0x829A: "exposure_time",
    0x829D: "f_number",
    0x8827: "iso",
    0x9003: "taken_at",
    0x920A: "focal_length",
    0xA434: "lens",
}
WRITABLE: Mapping[str, int] = {
    "sku": 0x010D,  # DocumentName: the TIFF field for what a scanned thing is called
    "description": 0x010E,
    "title": 0x010E,
    "artist": 0x013B,
    "copyright": 0x8298,
    "software": 0x0131,
}
"""Names that `write` puts into a file, and their EXIF tag."""


@dataclass(frozen=True, slots=True)
class Tags:
    """What was read. `orientation` is 1..8; `taken_at` is ISO 8601 without zone or ""."""

    orientation: int = 1
    camera: str = ""
    taken_at: str = ""
    shown: Mapping[str, str] = field(default_factory=dict)


def _clean(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, tuple):
        value = value[0] if value else ""
    if not isinstance(value, str):
        value = f"{float(value):g}"
    return re.sub(r"[^\x20-\x7E\u00A0-\uD7FF]", "", value).strip()[:120]


def _moment(value: str) -> str:
    try:
        return datetime.strptime(value, "%Y:%m:%d %H:%M:%S").isoformat()
    except ValueError:
        return ""


def read(image: Image.Image, findings: list[Finding]) -> Tags:
    """Read the allow-listed tags of an opened picture. A broken block adds a finding and gives the defaults."""
    try:
        exif = image.getexif()
        orientation = int(exif.get(_ORIENTATION, 1))
        main = {name: _clean(exif[tag]) for tag, name in _MAIN.items() if tag in exif}
        detail = exif.get_ifd(IFD.Exif)
        shown = {name: _clean(detail[tag]) for tag, name in _DETAIL.items() if tag in detail}
    except EXIF_ERRORS:
        findings.append(Finding("exif_dropped", "warning", "The camera data in the file is broken and was dropped."))
        return Tags()
    make, model = main.get("make", ""), main.get("model", "")
    camera = model if model.lower().startswith(make.lower()) else f"{make} {model}"
    taken_at = _moment(shown.pop("taken_at", ""))
    return Tags(
        orientation=orientation if 1 <= orientation <= 8 else 1,
        camera=camera.strip()[:120],
        taken_at=taken_at,
        shown={key: value for key, value in shown.items() if value},
    )


def write(values: Mapping[str, str]) -> bytes:
    """Return an EXIF block with the allow-listed names of `values`, b"" when there are none; others are left out.

    Text is UTF-8, as the Metadata Working Group's guidelines (2010) ask for EXIF strings.
    """
    exif = Image.Exif()
    for name, tag in WRITABLE.items():
        text = clean_text(values.get(name, ""))
        if text:
            exif[tag] = text.encode()
    return exif.tobytes() if len(exif) else b""


def clean_text(text: str) -> str:
    """Return text as it goes into a file: one line, at most 2000 characters."""
    return re.sub(r"[\x00-\x1F]", " ", text)[:2000].strip()


def into_tiff(data: bytes, tags: bytes) -> bytes:
    """Return the TIFF with the texts of the EXIF block `tags` in its first directory, which moves to the file's end.

    Classic TIFF of either byte order; libvips writes pixels and profile but none of these fields.
    """
    exif = Image.Exif()
    exif.load(tags)
    order = "<" if data[:2] == b"II" else ">"
    (start,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, start)
    rows = [data[at : at + 12] for at in range(start + 2, start + 2 + 12 * count, 12)]
    entries = {struct.unpack_from(f"{order}H", row)[0]: row for row in rows}
    following = data[start + 2 + 12 * count : start + 6 + 12 * count]
    body = bytearray(data)
    for tag, value in exif.items():
        text = str(value).encode("latin-1") + b"\0"
        place = text.ljust(4, b"\0")
        if len(text) > 4:
            body += b"\0" * (len(body) % 2)
            place = struct.pack(f"{order}I", len(body))
            body += text
        entries[tag] = struct.pack(f"{order}HHI", tag, 2, len(text)) + place
    body += b"\0" * (len(body) % 2)
    body[4:8] = struct.pack(f"{order}I", len(body))
    body += struct.pack(f"{order}H", len(entries)) + b"".join(entries[tag] for tag in sorted(entries)) + following
    return bytes(body)


def written(image: Image.Image) -> dict[str, str]:
    """Return the texts under the names of `WRITABLE` that an opened picture carries."""
    exif = image.getexif()
    found = {}
    for name, tag in WRITABLE.items():
        if tag in exif:
            # Pillow reads EXIF text byte by byte (latin-1); what we wrote is UTF-8.
            found[name] = str(exif[tag]).encode("latin-1", "replace").decode("utf-8", "replace")
    return found
