"""Known pictures: a cut-out spoilt on purpose by the benchmark's own defects, for people who are shown it unseen.

Only what is planted in the matte: every picture made of the spoilt cut-out (any channel, the matte itself, the cut-out
an editor gets) then shows the same defect, as a real one would.
"""

from __future__ import annotations

import io
from dataclasses import replace

import cv2
import numpy as np
from PIL import Image

from processing import codecs, geometry
from processing.cutout import CutOut
from processing.quality import defects
from processing.types import RGBArray

KINDS = ("bite", "lost_part", "torn_edge", "holes", "ghosted", "halo_4px", "blob_attached", "jagged")
"""Kinds of processing.quality.defects that live in the matte and that a careful person sees at normal size."""
WORK_SIDE = 1000
"""Defects are planted at this size and enlarged with the photo, so that 4 px are seen in a big photo too."""
THUMB_SIDE = 320
SEEN_STEP, SEEN_SHARE = 24, 0.0005


def spoilt(cut: CutOut, kind: str, rng: np.random.Generator) -> CutOut:
    """Return `cut` with one defect of `kind` (`KINDS`) in its matte; the same generator state gives the same defect.

    Raises ValueError for another kind or a matte without product.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind!r} isn't planted in the matte: use one of {', '.join(KINDS)}.")
    if geometry.product_box(cut.alpha) is None:
        raise ValueError("There is no product in this cut-out.")
    photo, _ = geometry.shrunk(cut.rgb, WORK_SIDE)
    height, width = photo.shape[:2]
    small = cv2.resize(cut.alpha, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(255)
    subject = defects.Subject(photo, photo, small)
    planted = defects.plant(kind, subject, rng).alpha
    change = cv2.resize(planted - small, (cut.alpha.shape[1], cut.alpha.shape[0]), interpolation=cv2.INTER_LINEAR)
    matte = np.clip(np.round(cut.alpha.astype(np.float32) + change * 255), 0, 255).astype(np.uint8)
    return replace(cut, alpha=matte)


def is_seen(good: bytes, bad: bytes) -> bool:
    """Say whether two encoded pictures differ for an eye: another size, or 1 of 2,000 pixels by 24 levels or more.

    A halo of a white backdrop on white is no defect anybody could find. Raises OSError for bytes that are no picture.
    """
    first, second = _pixels(good), _pixels(bad)
    if first.shape != second.shape:
        return True
    apart = np.abs(first.astype(np.int16) - second).max(axis=2) >= SEEN_STEP
    return float(apart.mean()) >= SEEN_SHARE


def thumbnail(picture: bytes) -> bytes:
    """Return the small WebP of an encoded picture, as the desk's film shows it."""
    return codecs.encode_webp(geometry.shrunk(_pixels(picture), THUMB_SIDE)[0], quality=80)


def _pixels(data: bytes) -> RGBArray:
    with Image.open(io.BytesIO(data)) as file:
        return np.asarray(file.convert("RGB"), np.uint8)
