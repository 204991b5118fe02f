"""The shadow that a finished picture has, held against the one its preset declares (QC-22): direction and opacity.

The declared shadow is drawn anew for every direction, and the one that the picture's darkness follows best is the
picture's own; how much of it there is, by least squares, is its opacity.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from processing.compositing import shadow_layer
from processing.params import ShadowParams
from processing.types import MaskArray, Measure, RGBArray

OPACITY_OFF = 0.05
"""How far the opacity may be from the declared one, 0..1: a fifth of the standard preset's 0.20 is seen beside it."""
ANGLE_OFF = 20.0
_SIDE = 400
_TURN = 30
_CLEAR = 0.02
_LEAST_PX = 50
_LEAST_LIKENESS = 0.8
_LEAST_TELLING = 0.02  # by which the best direction must be better than the opposite one
BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Cast:
    """`opacity` 0..1 and `angle_deg` (0 = right, 90 = down) of a shadow; the angle is None where none can be told."""

    opacity: float
    angle_deg: float | None


def seen_cast(frame: RGBArray, ground: RGBArray, alpha: MaskArray, declared: ShadowParams) -> Cast | None:
    """Measure the shadow of `frame` on `ground`, both (H, W, 3) uint8, beside the product of `alpha` (H, W) 0..1.

    `declared` tells how large and how soft it should be. None where the product leaves too little ground.
    """
    scale = min(1.0, _SIDE / max(alpha.shape))
    size = (max(1, round(alpha.shape[1] * scale)), max(1, round(alpha.shape[0] * scale)))
    small = np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), np.float32)
    own, plain = (
        np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8) for picture in (frame, ground)
    )
    beside, dark = _darkness(own, plain, small)
    if len(dark) < _LEAST_PX:
        return None
    drawn = _shrunk(declared, scale)
    found = {}
    for angle in range(0, 360, _TURN):
        found[angle] = _likeness(dark, shadow_layer(small, replace(drawn, angle_deg=float(angle)))[beside])
    best = max(found, key=lambda angle: found[angle])
    if found[best] < _LEAST_LIKENESS:
        return Cast(float(np.clip(np.percentile(dark, 99.5), 0, 1)), None)
    turn = _between(best, found)
    beside, dark = _darkness(frame, ground, alpha)  # lengths of a few px need the whole picture
    layer = shadow_layer(alpha, replace(declared, opacity=1.0, angle_deg=turn))[beside]
    share = float(np.clip((dark * layer).sum() / max(float((layer**2).sum()), 1e-9), 0, 1))
    return Cast(share, turn if found[best] - found[(best + 180) % 360] >= _LEAST_TELLING else None)


def _darkness(frame: RGBArray, ground: RGBArray, alpha: MaskArray) -> tuple[BoolArray, FloatArray]:
    """Return where the ground is seen beside the product (h, w), and how much darker than it the frame is there."""
    beside = cv2.dilate(alpha, np.ones((3, 3), np.uint8)) < _CLEAR
    light, plain = (picture[beside].sum(axis=1, dtype=np.float32) for picture in (frame, ground))
    return np.asarray(beside), np.asarray(1 - light / np.maximum(plain, 1), np.float32)


def cast_measures(frame: RGBArray, ground: RGBArray, alpha: MaskArray, declared: ShadowParams) -> tuple[Measure, ...]:
    """Return `shadow_opacity` and `shadow_angle` as their distance from the declared ones; see `seen_cast`."""
    cast = seen_cast(frame, ground, alpha, declared)
    if cast is None:
        return (Measure("shadow_opacity", 0.0, "share", "info", OPACITY_OFF, None, "not measured"),)
    off = abs(cast.opacity - declared.opacity)
    note = f"{cast.opacity:.2f} of {declared.opacity:.2f} declared"
    found = [Measure("shadow_opacity", round(off, 3), "share", "info", OPACITY_OFF, off <= OPACITY_OFF, note)]
    if cast.angle_deg is None:
        found.append(Measure("shadow_angle", 0.0, "degrees", "info", ANGLE_OFF, None, "not measured"))
    else:
        turned = abs((cast.angle_deg - declared.angle_deg + 180) % 360 - 180)
        note = f"{cast.angle_deg:.0f} of {declared.angle_deg:.0f} declared"
        found.append(Measure("shadow_angle", round(turned, 1), "degrees", "info", ANGLE_OFF, turned <= ANGLE_OFF, note))
    return tuple(found)


def _shrunk(declared: ShadowParams, scale: float) -> ShadowParams:
    """Full opacity, lengths in px of the small grid; the offset keeps its length, for its turn is what is sought."""
    reach = float(np.hypot(*declared.offset_px)) * scale
    return ShadowParams(True, 0.0, 1.0, max(1, round(declared.blur_px * scale)), (max(1, round(reach)), 0))


def _likeness(dark: FloatArray, layer: FloatArray) -> float:
    return float((dark * layer).sum() / np.sqrt(max(float((dark**2).sum() * (layer**2).sum()), 1e-9)))


def _between(best: int, found: dict[int, float]) -> float:
    """Refine the best of the tried directions by the parabola through it and its neighbours."""
    before, here, after = (found[(best + turn) % 360] for turn in (-_TURN, 0, _TURN))
    bend = before - 2 * here + after
    return float((best + (_TURN * 0.5 * (before - after) / bend if bend < 0 else 0)) % 360)
