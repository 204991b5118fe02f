"""Pictures that are broken where their format says something: chunks, segments, directories, and what holds them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from benchmarks.fuzzing import bases

SIZES = (0, 1, 2, 519, 521, 32_766, 32_767, 60_000, 65_500, 65_535, 0x7FFFFFFF, 0xFFFFFFFF)
Ops = Sequence[tuple[str, int, int]]
"""(what to do, where, with what): numbers are taken modulo what there is, so that any draw means something."""


def flipped(data: bytes, places: Sequence[tuple[int, int]], cut: int, tail: bytes) -> bytes:
    """Overwrite bytes, cut the end off (`cut` of 1000), append something."""
    found = bytearray(data)
    for at, value in places:
        if found:
            found[at % len(found)] = value
    return bytes(found[: max(1, len(found) * cut // 1000)]) + tail


def png_chunks(data: bytes) -> list[list[Any]]:
    """[type, payload] of each chunk of a sound PNG."""
    found, at = [], 8
    while at + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        found.append([name, data[at + 8 : at + 8 + size]])
        at += 12 + size
    return found


def png_bytes(chunks: Sequence[Sequence[Any]], lies: dict[int, tuple[int, int]] | None = None) -> bytes:
    """Write chunks; `lies` gives a chunk another length and another checksum."""
    out = [b"\x89PNG\r\n\x1a\n"]
    for n, (name, payload) in enumerate(chunks):
        length, crc = (lies or {}).get(n, (len(payload), zlib.crc32(name + payload)))
        out.append(struct.pack(">I", length & 0xFFFFFFFF) + name + payload + struct.pack(">I", crc & 0xFFFFFFFF))
    return b"".join(out)


def _inserted(value: int) -> list[Any]:
    options: list[list[Any]] = [
        [b"iCCP", b"x\0\0" + zlib.compress(b"\0" * 1_000_000)[: value % 900 + 4]],
        [b"zTXt", b"Comment\0\0" + zlib.compress(b"a" * (value % 5_000_000))],
        [b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b"b" * (value % 3_000_000))],
        [b"acTL", struct.pack(">II", value, 0)],
        [b"fcTL", struct.pack(">IIIIIHHBB", 0, value, value, 0, 0, 1, 1, 0, 0)],
        [b"eXIf", b"MM\0*" + struct.pack(">IHI", 8, value % 60_000, value)],
        [b"tRNS", bytes(value % 300)],
        [b"PLTE", bytes(value % 900)],
        [b"ABCD", b"an unknown chunk that says it matters"],
        [b"IDAT", b""],
        [b"gAMA", struct.pack(">I", value)],
    ]
    return options[value % len(options)]


def broken_png(base: bytes, ops: Ops) -> bytes:
    """Change a PNG chunk by chunk."""
    chunks = png_chunks(base)
    lies: dict[int, tuple[int, int]] = {}
    for what, where, value in ops:
        at = where % len(chunks)
        name, payload = chunks[at]
        if what == "size":
            header = list(struct.unpack(">IIBBBBB", chunks[0][1])) if len(chunks[0][1]) == 13 else [1] * 7
            header[where % 2] = SIZES[value % len(SIZES)]
            chunks[0][1] = struct.pack(">IIBBBBB", *header)
        elif what == "header":
            chunks[0][1] = chunks[0][1][:8] + bytes([value % 256, where % 8, 0, 0, where % 3])
        elif what == "length":
            lies[at] = (SIZES[value % len(SIZES)], zlib.crc32(name + payload))
        elif what == "crc":
            lies[at] = (len(payload), value)
        elif what == "drop" and len(chunks) > 1:
            chunks.pop(at)
        elif what == "twice":
            chunks.insert(at, list(chunks[at]))
        elif what == "swap":
            chunks[at], chunks[-1 - at] = chunks[-1 - at], chunks[at]
        elif what == "cut":
            chunks[at][1] = payload[: value % (len(payload) + 1)]
        else:
            chunks.insert(1 + at % len(chunks), _inserted(value))
    return png_bytes(chunks, {n: lie for n, lie in lies.items() if n < len(chunks)})


def jpeg_segments(data: bytes) -> tuple[list[list[Any]], bytes]:
    """[marker, payload] up to the picture data, and all that follows."""
    found, at = [], 2
    while at + 4 <= len(data) and data[at + 1] != 0xDA:
        size = struct.unpack_from(">H", data, at + 2)[0]
        found.append([data[at + 1], data[at + 4 : at + 2 + size]])
        at += 2 + size
    return found, data[at:]


def _exif_loop(value: int) -> bytes:
    """A directory whose sub-directories are itself."""
    entries = [(0x8769, 4, 1, 8), (0x8825, 4, 1, 8), (0x0112, 3, value % 70_000, value), (0x927C, 7, value, 8)]
    rows = b"".join(struct.pack("<HHII", tag, kind, count, place & 0xFFFFFFFF) for tag, kind, count, place in entries)
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + rows + struct.pack("<I", 8)


def _segment(value: int) -> list[Any]:
    options: list[list[Any]] = [
        [0xE1, _exif_loop(value)],
        [0xE1, bases.exif(value % 9)],
        [0xE2, b"ICC_PROFILE\0" + bytes([value % 7, value % 5]) + bytes(value % 3000)],
        [0xE2, b"MPF\0II*\0\x08\0\0\0" + struct.pack("<HHHII", 1, 0xB001, 4, 1, value)],
        [0xED, b"Photoshop 3.0\0" + b"8BIM" + struct.pack(">HHI", value % 65536, 0, value)],
        [0xEE, b"Adobe\0" + struct.pack(">HHHB", 100, 0, 0, value % 256)],
        [0xDD, struct.pack(">H", value % 65536)],
        [0xFE, b"<script>alert(1)</script>" * (value % 2000)],
        [0xC0, struct.pack(">BHHB", 8, value % 65536, value % 65521, 3) + bytes(9)],
        [0xE0, b"JFIF\0\1\1\0" + struct.pack(">HHBB", 1, 1, 255, 255)],
    ]
    return options[value % len(options)]


def broken_jpeg(base: bytes, ops: Ops) -> bytes:
    """Change a JPEG segment by segment."""
    segments, rest = jpeg_segments(base)
    lies: dict[int, int] = {}
    for what, where, value in ops:
        at = where % len(segments)
        frames = [n for n, (marker, _) in enumerate(segments) if marker in (0xC0, 0xC1, 0xC2)]
        if what == "size" and frames:
            payload = bytearray(segments[frames[0]][1].ljust(6, b"\0"))
            struct.pack_into(">H", payload, 1 + 2 * (where % 2), SIZES[value % len(SIZES)] & 0xFFFF)
            segments[frames[0]][1] = bytes(payload)
        elif what == "header" and frames:
            segments[frames[0]][0] = 0xC0 + value % 16
        elif what == "length":
            lies[at] = value % 65536
        elif what == "drop" and len(segments) > 1:
            segments.pop(at)
        elif what == "twice":
            segments.insert(at, list(segments[at]))
        elif what == "swap":
            segments[at], segments[-1 - at] = segments[-1 - at], segments[at]
        elif what == "cut":
            rest = rest[: value % (len(rest) + 1)]
        elif what == "crc":  # no checksums here: a marker in the middle of the picture
            spot = value % max(1, len(rest))
            rest = rest[:spot] + bytes([0xFF, 0xC0 + where % 48]) + rest[spot:]
        else:
            segments.insert(at, _segment(value))
    out = [b"\xff\xd8"]
    for n, (marker, payload) in enumerate(segments):
        length = lies.get(n, min(65_535, len(payload) + 2))
        out.append(struct.pack(">BBH", 0xFF, marker & 0xFF, length) + payload[:65_533])
    return b"".join(out) + rest


def riff_chunks(data: bytes) -> list[list[Any]]:
    """[name, payload] of a WebP's chunks."""
    found, at = [], 12
    while at + 8 <= len(data):
        size = struct.unpack_from("<I", data, at + 4)[0]
        found.append([data[at : at + 4], data[at + 8 : at + 8 + size]])
        at += 8 + size + size % 2
    return found


