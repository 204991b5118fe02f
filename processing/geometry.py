"""Where the product sits: its box, the frame round it, and the way from source pixels to frame pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from processing.errors import StageFailed
from processing.params import ChannelSpec, ProcessingParams
from processing.types import AffineMatrix, Finding, MaskArray

PRODUCT_FROM = 0.5
"""Alpha from which a pixel counts as product when its box is measured."""
_TRACE = 0.004
_SLACK_PX = 2  # so that rounding can never leave the product short of the wanted fill


@dataclass(frozen=True, slots=True)
class Box:
    """Half-open pixel rectangle: x0 <= x < x1, y0 <= y < y1."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def width(self) -> int:
        """Columns."""
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        """Rows."""
        return self.y1 - self.y0

    @property
    def longest(self) -> int:
        """The longer side, px."""
        return max(self.width, self.height)


@dataclass(frozen=True, slots=True)
class Framing:
    """Crop `crop` of the source, resized to `size` (w, h), pasted with its top left at `offset` into a `frame` (w, h).

    Parts of the paste outside the frame are cut off.
    """

    crop: Box
    size: tuple[int, int]
    offset: tuple[int, int]
    frame: tuple[int, int]
    findings: tuple[Finding, ...] = ()

    @property
    def matrix(self) -> AffineMatrix:
        """Map source pixel coordinates (edges, not centres) to frame pixels."""
        sx, sy = self.size[0] / self.crop.width, self.size[1] / self.crop.height
        return (sx, 0.0, self.offset[0] - sx * self.crop.x0, 0.0, sy, self.offset[1] - sy * self.crop.y0)


Pixels = TypeVar("Pixels", npt.NDArray[np.uint8], npt.NDArray[np.float32])


def product_box(alpha: MaskArray, threshold: float = PRODUCT_FROM) -> Box | None:
    """Return the box of pixels with alpha >= threshold, None when there are none."""
    solid = alpha >= threshold
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    if not rows.size:
        return None
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def fill_ratio(alpha: MaskArray) -> float:
    """Return the product's longest side as a share of the frame side it runs along (the larger of both), 0 if empty."""
    box = product_box(alpha)
    if box is None:
        return 0.0
    return float(max(box.width / alpha.shape[1], box.height / alpha.shape[0]))


def touches_frame(alpha: MaskArray, threshold: float = PRODUCT_FROM) -> bool:
    """Tell whether the product reaches an edge of the picture."""
    edges = (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1])
    return any(bool((edge >= threshold).any()) for edge in edges)


def _wanted_frame(params: ProcessingParams, channel: ChannelSpec) -> tuple[int, int]:
    width, height = params.output.width, params.output.height
    longest = channel.recommended_dimension or max(width, height)
    if channel.aspect == "1:1":
        return longest, longest
    share = longest / max(width, height)
    return round(width * share), round(height * share)


def _whole_source(alpha: MaskArray) -> Framing:
    height, width = alpha.shape
    return Framing(Box(0, 0, width, height), (width, height), (0, 0), (width, height))


def plan_frame(alpha: MaskArray, params: ProcessingParams, channel: ChannelSpec) -> Framing:
    """Plan the frame of one channel from the alpha in the source grid.

    The product's longest side fills `geometry.fill_ratio` (at least the channel's minimum). Pixels are never enlarged
    beyond `geometry.max_enlarge`: the frame gets smaller instead, down to the channel's minimum, with a finding.
    Raises StageFailed(code="nothing_cut_out") when no pixel is product.
    """
    box = product_box(alpha)
    if box is None:
        raise StageFailed("No product was found in the picture, so there is nothing to frame.", code="nothing_cut_out")
    if channel.sizing == "full_resolution":
        return _whole_source(alpha)
    fill = min(max(params.geometry.fill_ratio, channel.fill_min), channel.fill_max)
    frame_w, frame_h = _wanted_frame(params, channel)
    scale = _scale(box, frame_w, frame_h, fill)
    findings: list[Finding] = []
    limit = params.geometry.max_enlarge
    if scale > limit:
        shrink = max(limit / scale, min(1.0, channel.min_dimension / max(frame_w, frame_h)))
        frame_w, frame_h = math.floor(frame_w * shrink), math.floor(frame_h * shrink)
        scale = min(limit, _scale(box, frame_w, frame_h, fill))
        findings.append(_small_source(box, frame_w, frame_h, channel))
    if scale > 1.0:
        findings.append(Finding("enlarged", "warning", f"The product was enlarged {scale:.2f} times."))
    return _place(alpha, box, scale, (frame_w, frame_h), params.geometry.centring, findings)


