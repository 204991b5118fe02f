"""A photo decoded once and kept as small as looking at it needs, with stricter checks than a full decode.

A JPEG runs through libvips row by row and is averaged in blocks on the way, so that the full picture never lies in
memory. libjpeg could also undo the DCT at 1/2 to 1/8 of the size at a third of the cost, but then libvips 8.18 doesn't
fail on damaged data (measured), and knowing of damage is what intake is for. Other formats are decoded whole.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from PIL import Image

from processing import codecs, icc, raw
from processing.geometry import quickly_shrunk, shrunk
from processing.limits import MAX_BYTES, MAX_PIXELS
from processing.types import Finding, RGBArray

_BROKEN_DATA = ("premature end", "bad Huffman code", "bad progression", "Corrupted data")
_MODES = {1: "L", 3: "RGB"}


def glance(path: Path, side: int, *, max_pixels: int = MAX_PIXELS, max_bytes: int = MAX_BYTES) -> codecs.Photo:
    """Decode upright in sRGB with the longest side between `side` and twice that (smaller photos as they are).

    `info` tells the size of the photo itself; `alpha` is reduced like `rgb`. Raises InputRejected with the codes of
    `codecs.open_photo`, and "unreadable" for a JPEG whose data break off or make no sense half way (VAL-06), which
    `open_photo` lets pass: Pillow paints it grey from there on and says nothing.
    """
    size = codecs.check_size(path, max_bytes)
    if raw.is_raw(path):
        return _reduced(codecs.open_photo(path, max_pixels=max_pixels, max_bytes=max_bytes), side)
    with codecs.opened(path, max_pixels) as image:
        if image.format in ("JPEG", "MPO"):
            small = jpeg_data(path, max(1, max(image.size) // side))
            mode = "" if small is None else _MODES.get(small.shape[2], "")
            if small is not None and mode == image.mode and _is_whole(path):
                findings: list[Finding] = []
                info = codecs.info_of(image, size, findings)
                colour = Image.fromarray(small if mode == "RGB" else small[..., 0])
                rgb = np.asarray(icc.to_srgb(colour, image.info.get("icc_profile"), findings))
                return codecs.Photo(codecs.turned(rgb, info.exif_orientation), None, info, tuple(findings))
    photo = codecs.open_photo(path, max_pixels=max_pixels, max_bytes=max_bytes)
    return _reduced(photo, side)


def jpeg_data(path: Path, shrink: int) -> RGBArray | None:
    """Decode a JPEG and average blocks of `shrink` px, as stored: not turned, no profile, (H, W, bands) uint8.

    None when libjpeg has something else to remark: surplus bytes between markers, as some cameras write them, are no
    damage, and bits that still decode leave no trace in a format without a checksum. Raises
    InputRejected(code="unreadable") for picture data that break off or make no sense.
    """
    import pyvips  # the one decoder here that passes libjpeg's warnings on; loaded once per process, when first needed

    try:
        whole = pyvips.Image.jpegload(os.fsencode(path), access="sequential", fail_on="warning")
        small = whole.shrink(shrink, shrink) if shrink > 1 else whole
        # Not numpy(): pyvips trips over a picture of one grey pixel.
        found = np.frombuffer(small.write_to_memory(), np.uint8).reshape(small.height, small.width, small.bands)
    except pyvips.Error as exc:
        if any(words in exc.detail for words in _BROKEN_DATA):
            if not _is_whole(path):  # said better there: the end is missing
                codecs.open_photo(path)
            raise codecs.unreadable(path, OSError("its picture data are damaged")) from exc
        return None
    return found


def _is_whole(path: Path) -> bool:
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - codecs.JPEG_TAIL))
        return codecs.ends_whole(stream.read())


def _reduced(photo: codecs.Photo, side: int) -> codecs.Photo:
    longest = max(photo.rgb.shape[:2])
    if longest < 2 * side:
        return photo
    alpha = None if photo.alpha is None else shrunk(photo.alpha, side)[0]
    return codecs.Photo(quickly_shrunk(photo.rgb, side), alpha, photo.info, photo.findings)
