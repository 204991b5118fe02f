"""What a file's own structure may ask of a decoder, looked at before one opens it: frames, scans, canvas, ratio.

Read by hand and with bounds: a loop of TIFF directories, a JPEG of ten thousand scans or a WebP canvas of a gigapixel
costs its sender a few bytes and a decoder minutes or gigabytes (VAL-20, C24).
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

from processing.errors import InputRejected
from processing.limits import MAX_CHUNKS, MAX_FRAMES, MAX_RATIO, MAX_SCANNED, MAX_SCANS, MAX_SIDE, RATIO_FROM

_TIFF = {b"II*\0": "<", b"MM\0*": ">"}
_BIG_TIFF = {b"II+\0": "<", b"MM\0+": ">"}
_HEAD = 4096

# What people send by mistake or on purpose under a photo's name: (signature, anywhere in the head?, what it is).
_OTHERS: tuple[tuple[bytes, bool, str], ...] = (
    (b"%PDF-", True, "a PDF document"),
    (b"%!PS", False, "a PostScript (EPS) drawing"),
    (b"\xc5\xd0\xd3\xc6", False, "a PostScript (EPS) drawing"),
    (b"<svg", True, "an SVG drawing"),
    (b"push graphic-context", True, "an ImageMagick script (MVG)"),
    (b"<!doctype html", True, "a web page"),
    (b"<html", True, "a web page"),
    (b"<?php", True, "a program (PHP)"),
    (b"<script", True, "a web page"),
    (b"GIF8", False, "a GIF"),
    (b"BM", False, "a BMP"),
    (b"8BPS", False, "a Photoshop document (PSD)"),
    (b"PK\x03\x04", False, "a ZIP archive"),
    (b"Rar!", False, "a RAR archive"),
    (b"7z\xbc\xaf", False, "a 7-Zip archive"),
    (b"\x1f\x8b", False, "a gzip archive"),
    (b"MZ", False, "a Windows program"),
    (b"\x7fELF", False, "a program"),
    (b"#!", False, "a script"),
    (b"\0\0\0\x0cjP  ", False, "a JPEG 2000"),
    (b"\xff\x0a", False, "a JPEG XL"),
    (b"\0\0\0\x0cJXL ", False, "a JPEG XL"),
    (b"<?xml", False, "an XML file"),
)


def kind_of(head: bytes) -> str:
    """Say what the first bytes of a file that is no photo are ("a PDF document"); "" when nothing is known of them."""
    small = head.lower()
    for signature, is_anywhere, words in _OTHERS:
        if head.startswith(signature) or (is_anywhere and signature.lower() in small):
            return words
    return ""


def check(path: Path, max_pixels: int) -> int:
    """Refuse a file that asks too much before any decoder sees it; return how often its pixels are gone over.

    Raises InputRejected with too_many_frames, too_many_scans, too_many_chunks or too_many_pixels. Anything else, broken
    files too, is left to the decoder.
    """
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if head.startswith(b"\xff\xd8"):
        return _scans(path)
    if head[:4] in _TIFF or head[:4] in _BIG_TIFF:
        _check_pages(path)
    elif head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        _check_canvas(head, max_pixels)
    elif head.startswith(b"\x89PNG"):
        _check_chunks(path)
    return 1


def check_shape(width: int, height: int, passes: int = 1) -> None:
    """Refuse a side no library moves, a strip that is no photo, and too many passes over many pixels.

    Raises InputRejected.
    """
    longest, shortest = max(width, height), max(1, min(width, height))
    if longest > MAX_SIDE:
        raise InputRejected(
            f"The picture is {width} x {height} px; no side may be longer than {MAX_SIDE:,}. Send a smaller export.",
            code="too_many_pixels",
        )
    if longest > RATIO_FROM and longest > MAX_RATIO * shortest:
        raise InputRejected(
            f"The picture is {width} x {height} px: one side is over {MAX_RATIO} times the other. Send a photo of the "
            "product, not a strip.",
            code="extreme_ratio",
        )
    if passes * width * height > MAX_SCANNED:
        raise _too_many_scans(passes)


def _too_many_scans(scans: int) -> InputRejected:
    counted = str(scans) if scans <= MAX_SCANS else f"more than {MAX_SCANS}"
    return InputRejected(
        f"The JPEG is cut into {counted} scans, too many for its size; "
        "no camera or editor writes that. Export it again.",
        code="too_many_scans",
    )


def _frames(found: int, has_more: bool) -> InputRejected:
    return InputRejected(
        f"The file holds {'more than ' if has_more else ''}{found} pictures; the most we open is {MAX_FRAMES}. "
        "Send one picture per file.",
        code="too_many_frames",
    )


def _scans(path: Path) -> int:
    """Every scan of a progressive JPEG is a pass over the whole picture; real encoders write 3 to 12."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        # 0xFF is followed by a zero inside picture data, so a scan's marker never stands there by chance.
        at, scans = data.find(b"\xff\xda"), 0
        while at >= 0 and scans <= MAX_SCANS:
            scans += 1
            at = data.find(b"\xff\xda", at + 2)
    if scans > MAX_SCANS:
        raise _too_many_scans(scans)
    return max(1, scans)


