"""Colour difference as people see it."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

LabArray = npt.NDArray[np.float32]
"""(..., 3) float32 CIE L*a*b*, D65: L* 0..100, a* and b* about -128..127."""


def to_lab(rgb: npt.NDArray[np.uint8]) -> LabArray:
    """Convert (H, W, 3) uint8 sRGB to CIE L*a*b* (D65), float32."""
    return np.asarray(cv2.cvtColor(rgb.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2Lab), np.float32)


def delta_e_2000(first: npt.ArrayLike, second: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return CIEDE2000 between two arrays (..., 3) of L*a*b*; about 1.0 is just noticeable side by side.

    Source: G. Sharma, W. Wu, E. N. Dalal, "The CIEDE2000 color-difference formula: implementation notes, supplementary
    test data, and mathematical observations", Color Research and Application 30 (2005); kL = kC = kH = 1.
    """
    lab1, lab2 = np.asarray(first, np.float64), np.asarray(second, np.float64)
    l1, a1, b1 = lab1[..., 0], lab1[..., 1], lab1[..., 2]
    l2, a2, b2 = lab2[..., 0], lab2[..., 1], lab2[..., 2]
    mean_c = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = 0.5 * (1 - np.sqrt(mean_c**7 / (mean_c**7 + 25.0**7)))
    c1, h1 = _polar((1 + g) * a1, b1)
    c2, h2 = _polar((1 + g) * a2, b2)
    achromatic = c1 * c2 == 0
    turn = h2 - h1
    turn = np.where(turn > 180, turn - 360, np.where(turn < -180, turn + 360, turn))
    delta_h = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(np.where(achromatic, 0, turn)) / 2)
    mean_l, mean_cp = (l1 + l2) / 2, (c1 + c2) / 2
    mean_h = _mean_hue(h1, h2, achromatic)
    t = (
        1
        - 0.17 * np.cos(np.radians(mean_h - 30))
        + 0.24 * np.cos(np.radians(2 * mean_h))
        + 0.32 * np.cos(np.radians(3 * mean_h + 6))
        - 0.20 * np.cos(np.radians(4 * mean_h - 63))
    )
    s_l = 1 + 0.015 * (mean_l - 50) ** 2 / np.sqrt(20 + (mean_l - 50) ** 2)
    s_c, s_h = 1 + 0.045 * mean_cp, 1 + 0.015 * mean_cp * t
    spread = 30 * np.exp(-(((mean_h - 275) / 25) ** 2))
    r_t = -2 * np.sqrt(mean_cp**7 / (mean_cp**7 + 25.0**7)) * np.sin(np.radians(2 * spread))
    dl, dc, dh = (l2 - l1) / s_l, (c2 - c1) / s_c, delta_h / s_h
    return np.asarray(np.sqrt(np.maximum(dl**2 + dc**2 + dh**2 + r_t * dc * dh, 0.0)), np.float64)


def _polar(
    a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    return np.hypot(a, b), np.degrees(np.arctan2(b, a)) % 360


def _mean_hue(
    h1: npt.NDArray[np.float64], h2: npt.NDArray[np.float64], achromatic: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    total, apart = h1 + h2, np.abs(h1 - h2)
    around = np.where(total < 360, total + 360, total - 360) / 2
    return np.where(achromatic, total, np.where(apart > 180, around, total / 2))
