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
    """Return an EXIF block with the allow-listed names of `values`, b"" when there are none; others are left out."""
    exif = Image.Exif()
    for name, tag in WRITABLE.items():
        text = values.get(name, "")
        if text:
            exif[tag] = re.sub(r"[\x00-\x1F]", " ", text)[:2000]
    return exif.tobytes() if len(exif) else b""