def broken_webp(base: bytes, ops: Ops) -> bytes:
    """Change a WebP chunk by chunk."""
    chunks = riff_chunks(base)
    lies: dict[int, int] = {}
    total: int | None = None
    for what, where, value in ops:
        at = where % len(chunks)
        if what == "size":
            canvas = SIZES[value % len(SIZES)] & 0xFFFFFF
            chunks.insert(0, [b"VP8X", bytes([where % 256, 0, 0, 0]) + struct.pack("<I", canvas)[:3] * 2])
        elif what == "header":
            total = SIZES[value % len(SIZES)]
        elif what == "length":
            lies[at] = SIZES[value % len(SIZES)]
        elif what == "drop" and len(chunks) > 1:
            chunks.pop(at)
        elif what == "twice":
            chunks.insert(at, list(chunks[at]))
        elif what == "swap":
            chunks[at], chunks[-1 - at] = chunks[-1 - at], chunks[at]
        elif what in ("cut", "crc"):
            chunks[at][1] = chunks[at][1][: value % (len(chunks[at][1]) + 1)]
        else:
            extra = [(b"ICCP", bytes(value % 5000)), (b"EXIF", _exif_loop(value)), (b"XMP ", b"<x/>" * (value % 999)),
                     (b"ANIM", bytes(6)), (b"ANMF", bytes(value % 64)), (b"ALPH", bytes(value % 999))]  # fmt: skip
            chunks.insert(at, list(extra[value % len(extra)]))
    body = b"WEBP"
    for n, (name, payload) in enumerate(chunks):
        body += name + struct.pack("<I", lies.get(n, len(payload)) & 0xFFFFFFFF) + payload + b"\0" * (len(payload) % 2)
    return b"RIFF" + struct.pack("<I", (len(body) if total is None else total) & 0xFFFFFFFF) + body


