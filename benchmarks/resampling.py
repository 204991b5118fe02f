"""How pictures are made smaller: ours beside OpenCV's area average, both against Lanczos with a full kernel (Pillow).

PSNR against Lanczos, sharpness (standard deviation of the Laplacian) as a share of Lanczos's, CPU per picture; demo
photos, shrunk to shares of their size.

    python benchmarks/resampling.py [--json]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import numpy.typing as npt  # noqa: E402
from PIL import Image  # noqa: E402

from benchmarks.report import bar, finish  # noqa: E402
from processing import codecs  # noqa: E402
from processing.geometry import shrunk  # noqa: E402

Bytes = npt.NDArray[np.uint8]
SHARES = (0.95, 0.82, 0.7, 0.6, 0.45, 0.3)
PHOTOS = ("NW-SPK-0205_front", "NW-STL-0702_01", "NW-GFT-0210_01", "NW-TOT-0602_01")


def sharpness(picture: Bytes) -> float:
    """Standard deviation of the Laplacian of the grey picture."""
    return float(cv2.Laplacian(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.CV_32F).std())


def psnr(one: Bytes, other: Bytes) -> float:
    """Peak signal-to-noise ratio, dB."""
    error = float(((one.astype(np.float64) - other) ** 2).mean())
    return 10 * float(np.log10(255**2 / max(error, 1e-9)))


def timed(make: Callable[[], Bytes]) -> tuple[Bytes, float]:
    """Return the result and the least CPU milliseconds of three tries."""
    least, made = 1e9, make()
    for _ in range(3):
        begun = time.process_time()
        made = make()
        least = min(least, 1000 * (time.process_time() - begun))
    return made, least


def measure() -> dict[str, Any]:
    """Both methods at every share, means over the photos."""
    pictures = [codecs.decode(ROOT / "demo" / "photos" / f"{name}.jpg")[0] for name in PHOTOS]
    found: dict[str, Any] = {}
    for share in SHARES:
        rows = []
        for picture in pictures:
            ours, ours_ms = timed(lambda: shrunk(picture, round(share * max(picture.shape)))[0])  # noqa: B023
            size = (ours.shape[1], ours.shape[0])
            area, area_ms = timed(
                lambda: np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)  # noqa: B023
            )
            best = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))
            sharp = sharpness(best)
            rows.append((psnr(ours, best), psnr(area, best), sharpness(ours) / sharp, sharpness(area) / sharp,
                         ours_ms, area_ms))  # fmt: skip
        means = [round(float(value), 2) for value in np.mean(rows, axis=0)]
        names = ("psnr_ours", "psnr_area", "sharp_ours", "sharp_area", "ms_ours", "ms_area")
        found[f"{share:g}"] = dict(zip(names, means, strict=True))
    return found


def main() -> int:
    """Read the arguments, measure, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    figures = measure()
    gains = [row["psnr_ours"] - row["psnr_area"] for row in figures.values()]
    spent = sum(row["ms_ours"] for row in figures.values()) / sum(row["ms_area"] for row in figures.values())
    bars = [
        bar("least gain over the area average, dB", round(min(gains), 2), ">=", 0.0),
        bar("CPU, ours / area average", round(spent, 3), "<=", 0.8),
    ]
    return finish("resampling", figures, bars, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
