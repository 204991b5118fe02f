"""Edges: our two narrowing bands beside plain enlargement and the guided filter, on products with exact mattes.

Every method starts from the same coarse mask: the true matte seen at 320 px, as a network of that size would give it,
and the mask of the default remover. Measured within 7 px of the true edge at 1400 px: mean absolute error, and how many
soft pixels there are for each true one.

    python benchmarks/matting.py [--json] [--pictures FOLDER]
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

from benchmarks.report import bar, finish  # noqa: E402
from processing import codecs  # noqa: E402
from processing.geometry import quickly_shrunk  # noqa: E402
from processing.matting import refine  # noqa: E402
from processing.params import EdgeParams  # noqa: E402
from processing.removal.base import create_remover  # noqa: E402

FloatArray = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Method = Callable[[Bytes, FloatArray], Bytes]
COARSE_SIDE = 320
MEASURED_SIDE = 1400
GUIDED_SIDE, GUIDED_RADIUS, GUIDED_EPSILON = 1600, 10, 1e-4
# Neither a hard edge nor a single product surface: strands and mesh are for people, whatever the method.
STRANDS = ("NW-FUR-1101_charm", "NW-LAC-1102_garter")


def enlarged(rgb: Bytes, raw: FloatArray) -> Bytes:
    """Bilinear enlargement: what most scripts do with a network's mask."""
    mask = cv2.resize(raw, (rgb.shape[1], rgb.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.convertScaleAbs(mask, alpha=255.0), np.uint8)


def guided(rgb: Bytes, raw: FloatArray) -> Bytes:
    """Colour guided filter (He, Sun, Tang, "Guided Image Filtering", 2013) at 1600 px, then bilinear enlargement."""
    picture = quickly_shrunk(rgb, GUIDED_SIDE).astype(np.float32) / np.float32(255)
    height, width = picture.shape[:2]
    mask = np.asarray(cv2.resize(raw, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    filtered = guided_filter(picture, mask, GUIDED_RADIUS, GUIDED_EPSILON)
    return enlarged(rgb, np.asarray(np.clip((filtered - 0.08) / 0.84, 0, 1), np.float32))


def guided_filter(guide: FloatArray, mask: FloatArray, radius: int, epsilon: float) -> FloatArray:
    """Box filters and a closed-form 3 x 3 solve per pixel; `guide` (H, W, 3) and `mask` (H, W) 0..1."""
    size = (2 * radius + 1, 2 * radius + 1)

    def mean(values: FloatArray) -> FloatArray:
        return np.asarray(cv2.boxFilter(values, -1, size, borderType=cv2.BORDER_REFLECT), np.float32)

    red, green, blue = (np.ascontiguousarray(guide[..., channel]) for channel in range(3))
    m_r, m_g, m_b, m_p = mean(red), mean(green), mean(blue), mean(mask)
    c_r, c_g, c_b = mean(red * mask) - m_r * m_p, mean(green * mask) - m_g * m_p, mean(blue * mask) - m_b * m_p
    rr, gg, bb = (mean(v * v) - m * m + epsilon for v, m in ((red, m_r), (green, m_g), (blue, m_b)))
    rg, rb, gb = mean(red * green) - m_r * m_g, mean(red * blue) - m_r * m_b, mean(green * blue) - m_g * m_b
    i00, i01, i02 = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    i11, i12, i22 = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    determinant = rr * i00 + rg * i01 + rb * i02
    a_r = (i00 * c_r + i01 * c_g + i02 * c_b) / determinant
    a_g = (i01 * c_r + i11 * c_g + i12 * c_b) / determinant
    a_b = (i02 * c_r + i12 * c_g + i22 * c_b) / determinant
    offset = mean(m_p - a_r * m_r - a_g * m_g - a_b * m_b)
    return np.asarray(mean(a_r) * red + mean(a_g) * green + mean(a_b) * blue + offset, np.float32)


def ours(level: str) -> Method:
    """Return our refinement at one of its levels."""
    return lambda rgb, raw: refine(rgb, raw, EdgeParams(refinement=level)).alpha


METHODS: dict[str, Method] = {"enlarged": enlarged, "guided": guided, "ours_medium": ours("medium"),
                              "ours_high": ours("high")}  # fmt: skip


def errors(alpha: Bytes, truth: Bytes) -> tuple[float, float]:
    """Mean absolute error near the true edge, and soft pixels found for each true one."""
    scale = min(1.0, MEASURED_SIDE / max(truth.shape))
    found, exact = (cv2.resize(m, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) for m in (alpha, truth))
    soft = ((exact > 12) & (exact < 243)).astype(np.uint8)
    near = cv2.dilate(soft, np.ones((15, 15), np.uint8)) > 0
    off = float(np.abs(found.astype(np.float32) - exact.astype(np.float32))[near].mean()) / 255
    return off, float(((found > 12) & (found < 243) & near).sum() / max(1, int(soft.sum())))


def photos() -> list[tuple[str, Bytes, Bytes]]:
    """The demo's products that have one outline, with their exact mattes."""
    found = []
    for mask in sorted((ROOT / "demo" / "masks").glob("*.png")):
        photo = ROOT / "demo" / "photos" / f"{mask.stem}.jpg"
        if photo.is_file() and mask.stem not in STRANDS:
            found.append((mask.stem, codecs.decode(photo)[0], codecs.decode_grey(mask)))
    return found


def measure(cases: list[tuple[str, Bytes, Bytes]]) -> dict[str, Any]:
    """Every method on every product, alternating, from both starts."""
    remover = create_remover("auto")
    rows: dict[str, dict[str, list[float]]] = {}
    for _, rgb, truth in cases:
        true_small = cv2.resize(truth, (COARSE_SIDE, COARSE_SIDE), interpolation=cv2.INTER_AREA)
        coarse = np.asarray(true_small, np.float32) / np.float32(255)
        for start, raw in (("exact_320", coarse), ("chain", remover.remove(quickly_shrunk(rgb, 2048)).mask)):
            for name, method in METHODS.items():
                begun = time.process_time()
                alpha = method(rgb, raw)
                spent = time.process_time() - begun
                off, soft = errors(alpha, truth)
                row = rows.setdefault(f"{start}/{name}", {"mae": [], "soft": [], "ms": []})
                row["mae"].append(off)
                row["soft"].append(soft)
                row["ms"].append(1000 * spent)
    return {
        name: {
            "edge_mae": round(float(np.mean(row["mae"])), 4),
            "edge_mae_median": round(float(np.median(row["mae"])), 4),
            "soft_per_true_soft": round(float(np.median(row["soft"])), 2),
            "cpu_ms": round(float(np.median(row["ms"])), 1),
        }
        for name, row in rows.items()
    }


def draw(cases: list[tuple[str, Bytes, Bytes]], folder: Path) -> None:
    """Write one strip for each chosen place: photo, enlarged, guided, ours, truth; 5 times enlarged, on black."""
    folder.mkdir(parents=True, exist_ok=True)
    remover = create_remover("auto")
    for name, rgb, truth in cases:
        raw = remover.remove(quickly_shrunk(rgb, 2048)).mask
        at = np.argwhere((truth > 60) & (truth < 200))
        row, column = at[len(at) // 3]
        window = (slice(max(0, row - 45), row + 45), slice(max(0, column - 45), column + 45))
        tiles: list[Bytes] = [rgb[window]]
        mattes = [METHODS[key](rgb, raw) for key in ("enlarged", "guided", "ours_high")]
        tiles += [np.asarray(cv2.cvtColor(matte[window], cv2.COLOR_GRAY2RGB), np.uint8) for matte in (*mattes, truth)]
        strip = np.concatenate(
            [cv2.resize(tile, (270, 270), interpolation=cv2.INTER_NEAREST) for tile in tiles], axis=1
        )
        (folder / f"edge-{name.lower()}.webp").write_bytes(codecs.encode_webp(np.ascontiguousarray(strip), quality=80))


def main() -> int:
    """Read the arguments, measure, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--pictures", type=Path, help="write the docs' pictures of edges into this folder")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    cases = photos()
    if options.pictures:
        draw([case for case in cases if case[0] in ("NW-VAS-0141_black", "NW-MUG-0101_front", "NW-CHR-0701_34")],
             options.pictures)  # fmt: skip
    figures: dict[str, Any] = {"products": len(cases), **measure(cases)}
    high, peer = figures["exact_320/ours_high"], figures["exact_320/guided"]
    bars = [
        bar("edge error, ours / guided filter", round(high["edge_mae"] / peer["edge_mae"], 3), "<=", 0.8),
        bar("CPU, ours / guided filter", round(high["cpu_ms"] / peer["cpu_ms"], 3), "<=", 0.5),
        bar("soft pixels per true soft pixel", high["soft_per_true_soft"], "<=", 1.6),
    ]
    return finish("matting", figures, bars, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
