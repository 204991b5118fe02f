"""Sound files that mutations begin with: small pictures of a product in every format and mode there is."""

from __future__ import annotations

import io
import struct
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, features

SIDE = 520
"""Just over what the least demanding profile asks for, so that a sound file is looked at whole."""


@lru_cache(maxsize=8)
def pixels(seed: int = 0, width: int = SIDE, height: int = SIDE) -> npt.NDArray[np.uint8]:
    """A dark box on a light, grainy sweep, (H, W, 3)."""
    rng = np.random.default_rng(seed)
    frame = np.full((height, width, 3), 228.0) + rng.normal(0, 2, (height, width, 3))
    frame[height // 4 : 3 * height // 4, width // 4 : 3 * width // 4] = rng.integers(20, 120, 3)
    return np.clip(frame, 0, 255).astype(np.uint8)


def exif(turn: int = 1) -> bytes:
    """An EXIF block with all that must never leave: a place, serial numbers, an owner, a maker's note."""
    block = Image.Exif()
    block[0x0112], block[0x010F], block[0x0110] = turn, "SecretMaker", "Model"
    block[0x013B], block[0x8298] = "SECRET-ARTIST", "SECRET-COPYRIGHT"
    detail = block.get_ifd(0x8769)
    detail[0xA430], detail[0xA431], detail[0xA435] = "SECRET-OWNER", "SECRET-BODY-SERIAL", "SECRET-LENS-SERIAL"
    detail[0x927C] = b"SECRET-MAKERNOTE"
    place = block.get_ifd(0x8825)
    place[1], place[2], place[3], place[4] = "N", (52.0, 31.0, 12.5), "E", (13.0, 24.0, 18.5)
    place[29] = "2026:01:02"
    return block.tobytes()


@lru_cache(maxsize=1)
def icc() -> bytes:
    """A profile as littleCMS builds it."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _mode(name: str, seed: int) -> Image.Image:
    picture = Image.fromarray(pixels(seed))
    if name == "I;16":
        return Image.fromarray(pixels(seed)[..., 0].astype(np.uint16) * 257)
    if name == "LAB":
        return Image.merge("LAB", picture.split())
    made = picture.convert(name)
    if name in ("RGBA", "LA"):
        made.putalpha(Image.linear_gradient("L").resize(made.size))
    return made


def saved(kind: str, mode: str = "RGB", seed: int = 0, **how: object) -> bytes:
    """A picture as a file of `kind`."""
    out = io.BytesIO()
    _mode(mode, seed).save(out, kind, **how)
    return out.getvalue()


@lru_cache(maxsize=1)
def jpegs() -> list[bytes]:
    """Baseline, progressive, grey, CMYK, with EXIF and profile, sideways, restart markers, 4:4:4."""
    return [
        saved("JPEG", quality=85),
        saved("JPEG", quality=85, progressive=True, seed=1),
        saved("JPEG", "L", quality=80),
        saved("JPEG", "CMYK", quality=80),
        saved("JPEG", exif=exif(6), icc_profile=icc(), quality=90),
        saved("JPEG", subsampling=0, restart_marker_blocks=4),
        saved("JPEG", exif=exif(3), comment=b"SECRET-COMMENT"),
    ]


@lru_cache(maxsize=1)
def pngs() -> list[bytes]:
    """All modes, with EXIF and profile, animated."""
    frames = [Image.fromarray(pixels(seed)) for seed in range(3)]
    out = io.BytesIO()
    frames[0].save(out, "PNG", save_all=True, append_images=frames[1:], duration=50)
    modes = [saved("PNG", mode, compress_level=1) for mode in ("RGB", "L", "P", "1", "LA", "RGBA", "I;16")]
    return [*modes, saved("PNG", exif=exif(), icc_profile=icc(), compress_level=1), out.getvalue()]


@lru_cache(maxsize=1)
def webps() -> list[bytes]:
    """Lossy, lossless, with alpha, with EXIF and profile, animated."""
    frames = [Image.fromarray(pixels(seed)) for seed in range(3)]
    out = io.BytesIO()
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:], duration=50, method=0)
    return [
        saved("WEBP", quality=80, method=0),
        saved("WEBP", lossless=True, method=0, quality=0),
        saved("WEBP", "RGBA", quality=80, method=0),
        saved("WEBP", exif=exif(), icc_profile=icc(), method=0),
        out.getvalue(),
    ]


@lru_cache(maxsize=1)
def tiffs() -> list[bytes]:
    """All modes and compressions, several pages."""
    frames = [Image.fromarray(pixels(seed)) for seed in range(3)]
    out = io.BytesIO()
    frames[0].save(out, "TIFF", save_all=True, append_images=frames[1:], compression="tiff_adobe_deflate")
    kinds = [
        ("RGB", "raw"), ("RGB", "tiff_lzw"), ("RGB", "tiff_adobe_deflate"), ("L", "packbits"), ("CMYK", "tiff_lzw"),
        ("LAB", "raw"), ("1", "group4"), ("I;16", "raw"), ("RGBA", "tiff_deflate"), ("RGB", "jpeg"), ("P", "raw"),
    ]  # fmt: skip
    return [*(saved("TIFF", mode, compression=how) for mode, how in kinds), saved("TIFF", exif=exif()), out.getvalue()]


@lru_cache(maxsize=1)
def avifs() -> list[bytes]:
    """One, where Pillow was built with it."""
    return [saved("AVIF", quality=60, speed=10), saved("AVIF", "RGBA", speed=10)] if features.check("avif") else []


def tiff_of(tags: dict[int, tuple[int, int, bytes]], body: bytes, *, order: str = "<", following: int = 0) -> bytes:
    """Write a TIFF by hand: tag -> (type, count, value or its bytes); long values are put behind the directory."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    behind = 8 + 2 + 12 * len(tags) + 4
    entries, values = b"", b""
    for tag, (kind, count, value) in sorted(tags.items()):
        place = value.ljust(4, b"\0")
        if len(value) > 4:
            place = struct.pack(order + "I", behind + len(values))
            values += value + b"\0" * (len(value) % 2)
        entries += struct.pack(order + "HHI", tag, kind, count & 0xFFFFFFFF) + place
    return head + struct.pack(order + "H", len(tags)) + entries + struct.pack(order + "I", following) + values + body
