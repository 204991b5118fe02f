"""Camera raw files: told by content, developed by LibRaw (package rawpy, the extra `raw`).

Most raw files are TIFFs whose first picture is a small preview. A TIFF reader would take that for the photo, so raw is
asked for before anything else opens the file.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from processing import formats
from processing.errors import InputRejected
from processing.types import RGBArray

_MAGIC = (b"FUJIFILMCCD-RAW", b"IIU\0", b"IIRO", b"IIRS", b"MMOR")  # RAF, RW2, ORF
_TIFF = {b"II*\0": "<", b"MM\0*": ">"}
_DNG_VERSION, _SUBFILE_TYPE, _SUB_IFDS = 50706, 254, 330
_REDUCED = 1
_MOST_TAGS = 512


def is_raw(path: Path) -> bool:
    """Tell by content: a raw maker's signature, a DNG, or a TIFF that starts with a preview of a picture elsewhere."""
    with path.open("rb") as stream:
        head = stream.read(32)
        if head.startswith(_MAGIC) or head[4:12] == b"ftypcrx " or (head[:4] == b"II*\0" and head[8:10] == b"CR"):
            return True
        order = _TIFF.get(head[:4])
        if order is None or len(head) < 8:
            return False
        stream.seek(struct.unpack(order + "I", head[4:8])[0])
        count = stream.read(2)
        if len(count) < 2:
            return False
        size = min(_MOST_TAGS, struct.unpack(order + "H", count)[0])
        table = stream.read(12 * size)
    tags = {tag: value for tag, _, _, value in struct.iter_unpack(order + "HHII", table[: len(table) // 12 * 12])}
    return _DNG_VERSION in tags or (_SUB_IFDS in tags and _is_preview(tags.get(_SUBFILE_TYPE, 0)))


def _is_preview(subfile_type: int) -> bool:
    return bool(subfile_type & _REDUCED)


def develop(path: Path, max_pixels: int) -> RGBArray:
    """Develop upright in sRGB, 8 bits: the camera's white balance, no automatic brightening, so that a set stays even.

    Raises InputRejected with code unsupported_format (no rawpy here), too_many_pixels or unreadable.
    """
    if "RAW" not in formats.enabled():
        raise InputRejected(formats.missing("RAW"), code="unsupported_format")
    import rawpy  # optional

    try:
        with rawpy.imread(str(path)) as photo:
            if photo.sizes.raw_width * photo.sizes.raw_height > max_pixels:
                raise InputRejected(
                    f"The photo has {photo.sizes.raw_width} x {photo.sizes.raw_height} pixels; the most we take is "
                    f"{max_pixels / 1e6:.0f} megapixels. Send a smaller export.",
                    code="too_many_pixels",
                )
            developed = photo.postprocess(
                use_camera_wb=True,
                no_auto_bright=True,
                output_color=rawpy.ColorSpace.sRGB,
                output_bps=8,
                gamma=(2.4, 12.92),
            )
    except rawpy.LibRawError as exc:
        raise InputRejected(
            "The camera's raw file can't be developed: it is damaged, or of a camera we don't know. Export it as TIFF "
            "or JPEG and send that.",
            code="unreadable",
        ) from exc
    return np.ascontiguousarray(developed, np.uint8)
