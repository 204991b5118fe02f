"""A cut-out: the photo's own pixels, a matte and the declared correction. Every picture of a product is made from it.

Nothing is baked in: the photo stays as it is, the matte is one 8-bit picture, the correction is a handful of numbers
(PRO-46). What is scored and what is shipped go through the same `framed`, so they cannot differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from processing import codecs, geometry, matting
from processing.colour import ColourTransform
from processing.errors import InputRejected
from processing.geometry import Framing, Places
from processing.quality.difference import to_lab
from processing.types import AlphaArray, MaskArray, RGBArray

_SOLID = 255
_GROUNDS = ((20, 160, 80), (190, 30, 150), (40, 70, 210))  # strong colours: a grey would pass for somebody's shadow
_MOST_SEEN = 4000
_NEAREST_SHARE = 0.02
_SHARES = np.arange(256, dtype=np.float32) / np.float32(_SOLID)


@dataclass(frozen=True, slots=True)
class CutOut:
    """`rgb` (H, W, 3) uint8 uncorrected, `alpha` (H, W) uint8, both in the upright source grid.

    `shows_backdrop`: `rgb` still holds the backdrop where alpha is below 255 (a photo does, a retouched cut-out does
    not). `is_decontaminated`: take the backdrop's colour out of soft edges.
    """

    rgb: RGBArray
    alpha: AlphaArray
    transform: ColourTransform = field(default_factory=ColourTransform)
    shows_backdrop: bool = True
    is_decontaminated: bool = True

    @property
    def recipe(self) -> dict[str, Any]:
        """What to keep beside photo and matte to make the same cut-out again with `open_cutout`; plain JSON."""
        return {
            "transform": self.transform.to_dict(),
            "shows_backdrop": self.shows_backdrop,
            "is_decontaminated": self.is_decontaminated,
        }


@dataclass(frozen=True, slots=True)
class Framed:
    """A cut-out in a channel's frame (h, w): corrected `rgb` and its `matte`, uint8.

    `source`: the corrected photo in the same grid with its backdrop, None when the pixels hold none. `soft`: where the
    matte is neither 0 nor 255.
    """

    rgb: RGBArray
    matte: AlphaArray
    source: RGBArray | None
    soft: Places

    @property
    def alpha(self) -> MaskArray:
        """The matte (h, w) as float32 0..1, made anew."""
        return np.asarray(cv2.LUT(self.matte, _SHARES), np.float32)


def open_cutout(pixels: Path, alpha: Path | None = None, recipe: Mapping[str, Any] | None = None) -> CutOut:
    """Read a cut-out from the file of its pixels, its matte's (None: the file's own transparency) and its recipe.

    Raises InputRejected (codes of codecs.open_photo; wrong_size when the two files do not belong together).
    """
    photo = codecs.open_photo(pixels)
    if alpha is not None:
        matte = codecs.decode_grey(alpha)
    elif photo.alpha is not None:
        matte = geometry.levels(photo.alpha)
    else:
        matte = np.full(photo.rgb.shape[:2], _SOLID, np.uint8)
    if matte.shape != photo.rgb.shape[:2]:
        raise InputRejected(
            f"The matte is {matte.shape[1]} x {matte.shape[0]} px, its photo {photo.info.width} x "
            f"{photo.info.height} px: they do not belong together. Process the photo again.",
            code="wrong_size",
        )
    made = recipe or {}
    return CutOut(
        photo.rgb,
        matte,
        ColourTransform.from_dict(made.get("transform", {})),
        bool(made.get("shows_backdrop", alpha is not None)),
        bool(made.get("is_decontaminated", True)),
    )


def framed(cut: CutOut, framing: Framing) -> Framed:
    """Bring a cut-out into a frame. Where alpha is 0 the colour has no meaning."""
    matte = geometry.to_frame(cut.alpha, framing)
    soft = geometry.soft_pixels(matte)
    if not cut.shows_backdrop:
        return Framed(cut.transform.apply(_premultiplied(cut, framing, matte, soft)), matte, None, soft)
    photo = geometry.frame_source(cut.rgb, framing)
    source = cut.transform.apply(photo)
    if not cut.is_decontaminated:
        return Framed(source, matte, source, soft)
    # Both pictures differ in the soft pixels alone: a second correction of the whole frame would say nothing new.
    product = source.copy()
    if soft[0].size:
        product[soft] = cut.transform.apply(matting.freed_colours(photo, matte, soft))
    return Framed(product, matte, source, soft)


def on_unlike_ground(rgb: RGBArray, matte: AlphaArray, soft: Places) -> RGBArray:
    """Lay a cut-out on a plain ground of a colour the product hasn't: a stand-in for a photo nobody has.

    `rgb` (h, w, 3), `matte` (h, w) uint8, `soft` where it is neither 0 nor 255. What a file with its own transparency
    hides under it says nothing about the picture, so neither colours nor score may look at it.
    """
    solid = rgb[matte == _SOLID]
    seen = to_lab(np.ascontiguousarray(solid[:: max(1, len(solid) // _MOST_SEEN)])[None])[0]
    grounds = to_lab(np.array([_GROUNDS], np.uint8))[0]
    if len(seen):
        apart = np.linalg.norm(seen[:, None] - grounds[None], axis=2)
        ground = _GROUNDS[int(np.quantile(apart, _NEAREST_SHARE, axis=0).argmax())]
    else:
        ground = _GROUNDS[0]
    picture = np.where((matte == _SOLID)[..., None], rgb, np.array(ground, np.uint8))
    weight = _SHARES[matte[soft]][:, None]
    mixed = rgb[soft] * weight + np.array(ground, np.float32) * (1 - weight)
    picture[soft] = np.round(mixed).astype(np.uint8)
    return np.asarray(picture, np.uint8)


def _premultiplied(cut: CutOut, framing: Framing, matte: AlphaArray, soft: Places) -> RGBArray:
    """Resize straight colours weighted by alpha, so that what lies hidden under it never bleeds into the edge."""
    weighted = cv2.multiply(cut.rgb, cv2.merge([cut.alpha] * 3), scale=1 / _SOLID)
    frame = np.asarray(geometry.to_frame(np.asarray(weighted, np.uint8), framing), np.uint8).copy()
    straight = frame[soft] / _SHARES[matte[soft]][:, None]
    frame[soft] = np.round(np.clip(straight, 0, _SOLID)).astype(np.uint8)
    return frame


def rgba(cut: CutOut) -> codecs.RGBAArray:
    """Return the cut-out (H, W, 4) uint8 with straight alpha and corrected colours; 0 where nothing is kept."""
    product = cut.rgb
    if cut.shows_backdrop and cut.is_decontaminated:
        product = matting.decontaminate(product, cut.alpha)
    pixels = np.dstack([cut.transform.apply(product), cut.alpha])
    pixels[cut.alpha == 0] = 0
    return pixels
