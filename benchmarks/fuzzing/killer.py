"""A stand-in for a decoder that crashes: an operator's own category model (docs/intake.md) that ends its process by
SIGSEGV on one planted photo, a magenta one. The line must get over it as over any native crash."""

from __future__ import annotations

import io
import os
import signal

import numpy as np
import numpy.typing as npt
from PIL import Image

_MAGENTA = (250, 0, 250)


def planted() -> bytes:
    """The photo that kills."""
    frame = np.full((560, 560, 3), 230, np.uint8)
    frame[100:460, 100:460] = _MAGENTA
    out = io.BytesIO()
    Image.fromarray(frame).save(out, "PNG")
    return out.getvalue()


def opinion(rgb: npt.NDArray[np.uint8], product: npt.NDArray[np.bool_]) -> None:
    """A CategoryModel without an opinion, or the end of the process."""
    middle = rgb[rgb.shape[0] // 2, rgb.shape[1] // 2].astype(int)
    if np.abs(middle - _MAGENTA).max() < 12:
        os.kill(os.getpid(), signal.SIGSEGV)
