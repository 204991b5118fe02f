"""What `fuse` and `straighten` share: where a prepared picture goes, and in which format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from processing import codecs
from processing.errors import InputRejected
from processing.resumable import write_whole
from processing.types import RGBArray


def check_target(target: Path, sources: Sequence[Path]) -> None:
    """Raise InputRejected(code="invalid_parameter") for an original, or an ending that is none of ours."""
    if target.suffix.lower() not in (".jpg", ".jpeg", ".png"):
        raise InputRejected(f"{target.name} should end in .jpg or .png.", code="invalid_parameter")
    if any(target.resolve() == source.resolve() for source in sources):
        raise InputRejected("Originals are never written over; name another file.", code="invalid_parameter")


def write(target: Path, rgb: RGBArray) -> None:
    """Write the picture as its name says: lossless PNG, or JPEG of quality 95. Raises StageFailed."""
    write_whole(target, codecs.encode_png(rgb) if target.suffix.lower() == ".png" else codecs.encode_jpeg(rgb))
