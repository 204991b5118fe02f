"""Pictures for browser tests, drawn in memory: a disc on a grey sweep, and the same disc framed on white."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

from PIL import Image, ImageDraw

from reviewapp import storage

SOURCE = (900, 600)
FRAME = 600
MATRIX = (1.25, 0.0, -262.5, 0.0, 1.25, -75.0)
"""Source pixels to frame pixels: enlarged by 1.25 about the middle."""


def _webp(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "WEBP", quality=90)
    return out.getvalue()


def _disc(size: tuple[int, int], centre: tuple[float, float], radius: float, ground: Any, colour: Any) -> Image.Image:
    image = Image.new("RGB", size, ground)
    x, y = centre
    ImageDraw.Draw(image).ellipse([x - radius, y - radius, x + radius, y + radius], fill=colour)
    return image


@lru_cache(maxsize=32)
def _drawn(hue: int) -> dict[str, bytes]:
    """Before, after, thumbnails, cut-out and matte of a disc of `hue`; drawn once, because writing them takes longer
    than most tests that show them."""
    colour = f"hsl({hue}, 55%, 45%)"
    before = _disc(SOURCE, (450, 300), 190, (196, 196, 198), colour)
    after = _disc((FRAME, FRAME), (300, 300), 237.5, (255, 255, 255), colour)
    cutout = before.convert("RGBA")
    cutout.putalpha(_disc(SOURCE, (450, 300), 190, "black", "white").convert("L"))
    png = io.BytesIO()
    cutout.save(png, "PNG")
    thumb = (160, 160)
    matte = io.BytesIO()
    _disc((FRAME, FRAME), (300, 300), 237.5, "black", "white").convert("L").save(matte, "PNG")
    return {
        "before_key": _webp(before),
        "after_key": _webp(after),
        "thumb_before_key": _webp(before.resize(thumb)),
        "thumb_after_key": _webp(after.resize(thumb)),
        "pixels_key": png.getvalue(),
        "matte_key": matte.getvalue(),
    }


def run_files(hue: int) -> dict[str, Any]:
    """Stored before, after, thumbnails and cut-out of a disc of `hue` (0..359), as fields for factories.make_run."""
    stored = {name: storage.put_bytes(data, prefix="d").key for name, data in _drawn(hue % 360).items()}
    return stored | {
        "frame_matrix": list(MATRIX),
        "before_scale": 1.0,
        "source_width": SOURCE[0],
        "source_height": SOURCE[1],
        "after_width": FRAME,
        "after_height": FRAME,
    }
