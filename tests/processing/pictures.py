"""Files for the codec tests, written by real encoders, and a small ICC profile maker for spaces Pillow cannot make."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

# xy of red, green, blue, and the gamma, as published for each space
ADOBE_RGB = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), 2.19921875)
DISPLAY_P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), 2.2)
_D65 = np.array([0.95047, 1.0, 1.08883])
_D50 = np.array([0.96422, 1.0, 0.82521])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def to_xyz(
    space: tuple[tuple[float, float], tuple[float, float], tuple[float, float], float],
) -> npt.NDArray[np.float64]:
    """Return the 3 x 3 matrix from linear RGB to XYZ (D65)."""
    columns = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in space[:3]]).T
    return columns * np.linalg.solve(columns, _D65)


def matrix_profile(space: tuple[tuple[float, float], tuple[float, float], tuple[float, float], float]) -> bytes:
    """Return an ICC v2 display profile with the given primaries (D65 white, adapted to D50) and gamma."""
    scale = np.diag((_BRADFORD @ _D50) / (_BRADFORD @ _D65))
    adapted = np.linalg.inv(_BRADFORD) @ scale @ _BRADFORD @ to_xyz(space)

    def fixed(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    def xyz(values: npt.NDArray[np.float64]) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(fixed(value) for value in values)

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(space[3] * 256)) + b"\0\0"
    name = b"test space\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", len(name)) + name + b"\0" * 79
    text += b"\0" * (-len(text) % 4)
    tags = {b"desc": text, b"cprt": b"text\0\0\0\0none\0\0\0\0", b"wtpt": xyz(_D50), b"rXYZ": xyz(adapted[:, 0]),
            b"gXYZ": xyz(adapted[:, 1]), b"bXYZ": xyz(adapted[:, 2]), b"rTRC": curve, b"gTRC": curve,
            b"bTRC": curve}  # fmt: skip
    start, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for key, data in tags.items():
        table += key + struct.pack(">II", start + len(body), len(data))
        body += data
    head = struct.pack(">I4sI4s4s4s", start + len(body), b"\0\0\0\0", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28
    head += b"".join(fixed(value) for value in _D50)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def textured(width: int = 700, height: int = 600, seed: int = 3) -> npt.NDArray[np.uint8]:
    """Return a picture (H, W, 3) with coarse colour and grain, so that no file is tiny."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 255, (6, 7, 3), dtype=np.uint8)).resize((width, height))
    return np.clip(np.asarray(coarse).astype(int) + rng.integers(-8, 8, (height, width, 1)), 0, 255).astype(np.uint8)


def saved(path: Path, pixels: npt.NDArray[np.uint8], mode: str | None = None, **options: object) -> Path:
    """Write pixels with Pillow and return the path. PNGs are packed loosely: tight takes six times as long."""
    if path.suffix == ".png":
        options.setdefault("compress_level", 1)
    Image.fromarray(pixels, mode).save(path, **options)  # type: ignore[arg-type]
    return path
