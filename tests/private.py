"""Photos that carry all that must never leave with them, and the search for it in whatever comes out."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, TiffImagePlugin

from benchmarks.fuzzing import bases, pictures

TOKENS = (b"SECRET", b"SecretMaker", b"S\0E\0C\0R\0E\0T")
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:aux="http://ns.adobe.com/exif/1.0/aux/" xmlns:exif="http://ns.adobe.com/exif/1.0/" '
    b'aux:OwnerName="SECRET-XMP-OWNER" '
    b'aux:SerialNumber="SECRET-XMP-SERIAL" exif:GPSLatitude="52,31.2N"/></rdf:RDF></x:xmpmeta>'
)
IPTC = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x10\x1c\x02\x50\0\x0bSECRET-IPTC"
FORBIDDEN = re.compile(
    r"gps|serial|owner|makernote|xmp|iptc|by-?line|creatortool|usercomment|^exif:.*artist", re.IGNORECASE
)
"""Groups and names as exiftool gives them."""


def photos(pixels: npt.NDArray[np.uint8]) -> dict[str, bytes]:
    """The same picture as JPEG, PNG, WebP and TIFF, each with every private block its format knows."""
    image, tags = Image.fromarray(pixels), bases.exif()
    found: dict[str, bytes] = {}
    out = io.BytesIO()
    image.save(out, "JPEG", quality=92, exif=tags, icc_profile=bases.icc(), comment=b"SECRET-COMMENT")
    segments, rest = pictures.jpeg_segments(out.getvalue())
    extra = [[0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP], [0xED, IPTC]]
    found["private.jpg"] = b"\xff\xd8" + b"".join(
        bytes([0xFF, marker]) + (len(payload) + 2).to_bytes(2, "big") + payload
        for marker, payload in [*extra, *segments]
    ) + rest  # fmt: skip
    out = io.BytesIO()
    image.save(out, "PNG", exif=tags, icc_profile=bases.icc(), compress_level=1)
    chunks = pictures.png_chunks(out.getvalue())
    text = [[b"tEXt", b"Author\0SECRET-TEXT"], [b"zTXt", b"Comment\0\0" + zlib.compress(b"SECRET-ZTXT")],
            [b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP]]  # fmt: skip
    found["private.png"] = pictures.png_bytes([chunks[0], *text, *chunks[1:]])
    out = io.BytesIO()
    image.save(out, "WEBP", quality=92, exif=tags, icc_profile=bases.icc(), xmp=XMP)
    found["private.webp"] = out.getvalue()
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[315], info[270], info[700], info[33723] = "SECRET-ARTIST", "SECRET-DESCRIPTION", XMP, IPTC[-20:]
    out = io.BytesIO()
    image.save(out, "TIFF", tiffinfo=info, exif=tags)
    found["private.tif"] = out.getvalue()
    return found


def leaks(path: Path) -> list[str]:
    """Name what a file still tells: private words anywhere in it, unpacked too, and by exiftool where there is one."""
    data = path.read_bytes()
    found = [f"{path.name}: {token!r}" for token in TOKENS if token in _unpacked(data)]
    try:
        with Image.open(io.BytesIO(data)) as image:
            exif = image.getexif()
            found += [f"{path.name}: GPS" for _ in exif.get_ifd(0x8825)]
            found += [
                f"{path.name}: EXIF {tag:#x}" for tag in exif.get_ifd(0x8769) if tag in (0xA430, 0xA431, 0xA435, 0x927C)
            ]
    except OSError:
        pass  # no picture
    return found


def _unpacked(data: bytes) -> bytes:
    if not data.startswith(b"\x89PNG"):
        return data
    out = bytearray(data)
    for name, payload in pictures.png_chunks(data):
        if name in (b"zTXt", b"iCCP", b"iTXt"):
            for at in range(min(len(payload), 100)):
                try:
                    out += zlib.decompress(payload[at:])
                    break
                except zlib.error:
                    continue
    return bytes(out)


def told_by_exiftool(paths: list[Path]) -> list[str]:
    """Private tags exiftool finds in any of the files; [] without exiftool, which is no answer but no failure."""
    program = shutil.which("exiftool")
    if program is None or not paths:
        return []
    listed = subprocess.run(
        [program, "-json", "-G1", "-a", "-u", "-ee", "-@", "-"], input="\n".join(map(str, paths)), capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    rows = json.loads(listed.stdout or "[]")
    return [
        f"{Path(row['SourceFile']).name}: {tag}={value}"
        for row in rows
        for tag, value in row.items()
        if FORBIDDEN.search(tag) and tag != "SourceFile"
    ]