def _scale(box: Box, frame_w: int, frame_h: int, fill: float) -> float:
    slack = _SLACK_PX if fill < 1.0 else 0
    return min((frame_w * fill + slack) / box.width, (frame_h * fill + slack) / box.height)


def _small_source(box: Box, frame_w: int, frame_h: int, channel: ChannelSpec) -> Finding:
    message = (
        f"The product is only {box.longest} px long, so the frame is {frame_w} x {frame_h} px instead of enlarging it."
    )
    suggestion = f"Shoot closer or send more pixels: {channel.name} recommends {channel.recommended_dimension} px."
    is_enough = max(frame_w, frame_h) > channel.min_dimension
    return Finding("frame_reduced", "warning" if is_enough else "error", message, suggestion)


def _place(
    alpha: MaskArray, box: Box, scale: float, frame: tuple[int, int], centring: str, findings: list[Finding]
) -> Framing:
    soft = product_box(alpha, _TRACE) or box
    size = (max(1, math.ceil(soft.width * scale)), max(1, math.ceil(soft.height * scale)))
    centre_x, centre_y = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
    if centring == "mass":
        centre_x, centre_y = _centre_of_mass(alpha)
    left = round(frame[0] / 2 - (centre_x - soft.x0) * size[0] / soft.width)
    top = round(frame[1] / 2 - (centre_y - soft.y0) * size[1] / soft.height)
    return Framing(soft, size, (left, top), frame, tuple(findings))


def _centre_of_mass(alpha: MaskArray) -> tuple[float, float]:
    moments = cv2.moments(alpha)
    return moments["m10"] / moments["m00"] + 0.5, moments["m01"] / moments["m00"] + 0.5


def to_frame(pixels: Pixels, framing: Framing, fill_value: int = 0) -> Pixels:
    """Bring a source-grid array (H, W) or (H, W, C) into the frame; outside the crop it is `fill_value`."""
    crop = pixels[framing.crop.y0 : framing.crop.y1, framing.crop.x0 : framing.crop.x1]
    scaled = _resized(crop, framing.size)
    frame_w, frame_h = framing.frame
    out = np.full((frame_h, frame_w, *pixels.shape[2:]), fill_value, pixels.dtype)
    left, top = framing.offset
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + framing.size[0], frame_w), min(top + framing.size[1], frame_h)
    if x1 > x0 and y1 > y0:
        out[y0:y1, x0:x1] = scaled[y0 - top : y1 - top, x0 - left : x1 - left]
    return out


def frame_source(rgb: npt.NDArray[np.uint8], framing: Framing) -> npt.NDArray[np.uint8]:
    """Bring the whole source picture (backdrop included) into the frame; beyond its edges the edge pixels repeat."""
    sx, _, tx, _, sy, ty = framing.matrix
    frame_w, frame_h = framing.frame
    x0, y0 = math.floor(-tx / sx), math.floor(-ty / sy)
    x1, y1 = math.ceil((frame_w - tx) / sx), math.ceil((frame_h - ty) / sy)
    height, width = rgb.shape[:2]
    inside = Box(max(x0, 0), max(y0, 0), min(x1, width), min(y1, height))
    size = (max(1, round(inside.width * sx)), max(1, round(inside.height * sy)))
    scaled = _resized(rgb[inside.y0 : inside.y1, inside.x0 : inside.x1], size)
    left, top = round(tx + sx * inside.x0), round(ty + sy * inside.y0)
    right, bottom = max(0, frame_w - left - size[0]), max(0, frame_h - top - size[1])
    padded = cv2.copyMakeBorder(scaled, max(0, top), bottom, max(0, left), right, cv2.BORDER_REPLICATE)
    skip_y, skip_x = max(0, -top), max(0, -left)
    return np.ascontiguousarray(padded[skip_y : skip_y + frame_h, skip_x : skip_x + frame_w], np.uint8)


def _resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    if (pixels.shape[1], pixels.shape[0]) == size:
        return pixels
    shrinks = size[0] <= pixels.shape[1] and size[1] <= pixels.shape[0]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    resized = np.asarray(cv2.resize(pixels, size, interpolation=method), pixels.dtype)
    if pixels.ndim == 2 and pixels.dtype == np.float32:
        np.clip(resized, 0.0, 1.0, out=resized)
    return resized


def shrunk(pixels: Pixels, longest: int) -> tuple[Pixels, float]:
    """Return the picture with its longest side at most `longest` px, and the scale used (1.0 = untouched)."""
    height, width = pixels.shape[:2]
    scale = min(1.0, longest / max(height, width))
    if scale == 1.0:
        return pixels, 1.0
    return _resized(pixels, (max(1, round(width * scale)), max(1, round(height * scale)))), scale