def _check_pages(path: Path) -> None:
    """Follow the chain of directories without reading any: a loop ends it, as it does for the decoder."""
    seen: set[int] = set()
    with path.open("rb") as stream:
        head = stream.read(16)
        is_big = head[:4] in _BIG_TIFF
        order = (_BIG_TIFF if is_big else _TIFF)[head[:4]]
        count_form, step, next_form = (order + "Q", 20, order + "Q") if is_big else (order + "H", 12, order + "I")
        start = 8 if is_big else 4
        following = head[start : start + struct.calcsize(next_form)]
        while len(following) == struct.calcsize(next_form):
            (at,) = struct.unpack(next_form, following)
            if not at or at in seen or at >= 1 << 62:
                return
            seen.add(at)
            if len(seen) > MAX_FRAMES:
                raise _frames(MAX_FRAMES, True)
            stream.seek(at)
            counted = stream.read(struct.calcsize(count_form))
            if len(counted) < struct.calcsize(count_form):
                return
            entries = min(struct.unpack(count_form, counted)[0], 1 << 32)
            stream.seek(at + len(counted) + step * entries)
            following = stream.read(struct.calcsize(next_form))


def _check_canvas(head: bytes, max_pixels: int) -> None:
    """Opening an extended WebP reserves its canvas twice, before anybody could ask for its size."""
    if head[12:16] != b"VP8X" or len(head) < 30:
        return
    width = 1 + int.from_bytes(head[24:27], "little")
    height = 1 + int.from_bytes(head[27:30], "little")
    if width * height > max_pixels:
        raise InputRejected(
            f"The picture has {width} x {height} pixels; the most we take is {max_pixels / 1e6:.0f} megapixels. "
            "Send a smaller export.",
            code="too_many_pixels",
        )


def _check_chunks(path: Path) -> None:
    """Count a PNG's chunks, and the frames it says it has: each chunk is a step of an interpreter in the decoder."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at, chunks, end = 8, 0, len(data) - 12
        while at <= end:
            size, name = struct.unpack_from(">I4s", data, at)
            chunks += 1
            if chunks > MAX_CHUNKS:
                raise InputRejected(
                    f"The PNG is cut into more than {MAX_CHUNKS:,} pieces; no editor writes that. Export it again.",
                    code="too_many_chunks",
                )
            if name == b"acTL" and size == 8:
                (found,) = struct.unpack_from(">I", data, at + 8)
                if found > MAX_FRAMES:
                    raise _frames(found, False)
            if name == b"IEND":
                return
            at += 12 + size
