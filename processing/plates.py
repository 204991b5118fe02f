"""Pictures of the brand's own that an output is made with: what stands behind the product, and the logo over it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

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


def plate_files(params: ProcessingParams) -> tuple[str, ...]:
    """Return the names of the brand's files that a preset needs, in the order of `load_plates`."""
    wanted = []
    if params.background.kind == "image":
        wanted.append(params.background.image)
    if params.watermark.channels:
        wanted.append(params.watermark.logo)
    if params.tagline.channels and params.tagline.font:
        wanted.append(params.tagline.font)
    return tuple(wanted)


def plates_digest(params: ProcessingParams, folder: Path | None) -> str:
    """Return a hash of what the files of `plate_files` hold: another logo under the same name gives another one."""
    digest = hashlib.sha256()
    for name in plate_files(params):
        path = None if folder is None else folder / name
        digest.update(path.read_bytes() if path is not None and path.is_file() else b"\0missing")
        digest.update(f"\0{name}\0".encode())
    return digest.hexdigest()[:16]


def load_plates(params: ProcessingParams, folder: Path | None) -> Plates:
    """Open the pictures that a preset names, out of `folder`; those it doesn't name aren't looked for.

    Raises InputRejected naming the file: "plate_missing" when it isn't there, "plate_unreadable" when it is no picture,
    and those of `tagline.check_letters`.
    """
    background, logo = None, None
    if params.background.kind == "image":
        background = _opened(codecs.decode, folder, params.background.image, "background")[0]
    if params.watermark.channels:
        logo = _opened(codecs.decode_rgba, folder, params.watermark.logo, "logo")[0]
    font = b""
    if params.tagline.channels:
        if params.tagline.font:
            font = _found(folder, params.tagline.font, "font").read_bytes()
        tagline.check_letters(params.tagline.words, font)
    return Plates(background, logo, font)


_Opened = TypeVar("_Opened")


def _opened(decode: Callable[[Path], _Opened], folder: Path | None, name: str, what: str) -> _Opened:
    path = _found(folder, name, what)
    try:
        return decode(path)
    except InputRejected as error:  # its words are meant for whoever sent a photo
        raise InputRejected(
            f"The preset's {what} {name} in the brand folder can't be used as a picture ({error.code}). "
            "Replace that file; no photo is at fault.",
            code="plate_unreadable",
        ) from error


def _found(folder: Path | None, name: str, what: str) -> Path:
    path = None if folder is None else folder / name
    if path is None or not path.is_file():
        raise InputRejected(
            f"The preset's {what} {name} isn't in the brand folder. Put it there, or choose another {what}.",
            code="plate_missing",
        )
    return path