def broken_tiff(tags: dict[int, tuple[int, int]], order: str, following: int, body_size: int) -> bytes:
    """A TIFF written by hand; `tags` replaces (count, value) of what a sound one would say."""
    side = 64
    sound: dict[int, tuple[int, int, int]] = {
        256: (3, 1, side), 257: (3, 1, side), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1), 273: (4, 1, 300),
        277: (3, 1, 1), 278: (3, 1, side), 279: (4, 1, side * side),
    }  # fmt: skip
    made: dict[int, tuple[int, int, bytes]] = {}
    for tag, (kind, count, value) in sound.items():
        made[tag] = (kind, count, _number(order, kind, value))
    for tag, (count, value) in tags.items():
        kind = sound.get(tag, (4, 1, 0))[0] if value < 65_536 else 4
        made[tag] = (kind, count, _number(order, kind, value))
    return bases.tiff_of(made, bytes(range(256)) * (body_size // 256 + 1), order=order, following=following)


def _number(order: str, kind: int, value: int) -> bytes:
    return struct.pack(order + ("H" if kind == 3 else "I"), value & (0xFFFF if kind == 3 else 0xFFFFFFFF))


_WHAT = st.sampled_from(("size", "header", "length", "crc", "drop", "twice", "swap", "cut", "insert", "insert"))
_OPS = st.lists(st.tuples(_WHAT, st.integers(0, 40), st.integers(0, 0xFFFFFFFF)), min_size=1, max_size=4)
_PLACES = st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), max_size=12)
_PROFILE_PLACES = st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), max_size=12)
_TAGS = st.dictionaries(
    st.sampled_from((256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 317, 320, 322, 323, 324, 325, 330, 338, 339,
                     347, 34665, 34675, 34853, 50706, 65000)),
    st.tuples(st.sampled_from((0, 1, 2, 3, 4, 255, 65_535, 1 << 20, 0x7FFFFFFF, 0xFFFFFFFF)),
              st.one_of(st.sampled_from((0, 1, 2, 5, 6, 7, 8, 16, 32, 64, 32_773, 34_712, 50_000, 0xFFFFFFFF)),
                        st.integers(0, 0xFFFFFFFF))),
    min_size=1, max_size=5,
)  # fmt: skip


def with_profile(places: Sequence[tuple[int, int]], cut: int, seed: int) -> bytes:
    """A sound photo whose colour profile is none: littleCMS reads it in every worker."""
    return bases.saved("JPEG", icc_profile=flipped(bases.icc(), places, cut, b""), seed=seed, quality=70)


def _flips(found: Callable[[], list[bytes]]) -> st.SearchStrategy[bytes]:
    tails = st.sampled_from((b"", b"", b"\0" * 999, b"<?php system($_GET[0]); ?>", b"PK\x03\x04trailing"))
    cuts = st.one_of(st.just(1000), st.integers(1, 1000))
    return st.builds(flipped, st.sampled_from(found()), _PLACES, cuts, tails)


def strategies() -> dict[str, st.SearchStrategy[bytes]]:
    """Kind of file -> what draws it; the first word is the ending it is sent under."""
    found = {
        "jpg segments": st.builds(broken_jpeg, st.sampled_from(bases.jpegs()), _OPS),
        "jpg bytes": _flips(bases.jpegs),
        "jpg profiles": st.builds(
            with_profile, _PROFILE_PLACES, st.sampled_from((1000, 1000, 700, 200)), st.integers(0, 7)
        ),
        "png chunks": st.builds(broken_png, st.sampled_from(bases.pngs()), _OPS),
        "png bytes": _flips(bases.pngs),
        "webp chunks": st.builds(broken_webp, st.sampled_from(bases.webps()), _OPS),
        "webp bytes": _flips(bases.webps),
        "tif directories": st.builds(
            broken_tiff, _TAGS, st.sampled_from("<>"), st.sampled_from((0, 0, 8, 10, 0xFFFFFFF0)), st.integers(0, 9000)
        ),
        "tif bytes": _flips(bases.tiffs),
    }
    if bases.avifs():
        found["avif bytes"] = _flips(bases.avifs)
    return found
