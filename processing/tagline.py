"""The brand's line of text over a finished picture: only where the preset names the channel (PRO-25, B47)."""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from processing.errors import InputRejected
from processing.params import TaglineParams
from processing.types import RGBArray

_LEAST_PX = 6
_UNKNOWN = "\uffff"  # no font has it: what is drawn instead is the sign for a missing letter


@lru_cache(maxsize=16)
def _font(size: int, data: bytes) -> ImageFont.FreeTypeFont:
    if not data:  # Aileron comes with Pillow, in English letters: the same on every machine
        font = ImageFont.load_default(size)
        if isinstance(font, ImageFont.FreeTypeFont):
            return font
        raise InputRejected("Text needs a Pillow with FreeType. Install Pillow again.", code="font_missing")
    try:
        return ImageFont.truetype(io.BytesIO(data), size, layout_engine=ImageFont.Layout.BASIC)
    except OSError as error:
        raise InputRejected(
            f"The brand's font can't be read ({error}). Take a .ttf or .otf file.", code="font_missing"
        ) from error


def missing_letters(words: str, font_file: bytes = b"") -> str:
    """Return the letters of `words` that the font has no shape for, each once. Raises as `check_letters`."""
    font = _font(32, font_file)
    unknown = _shape(font, _UNKNOWN)
    return "".join(sorted({sign for sign in words if not sign.isspace() and _shape(font, sign) == unknown}))


def check_letters(words: str, font_file: bytes = b"") -> None:
    """Raise InputRejected(code="font_missing") for a broken font, or naming the letters which it can't draw."""
    lacking = missing_letters(words, font_file)
    if lacking:
        raise InputRejected(
            f"The tagline's letters {' '.join(lacking)} aren't in the font. Name a font of the brand folder that has "
            "them (tagline.font).",
            code="font_missing",
        )


def _shape(font: ImageFont.FreeTypeFont, sign: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(sign)
    return mask.size, bytes(mask)


def write(picture: RGBArray, params: TaglineParams, font_file: bytes = b"") -> RGBArray:
    """Return (H, W, 3) uint8 with `params.words` over it, whole and inside the margin; smaller where they are long.

    Outside the letters nothing changes. Raises as `check_letters`.
    """
    check_letters(params.words, font_file)
    letters = _letters(picture.shape[:2], params, font_file)
    height, width = picture.shape[:2]
    margin = round(min(height, width) * params.margin_ratio)
    down, across = letters.shape
    vertical, _, horizontal = params.position.partition("_")
    x = {"left": margin, "right": width - margin - across}.get(horizontal, (width - across) // 2)
    y = {"top": margin, "bottom": height - margin - down}.get(vertical, (height - down) // 2)
    out = picture.copy()
    under = out[max(0, y) :, max(0, x) :][:down, :across]
    share = letters[: under.shape[0], : under.shape[1], None]
    colour = np.array([int(params.colour[at : at + 2], 16) for at in (1, 3, 5)], np.float32)
    under[:] = np.round(under * (1 - share) + colour * share).astype(np.uint8)
    return out


def _letters(frame: tuple[int, ...], params: TaglineParams, font_file: bytes) -> npt.NDArray[np.float32]:
    """Draw the words (h, w), 0..1, in the wanted size or the largest that fits between the margins."""
    height, width = frame
    room = width - 2 * round(min(height, width) * params.margin_ratio)
    size = max(_LEAST_PX, round(min(height, width) * params.height_ratio))
    while size > _LEAST_PX and _font(size, font_file).getlength(params.words) > room:
        size -= 1
    font = _font(size, font_file)
    left, top, right, bottom = font.getbbox(params.words)
    canvas = Image.new("L", (max(1, round(right - left)), max(1, round(bottom - top))))
    ImageDraw.Draw(canvas).text((-left, -top), params.words, fill=255, font=font)
    return np.asarray(canvas, np.float32) / np.float32(255)
