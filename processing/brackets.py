"""Exposure fusion: one picture of several exposures of one scene, for rooms with windows (PRO-26).

T. Mertens, J. Kautz, F. Van Reeth, "Exposure fusion", Pacific Graphics 2007: every pixel is a weighted mean, over a
pyramid, of the exposures that are best there by contrast, saturation and well-exposedness. Nothing needs to be known of
the camera, and no tone mapping follows. Frames are laid on the middle one first by phase correlation (C. D. Kuglin,
D. C. Hines 1975) of their edges, which an exposure changes less than tones.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from processing.errors import InputRejected
from processing.types import RGBArray

MOST_FRAMES = 9
_REACH = 0.03  # of the longest side: as far as a tripod that was touched moves a picture
_SURE = 0.05  # response of the correlation below which frames stay as they are
_BURNT, _LOST = 254, 1
_SHOULDER, _ROOM = 0.88, 0.12


def fuse(frames: Sequence[RGBArray], *, align: bool = True) -> RGBArray:
    """Return the fused picture (H, W, 3) uint8 of `frames`, each (H, W, 3) uint8 sRGB, in any order.

    Raises InputRejected(code="bracket_unfit") for fewer than two, more than nine, or frames of different sizes.
    """
    if not 2 <= len(frames) <= MOST_FRAMES:
        raise InputRejected(f"A bracket has 2 to {MOST_FRAMES} exposures, not {len(frames)}.", code="bracket_unfit")
    if len({frame.shape for frame in frames}) > 1:
        sizes = ", ".join(f"{frame.shape[1]} x {frame.shape[0]}" for frame in frames)
        raise InputRejected(f"The exposures of a bracket have one size; these have {sizes} px.", code="bracket_unfit")
    laid = [np.ascontiguousarray(frame) for frame in frames]
    if align:
        middle = sorted(laid, key=lambda frame: float(frame.mean()))[len(laid) // 2]
        laid = [frame if frame is middle else _laid_on(frame, middle) for frame in laid]
    fused = np.nan_to_num(cv2.createMergeMertens().process(laid))
    # Blending over a pyramid overshoots at bright edges: bent below white, not cut, or detail would burn out again.
    over = fused > _SHOULDER
    fused[over] = _SHOULDER + _ROOM * np.tanh((fused[over] - _SHOULDER) / _ROOM)
    return np.asarray(np.clip(np.rint(fused * 255), 0, 255), np.uint8)


def _laid_on(frame: RGBArray, middle: RGBArray) -> RGBArray:
    """Move a frame by whole px so that its edges lie on those of `middle`; the border repeats."""
    window = cv2.createHanningWindow((frame.shape[1], frame.shape[0]), cv2.CV_32F)
    (x, y), response = cv2.phaseCorrelate(_edges(middle), _edges(frame), window)
    if response < _SURE or max(abs(x), abs(y)) > _REACH * max(frame.shape[:2]):
        return frame
    move = np.array([[1.0, 0, -round(x)], [0, 1.0, -round(y)]])
    size = (frame.shape[1], frame.shape[0])
    return np.asarray(
        cv2.warpAffine(frame, move, size, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def _edges(rgb: RGBArray) -> npt.NDArray[np.float32]:
    """Return (H, W) float32 0..1: steps of log tone, those a good deal above grain all alike."""
    tone = np.log2(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32) + 8.0)
    across, down = cv2.Sobel(tone, cv2.CV_32F, 1, 0), cv2.Sobel(tone, cv2.CV_32F, 0, 1)
    return np.asarray(np.tanh(np.hypot(across, down) * 2.0), np.float32)


def clipped_share(rgb: RGBArray) -> float:
    """Return the share (0..1) of pixels that tell nothing: a channel burnt out, or all of them black."""
    burnt = (rgb >= _BURNT).any(axis=2)
    lost = (rgb <= _LOST).all(axis=2)
    return float((burnt | lost).mean())
