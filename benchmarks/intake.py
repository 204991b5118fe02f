"""What taking a photo in costs, and how exact its colours are: CPU ms at 12 MP; Pillow and libvips side by side.

    python benchmarks/intake.py --json

The photo is drawn here (a product with grain on a sweep, 4000 x 3000, JPEG quality 90, about 3 MB). The steps take
turns round by round in one process that keeps freed memory, as workers do; medians of CPU time are quoted. The earlier
way to do it is kept here as the peer: a decode and a damage check for validation, one more decode for classification,
the product found twice.
"""

from __future__ import annotations

import argparse
import io
import statistics
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pyvips
from PIL import Image, ImageCms

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.report import bar, finish
from processing import classification, codecs, icc, intake
from processing.geometry import shrunk
from processing.memory import keep_freed_memory
from processing.params import ClassificationParams
from processing.phash import perceptual_hash
from processing.removal.studio import StudioSettings, segment

Pixels = npt.NDArray[np.uint8]
Work = Callable[[], Any]

# Linear RGB to XYZ (D50) of Adobe RGB (1998), as its specification gives it, and its gamma.
ADOBE_TO_XYZ = np.array([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]])
ADOBE_GAMMA = 563 / 256
# XYZ (D50) to linear sRGB: the inverse of the matrix in the ICC's sRGB profile.
SRGB_TO_XYZ = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])


def drawn(path: Path) -> None:
    """Write the photo."""
    rng = np.random.default_rng(12)
    rows, columns = np.mgrid[0:3000, 0:4000].astype(np.float32)
    scene = 236 - 12 * (rows / 3000) - 6 * np.abs(columns / 2000 - 1)
    product = np.zeros((3000, 4000), np.uint8)
    cv2.ellipse(product, (2000, 1500), (900, 1150), 0, 0, 360, 255, -1)
    soft = cv2.GaussianBlur(product, (0, 0), 1.2).astype(np.float32)[..., None] / 255
    body = np.stack([70 + 30 * np.sin(columns / 90), 100 + 20 * np.sin(rows / 60), np.full_like(rows, 130)], axis=-1)
    pixels = body * soft + scene[..., None] * (1 - soft) + rng.normal(0, 5, (3000, 4000, 1))
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path, quality=90, icc_profile=icc.SRGB)


def adobe_profile() -> bytes:
    """Return an ICC v2 profile of Adobe RGB (1998) made from its published figures."""

    def fixed(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    white = (0.9642, 1.0, 0.8249)
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(ADOBE_GAMMA * 256)) + b"\0\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", 6) + b"adobe\0" + b"\0" * 80
    points = zip((b"rXYZ", b"gXYZ", b"bXYZ", b"wtpt"), [*ADOBE_TO_XYZ.T, white], strict=True)
    tags = {b"desc": text, b"cprt": b"text\0\0\0\0none", b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}
    tags |= {name: b"XYZ \0\0\0\0" + b"".join(fixed(float(part)) for part in xyz) for name, xyz in points}
    start, table, body = 132 + 12 * len(tags), b"", b""
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    head = struct.pack(">I4sI4s4s4s", start + len(body), b"\0\0\0\0", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28 + b"".join(fixed(part) for part in white)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def two_looks(path: Path) -> None:
    """Validate and classify as before."""
    photo = codecs.open_photo(path)
    pyvips.Image.jpegload(str(path), access="sequential", fail_on="warning").avg()
    small = shrunk(photo.rgb, 320)[0]
    product, _ = segment(small, StudioSettings())
    classification.colour_match_risk(small, product)
    perceptual_hash(photo.rgb)
    again = shrunk(codecs.open_photo(path).rgb, 400)[0]
    product, _ = segment(again, StudioSettings())
    classification.classify_pixels(again, product, "", {}, ClassificationParams())


def one_look(path: Path) -> None:
    """Validate and classify as the line does."""
    cues = intake.inspect(path, intake.PROFILES["hires-2000"], "photo.jpg").cues
    classification.classify(path, "", {}, ClassificationParams(), cues=cues)


def by_pillow(pixels: Pixels, profile: bytes) -> Pixels:
    """Convert by Pillow's littleCMS."""
    source, target = (ImageCms.ImageCmsProfile(io.BytesIO(data)) for data in (profile, icc.SRGB))
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    transform = ImageCms.buildTransform(source, target, "RGB", "RGB", renderingIntent=intent, flags=flags)
    return np.asarray(ImageCms.applyTransform(Image.fromarray(pixels), transform))


def opened_by_pillow(path: Path) -> Pixels:
    """Decode and convert as most programs do."""
    with Image.open(path) as image:
        return by_pillow(np.asarray(image), image.info["icc_profile"])


def by_us(pixels: Pixels, profile: bytes) -> Pixels:
    """Convert as the line does."""
    return np.asarray(icc.to_srgb(Image.fromarray(pixels), profile, []))


def exact(pixels: Pixels) -> npt.NDArray[np.float64]:
    """Convert Adobe RGB to sRGB by the published formulas, 0..255 unrounded."""
    linear = (pixels / 255.0) ** ADOBE_GAMMA @ (np.linalg.solve(SRGB_TO_XYZ, ADOBE_TO_XYZ)).T
    linear = np.clip(linear, 0, 1)
    return np.asarray(np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055) * 255)


def medians(work: dict[str, Work], rounds: int) -> dict[str, float]:
    """Return the median CPU ms of each, taking turns."""
    spent: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds + 1):
        for name, one in work.items():
            start = time.process_time()
            one()
            spent[name].append((time.process_time() - start) * 1e3)
    return {name: round(statistics.median(values[1:]), 1) for name, values in spent.items()}


def main() -> int:
    """Run it."""
    keep_freed_memory()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    profile = adobe_profile()
    axis = np.linspace(0, 255, 33).round().astype(np.uint8)
    cube = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(33, -1, 3)
    off = {name: np.abs(way(cube, profile) - exact(cube)) for name, way in (("pillow", by_pillow), ("ours", by_us))}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photo.jpg"
        drawn(path)
        tagged = Path(folder) / "adobe.jpg"
        Image.fromarray(codecs.open_photo(path).rgb).save(tagged, quality=90, icc_profile=profile)
        spent = medians(
            {
                "two_looks": lambda: two_looks(path),
                "one_look": lambda: one_look(path),
                "decode": lambda: codecs.open_photo(path),
                "adobe_rgb_pillow": lambda: opened_by_pillow(tagged),
                "adobe_rgb_ours": lambda: codecs.open_photo(tagged),
            },
            given.rounds,
        )
        size = path.stat().st_size
    figures: dict[str, Any] = {"jpeg_mb": round(size / 1e6, 1), "cpu_ms_12mp": spent}
    figures["levels_off_adobe_rgb"] = {
        name: {"mean": round(float(levels.mean()), 3), "max": round(float(levels.max()), 2)}
        for name, levels in off.items()
    }
    bars = [
        bar("validate and classify, CPU ms at 12 MP", spent["one_look"], "<=", 120),
        bar("validate and classify, share of two looks", round(spent["one_look"] / spent["two_looks"], 2), "<=", 0.55),
        bar("Adobe RGB to sRGB, levels off at most", round(float(off["ours"].max()), 2), "<=", 1.5),
        bar(
            "an Adobe RGB photo, share of Pillow's CPU",
            round(spent["adobe_rgb_ours"] / spent["adobe_rgb_pillow"], 2),
            "<=",
            0.8,
        ),
    ]
    return finish("intake", figures, bars, as_json=given.json)


if __name__ == "__main__":
    raise SystemExit(main())
