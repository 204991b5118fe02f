"""Several sizes of one finished picture, as web pages need them (EXP-10): one cut-out, one composite, many files."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from processing import geometry
from processing.channel_rules import Variant, parse_variant
from processing.geometry import Matte
from processing.params import ChannelSpec
from processing.types import AffineMatrix, Finding, RGBArray


@dataclass(frozen=True, slots=True)
class Shape:
    """One picture to encode: `picture` (H, W, 3) uint8, its `matte` (H, W), and the rules it is held against.

    `matrix` maps pixels of the frame it was made from to its own.
    """

    name: str
    picture: RGBArray
    matte: Matte
    spec: ChannelSpec
    findings: tuple[Finding, ...] = ()
    matrix: AffineMatrix = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def shapes(picture: RGBArray, matte: Matte, spec: ChannelSpec) -> tuple[Shape, ...]:
    """Return the pictures that the channel wants made of one frame: itself, or one per line of `variants`."""
    if not spec.variants:
        return (Shape("", picture, matte, spec),)
    return tuple(_shape(picture, matte, spec, parse_variant(line)) for line in spec.variants)


def fitted(size: tuple[int, int], variant: Variant) -> tuple[int, int]:
    """Return the size (w, h) in px that a picture of `size` gets: never larger than it is.

    `limit` keeps the shape inside the box; `fill` has the box's shape, smaller where the picture is smaller.
    """
    width, height = size
    if variant.mode == "limit":
        scale = min(1.0, variant.width / width, variant.height / height)
        return max(1, round(width * scale)), max(1, round(height * scale))
    scale = min(1.0, width / variant.width, height / variant.height)
    return max(1, round(variant.width * scale)), max(1, round(variant.height * scale))


def _shape(picture: RGBArray, matte: Matte, spec: ChannelSpec, variant: Variant) -> Shape:
    height, width = matte.shape
    size = fitted((width, height), variant)
    findings: list[Finding] = []
    left, top = 0, 0
    if variant.mode == "fill":
        window = _window((width, height), size, geometry.product_box(matte))
        if _cuts(matte, window):
            findings.append(Finding("product_cut", "warning", f"The shape of {variant.name} cuts the product."))
        picture, matte = picture[window], matte[window]
        top, left = window[0].start, window[1].start
        if size != (variant.width, variant.height):
            message = f"{size[0]} x {size[1]} px instead of {variant.width} x {variant.height}: nothing is enlarged."
            findings.append(Finding("variant_reduced", "warning", message))
    across, down = size[0] / matte.shape[1], size[1] / matte.shape[0]
    if (matte.shape[1], matte.shape[0]) != size:
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        matte = np.asarray(cv2.resize(geometry.levels(matte), size, interpolation=cv2.INTER_AREA), np.uint8)
    own = replace(
        spec,
        variants=(),
        quality=variant.quality or spec.quality,
        aspect="1:1" if variant.mode == "fill" and variant.width == variant.height else "",
        min_dimension=0,
        recommended_dimension=0,
        max_dimension=max(variant.width, variant.height),
        fill_min=0.0,
    )
    matrix = (across, 0.0, -left * across, 0.0, down, -top * down)
    return Shape(variant.name, np.ascontiguousarray(picture), matte.copy(), own, tuple(findings), matrix)


def _window(size: tuple[int, int], shape: tuple[int, int], box: geometry.Box | None) -> tuple[slice, slice]:
    """The largest window of the wanted shape, its middle as near to the product's as the picture's edges let it be."""
    width, height = size
    scale = min(width / shape[0], height / shape[1])
    across, down = min(width, round(shape[0] * scale)), min(height, round(shape[1] * scale))
    middle_x, middle_y = (width / 2, height / 2) if box is None else ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)
    x = min(max(0, round(middle_x - across / 2)), width - across)
    y = min(max(0, round(middle_y - down / 2)), height - down)
    return slice(y, y + down), slice(x, x + across)


def _cuts(matte: Matte, window: tuple[slice, slice]) -> bool:
    inside = np.zeros(matte.shape, bool)
    inside[window] = True
    return bool((matte[~inside] >= geometry.level_of(matte, geometry.PRODUCT_FROM)).any())
