"""The logo over a finished picture: only where the preset names the channel, never on a marketplace (PRO-24, B47)."""

from __future__ import annotations

import cv2
import numpy as np

from processing.codecs import RGBAArray
from processing.errors import InputRejected
from processing.params import ChannelSpec, TaglineParams, WatermarkParams
from processing.types import RGBArray


def is_wanted(params: WatermarkParams | TaglineParams, channel: ChannelSpec) -> bool:
    """Tell whether the preset asks for its logo, or its tagline, on this channel.

    Raises InputRejected(code="overlay_refused") when it does and the channel takes none.
    """
    if channel.key not in params.channels:
        return False
    if not channel.overlay_allowed or channel.marketplace:
        raise InputRejected(
            f"{channel.name} takes no logo or text over the photo. Take it off the preset's {params.group}.channels.",
            code="overlay_refused",
        )
    return True


def place(frame: tuple[int, int], logo: tuple[int, int], params: WatermarkParams) -> tuple[int, int, int, int]:
    """Return (x, y, width, height) in px of a logo of size `logo` (w, h) in a `frame` (w, h): whole and inside it."""
    shorter = min(frame)
    margin = round(shorter * params.margin_ratio)
    room = (max(1, frame[0] - 2 * margin), max(1, frame[1] - 2 * margin))
    scale = min(shorter * params.width_ratio / logo[0], room[0] / logo[0], room[1] / logo[1])
    width, height = (max(1, round(side * scale)) for side in logo)
    if params.position == "centre":
        return (frame[0] - width) // 2, (frame[1] - height) // 2, width, height
    vertical, horizontal = params.position.split("_")
    x = margin if horizontal == "left" else frame[0] - margin - width
    y = margin if vertical == "top" else frame[1] - margin - height
    return max(0, x), max(0, y), width, height


def stamp(picture: RGBArray, logo: RGBAArray, params: WatermarkParams) -> RGBArray:
    """Return (H, W, 3) uint8 with the logo (h, w, 4) uint8 over it at `opacity`; outside its box nothing changes."""
    height, width = picture.shape[:2]
    x, y, across, down = place((width, height), (logo.shape[1], logo.shape[0]), params)
    alpha = logo[..., 3:].astype(np.float32) / np.float32(255)
    # Weighted by alpha while it is resized, so that what lies hidden under transparency never shows at its edge.
    weighted = np.dstack([logo[..., :3] * alpha, alpha]).astype(np.float32)
    small = cv2.resize(weighted, (across, down), interpolation=cv2.INTER_AREA).reshape(down, across, 4)
    share = small[..., 3:] * np.float32(params.opacity)
    out = picture.copy()
    under = out[y : y + down, x : x + across]
    mixed = under * (1 - share) + small[..., :3] * np.float32(params.opacity)
    out[y : y + down, x : x + across] = np.round(np.clip(mixed, 0, 255)).astype(np.uint8)
    return out
