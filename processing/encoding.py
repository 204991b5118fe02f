"""Encoding a finished frame by a channel's rules: format, quality, profile, depth, resolution, size limit."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from PIL import Image

from processing import codecs, metadata, png
from processing.errors import StageFailed
from processing.params import ChannelSpec
from processing.types import RGBArray

LOWEST_QUALITY = 10
DEFAULT_QUALITY = {"JPEG": 95, "WEBP": 90, "AVIF": 80}
# Adobe RGB (1998) Color Image Encoding, version 2005-05: primaries adapted to D50 (section 4.3.5.3), gamma 2.19921875.
_ADOBE_PRIMARIES = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
_D50 = (0.96420, 1.0, 0.82491)
_ADOBE_GAMMA = 563 / 256


def encode(frame: RGBArray, spec: ChannelSpec, tags: bytes) -> bytes:
    """Encode (H, W, 3) uint8 sRGB for the channel; within `max_bytes` if it has one.

    Raises StageFailed(code="too_many_bytes") when even the lowest quality is too large: nothing is sent out of bounds.
    """
    if spec.format == "TIFF":
        return _within(_tiff(frame, spec, tags), spec)
    if spec.format == "PNG":
        return _within(_png(frame, tags), spec)
    best = spec.quality or DEFAULT_QUALITY[spec.format]
    usable: Sequence[int] = range(LOWEST_QUALITY, 101)
    if spec.background == "pure_white" and spec.format == "JPEG":
        usable = [quality for quality in usable if keeps_white(quality)]
        best = next(quality for quality in usable if quality >= best)
    data = _lossy(frame, spec, best, tags)
    if not spec.max_bytes or len(data) <= spec.max_bytes:
        return data
    lower = [quality for quality in usable if quality < best]
    return largest_fitting(lambda quality: _lossy(frame, spec, quality, tags), lower, spec.max_bytes)


@lru_cache(maxsize=128)
def keeps_white(quality: int) -> bool:
    """Tell whether plain white comes back from our JPEG encoder as exactly 255 at this quality (1..100).

    At some it does not: the quantiser step of a block's mean (ITU-T T.81, A.3.4) has no multiple near enough to 255,
    and a whole white background becomes 254. The encoder itself is asked, with one tile. WebP chooses its steps by
    content, so no such table can be made for it; verification looks at what came out.
    """
    tile = np.full((16, 16, 3), 255, np.uint8)
    with Image.open(io.BytesIO(codecs.encode_jpeg(tile, quality=quality))) as image:
        return bool((np.asarray(image) == 255).all())


def _png(frame: RGBArray, tags: bytes) -> bytes:
    data = codecs.encode_png(frame, compress_level=6)
    if not tags:
        return data
    return png.with_chunk(data, b"eXIf", tags.removeprefix(b"Exif\0\0"))


def _lossy(frame: RGBArray, spec: ChannelSpec, quality: int, tags: bytes) -> bytes:
    if spec.format == "WEBP":
        return codecs.encode_webp(frame, quality=quality, method=4, tags=tags)
    if spec.format == "AVIF":
        return codecs.encode_avif(frame, quality=quality, tags=tags)
    return codecs.encode_jpeg(frame, quality=quality, dpi=spec.dpi, tags=tags, is_progressive=spec.progressive)


def largest_fitting(make: Callable[[int], bytes], qualities: Sequence[int], max_bytes: int) -> bytes:
    """Binary search over rising `qualities` for the largest file within `max_bytes` (EXP-15; seed 003 L49-72).

    Where the seed answers 95 when nothing fits, this raises StageFailed(code="too_many_bytes").
    """
    low, high, found = 0, len(qualities) - 1, b""
    while low <= high:
        middle = (low + high) // 2
        data = make(qualities[middle])
        if len(data) <= max_bytes:
            found, low = data, middle + 1
        else:
            high = middle - 1
    if not found:
        raise StageFailed(
            f"Even at quality {LOWEST_QUALITY} the file is larger than {max_bytes / 1024:.0f} KB. "
            "Lower the size in pixels.",
            code="too_many_bytes",
        )
    return found


def _within(data: bytes, spec: ChannelSpec) -> bytes:
    if spec.max_bytes and len(data) > spec.max_bytes:
        raise StageFailed(
            f"The file has {len(data) / 1024**2:.1f} MB; {spec.name} takes {spec.max_bytes / 1024**2:.1f} MB.",
            code="too_many_bytes",
        )
    return data


def _tiff(frame: RGBArray, spec: ChannelSpec, tags: bytes) -> bytes:
    """TIFF by libvips, because Pillow has no 16-bit RGB (B44): converted by profile, deflate, with its resolution."""
    import pyvips  # 57 MB of memory that only print needs

    height, width = frame.shape[:2]
    image = pyvips.Image.new_from_memory(np.ascontiguousarray(frame).tobytes(), width, height, 3, "uchar")
    image = image.copy(interpretation="srgb")
    if spec.colour_space == "AdobeRGB":
        image = _to_adobe(image, spec.bits)
    elif spec.bits == 16:
        image = (image.cast("ushort") * 257).cast("ushort").copy(interpretation="rgb16")
    per_mm = (spec.dpi or 72) / 25.4
    image = image.copy(xres=per_mm, yres=per_mm)
    data = bytes(image.tiffsave_buffer(compression="deflate", predictor="horizontal", resunit="inch", keep="icc"))
    return metadata.into_tiff(data, tags) if tags else data


def _to_adobe(image: object, bits: int) -> object:
    """Convert by littleCMS (in libvips) and embed the profile: pixel values change, nothing is merely relabelled."""
    import tempfile

    with tempfile.NamedTemporaryFile(suffix=".icc") as file:
        file.write(adobe_rgb_profile())
        file.flush()
        converted = image.icc_transform(file.name, input_profile="srgb", depth=bits, intent="relative")  # type: ignore[attr-defined]
        return converted.copy_memory()


@lru_cache(maxsize=1)
def adobe_rgb_profile() -> bytes:
    """Return a matrix/TRC ICC v2 profile compatible with Adobe RGB (1998), built from its published primaries.

    Built here because no freely licensed file comes with any of our packages. Structure: ICC.1:2001-04.
    """
    curve = struct.pack(">4sIIH2x", b"curv", 0, 1, round(_ADOBE_GAMMA * 256))
    entries: list[tuple[bytes, bytes]] = [
        (b"desc", _desc("Compatible with Adobe RGB (1998)")),
        (b"cprt", b"text\0\0\0\0" + b"No copyright, use freely\0"),
        (b"wtpt", _xyz((0.95045, 1.0, 1.08905))),
        *((tag, _xyz(value)) for tag, value in zip((b"rXYZ", b"gXYZ", b"bXYZ"), _ADOBE_PRIMARIES, strict=True)),
        *((tag, curve) for tag in (b"rTRC", b"gTRC", b"bTRC")),
    ]
    offset = 128 + 4 + 12 * len(entries)
    table, body = b"", b""
    for tag, value in entries:
        padded = value + b"\0" * (-len(value) % 4)
        table += struct.pack(">4sII", tag, offset + len(body), len(value))
        body += padded
    size = offset + len(body)
    header = struct.pack(
        ">I4sI4s4s4s6H4s4sI4s4sQI3i4s44x",
        size, b"\0\0\0\0", 0x02100000, b"mntr", b"RGB ", b"XYZ ", 2026, 1, 1, 0, 0, 0, b"acsp", b"APPL", 0, b"none",
        b"none", 0, 0, *(round(value * 65536) for value in _D50), b"none",
    )  # fmt: skip
    return header + struct.pack(">I", len(entries)) + table + body


def _xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def _desc(text: str) -> bytes:
    encoded = text.encode("ascii") + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(encoded)) + encoded + struct.pack(">IIHB67x", 0, 0, 0, 0)
