"""Putting the cut-out on its background: white, a colour, a gradient, a picture; with a shadow where one is allowed."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from processing import geometry
from processing.errors import InputRejected
from processing.geometry import Matte, Places
from processing.params import ChannelSpec, ProcessingParams, ShadowParams
from processing.plates import NO_PLATES, Plates
from processing.types import MaskArray, RGBArray

_WHITE_CHANNELS = frozenset({"pure_white", "white_recommended", "white_or_light_grey"})
_CONTACT_SHARE = 0.5  # the contact shadow is half as strong as the cast one, and tighter


def parse_colour(text: str) -> tuple[int, int, int]:
    """Turn "#RRGGBB" into 0..255 values."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def background_for(
    size: tuple[int, int], params: ProcessingParams, channel: ChannelSpec, plates: Plates = NO_PLATES
) -> RGBArray:
    """Return the empty background of `size` (w, h): what the channel demands, else what the preset asks for.

    Raises InputRejected(code="plate_missing") when the preset asks for a picture and `plates` holds none.
    """
    width, height = size
    if channel.background == "gradient":
        return _gradient(width, height, channel.gradient_top, channel.gradient_bottom)
    if channel.background in _WHITE_CHANNELS or params.background.kind == "white":
        return np.full((height, width, 3), 255, np.uint8)
    if params.background.kind == "gradient":
        return _gradient(width, height, params.background.gradient_top, params.background.gradient_bottom)
    if params.background.kind == "image":
        if plates.background is None:
            raise InputRejected(f"The background {params.background.image} isn't there.", code="plate_missing")
        return cover(plates.background, size)
    return np.full((height, width, 3), parse_colour(params.background.colour), np.uint8)


def cover(picture: RGBArray, size: tuple[int, int]) -> RGBArray:
    """Return (h, w, 3) uint8 of `size` (w, h): the picture scaled to cover it, what is over cut evenly on both ends."""
    width, height = size
    scale = max(width / picture.shape[1], height / picture.shape[0])
    across, down = max(width, round(picture.shape[1] * scale)), max(height, round(picture.shape[0] * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    scaled = np.asarray(cv2.resize(picture, (across, down), interpolation=method), np.uint8)
    x, y = (across - width) // 2, (down - height) // 2
    return scaled[y : y + height, x : x + width].copy()


def _gradient(width: int, height: int, top: str, bottom: str) -> RGBArray:
    share = np.linspace(0.0, 1.0, height)[:, None, None]
    column = np.array(parse_colour(top)) * (1 - share) + np.array(parse_colour(bottom)) * share
    return np.repeat(np.round(column).astype(np.uint8), width, axis=1)


def shadow_layer(alpha: MaskArray, params: ShadowParams) -> MaskArray:
    """Return how much the background is darkened, 0..opacity, in the frame grid: a cast and a contact shadow.

    The cast shadow is the product's shape moved by `offset_px` turned to `angle_deg`, blurred; the contact shadow hugs
    the lower edge. A margin of the blur's reach at the frame's edge stays clean, so a white perimeter stays white.
    """
    height, width = alpha.shape
    reach = math.hypot(*params.offset_px)
    turn = math.radians(params.angle_deg)
    shift = (reach * math.cos(turn), reach * math.sin(turn))
    cast = _moved(alpha, shift, params.blur_px)
    contact = _moved(alpha, (0.0, max(1.0, params.blur_px / 4)), max(1.0, params.blur_px / 3))
    layer = np.maximum(cast, contact * np.float32(_CONTACT_SHARE)) * np.float32(params.opacity)
    margin = 2 + max(1, round(min(height, width) * 0.004))
    fade = np.minimum.outer(_ramp(height, margin), _ramp(width, margin))
    return np.ascontiguousarray(layer * fade, dtype=np.float32)


def _moved(alpha: MaskArray, shift: tuple[float, float], blur: float) -> MaskArray:
    matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
    moved = cv2.warpAffine(alpha, matrix, (alpha.shape[1], alpha.shape[0]))
    if blur <= 0:
        return np.asarray(moved, np.float32)
    # "Blur 15 px" is a radius: two standard deviations of the Gaussian.
    return np.asarray(cv2.GaussianBlur(moved, (0, 0), blur / 2), np.float32)


def _ramp(length: int, margin: int) -> npt.NDArray[np.float32]:
    distance = np.minimum(np.arange(length), np.arange(length)[::-1]).astype(np.float32)
    return np.clip((distance - 1) / margin, 0.0, 1.0)


def draws_shadow(params: ProcessingParams, channel: ChannelSpec) -> bool:
    """Tell whether a shadow is generated: wanted by the preset, allowed by the channel, never on pure white."""
    return params.shadow.enabled and channel.shadow_allowed and channel.background != "pure_white"


def compose(
    rgb: RGBArray,
    alpha: Matte,
    params: ProcessingParams,
    channel: ChannelSpec,
    *,
    shadow: bool = True,
    plates: Plates = NO_PLATES,
    soft: Places | None = None,
) -> RGBArray:
    """Return the picture (H, W, 3) uint8: straight-alpha `rgb` over its background. `soft`: alpha's, when at hand.

    Where alpha is 0 and no shadow falls the background's exact value stays (255 for white); where alpha is full the
    product's exact value stays. Raises InputRejected(code="plate_missing") as `background_for`.
    """
    out = background_for((alpha.shape[1], alpha.shape[0]), params, channel, plates)
    full = geometry.level_of(alpha, 1.0)
    if shadow and draws_shadow(params, channel):
        shares = np.asarray(alpha / np.float32(full), np.float32)
        out = _darkened(out, shadow_layer(shares, params.shadow), shares)
    cv2.copyTo(rgb, (alpha >= full).view(np.uint8), out)
    rows, columns = geometry.soft_pixels(alpha) if soft is None else soft
    # One number a place: numpy finds it in half the time that two take.
    places, over, under = rows * alpha.shape[1] + columns, rgb.reshape(-1, 3), out.reshape(-1, 3)
    weight = alpha.reshape(-1)[places][:, None] / np.float32(full)
    mixed = np.take(over, places, axis=0) * weight + np.take(under, places, axis=0) * (1 - weight)
    under[places] = np.round(mixed).astype(np.uint8)
    return out


def _darkened(background: RGBArray, layer: MaskArray, alpha: MaskArray) -> RGBArray:
    falls = (layer > 0) & (alpha < 1.0)
    background[falls] = np.round(background[falls] * (1 - layer[falls][:, None])).astype(np.uint8)
    return background
