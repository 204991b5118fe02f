"""Pictures of the brand's own that an output is made with: what stands behind the product, and the logo over it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from processing import codecs, tagline
from processing.codecs import RGBAArray
from processing.errors import InputRejected
from processing.params import ProcessingParams
from processing.types import RGBArray


@dataclass(frozen=True, slots=True)
class Plates:
    """`background` (H, W, 3) uint8 sRGB and `logo` (H, W, 4) uint8, straight alpha; None = there is none.

    `font`: the bytes of the brand's font file; empty = Pillow's own, which has English letters only.
    """

    background: RGBArray | None = None
    logo: RGBAArray | None = None
    font: bytes = b""


NO_PLATES = Plates()


def load_plates(params: ProcessingParams, folder: Path | None) -> Plates:
    """Open the pictures that a preset names, out of `folder`; those it doesn't name aren't looked for.

    Raises InputRejected(code="plate_missing") naming the file that isn't there, those of codecs for a broken picture
    and those of `tagline.check_letters`.
    """
    background, logo = None, None
    if params.background.kind == "image":
        background = codecs.decode(_found(folder, params.background.image, "background"))[0]
    if params.watermark.channels:
        logo = codecs.decode_rgba(_found(folder, params.watermark.logo, "logo"))[0]
    font = b""
    if params.tagline.channels:
        if params.tagline.font:
            font = _found(folder, params.tagline.font, "font").read_bytes()
        tagline.check_letters(params.tagline.words, font)
    return Plates(background, logo, font)


def _found(folder: Path | None, name: str, what: str) -> Path:
    path = None if folder is None else folder / name
    if path is None or not path.is_file():
        raise InputRejected(
            f"The preset's {what} {name} isn't in the brand folder. Put it there, or choose another {what}.",
            code="plate_missing",
        )
    return path
