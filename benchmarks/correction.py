"""Is the reference card found in photos, does its matrix bring other colours home, and is it found where none is?
(PRO-11)

Our own card picture is laid at random (12 to 45 % of the photo's width, turned any way, in perspective) on the demo's
photos, under a random cast and exposure, softened, with noise and JPEG. The matrix is judged on 60 colours that are not
on the card. Photos without a card (the demo's own, and a corpus where one is given) must give none.

    python benchmarks/correction.py [--cards 60] [--corpus ../shared/corpus] [--json]
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import report  # noqa: E402 (the path above must be set first)
from processing import codecs, geometry  # noqa: E402
from processing.card_finder import find_card  # noqa: E402
from processing.colour import ColourTransform  # noqa: E402
from processing.errors import InputRejected  # noqa: E402
from processing.quality.difference import delta_e_2000, to_lab  # noqa: E402
from processing.reference_card import PATCHES, CardFit  # noqa: E402
from processing.types import RGBArray  # noqa: E402

SIDE = 2000
PITCH, GAP = 100, 20
SMALLEST, LARGEST = 0.12, 0.45
"""Shares of the photo's width that the card is long: below about an eighth nobody holds a card."""


def card() -> RGBArray:
    """Return the card, flat: patches of 80 px on a dark board."""
    board = np.full((PITCH * 4 + GAP, PITCH * 6 + GAP, 3), 25, np.uint8)
    for index, colour in enumerate(PATCHES):
        row, column = divmod(index, 6)
        board[GAP + row * PITCH : (row + 1) * PITCH, GAP + column * PITCH : (column + 1) * PITCH] = colour
    return board


def cast(rng: np.random.Generator) -> ColourTransform:
    """Return a random light and sensor: channel gains, some crosstalk, up to one stop less exposure."""
    mixing = np.eye(3) + rng.uniform(-0.06, 0.06, (3, 3))
    matrix = np.diag(rng.uniform(0.7, 1.0, 3)) @ mixing * rng.uniform(0.5, 0.95)
    return ColourTransform(matrix=tuple(float(value) for value in matrix.reshape(-1)))


def with_card(photo: RGBArray, seen: ColourTransform, rng: np.random.Generator) -> RGBArray:
    """Return the photo with a card laid in it at random, as the camera of `seen` gives it, after JPEG."""
    height, width = photo.shape[:2]
    board = card()
    length = width * rng.uniform(SMALLEST, LARGEST)
    half = np.array([(-1, -0.69), (1, -0.69), (1, 0.69), (-1, 0.69)]) * length / 2
    turn = rng.uniform(0, 2 * np.pi)
    spin = np.array([(np.cos(turn), -np.sin(turn)), (np.sin(turn), np.cos(turn))])
    reach = 0.62 * length
    centre = [rng.uniform(min(reach, side / 2), max(side - reach, side / 2)) for side in (width, height)]
    quad = half @ spin.T * rng.uniform(0.93, 1.07, (4, 1)) + centre
    flat = np.array([(0, 0), (board.shape[1], 0), board.shape[1::-1], (0, board.shape[0])], np.float32)
    matrix = cv2.getPerspectiveTransform(flat, quad.astype(np.float32))
    laid = photo.copy()
    where = cv2.warpPerspective(np.ones(board.shape[:2], np.uint8), matrix, (width, height)) > 0
    laid[where] = cv2.warpPerspective(board, matrix, (width, height), flags=cv2.INTER_AREA)[where]
    soft = cv2.GaussianBlur(seen.apply(laid), (0, 0), rng.uniform(0.5, 1.2)).astype(np.float32)
    noisy = np.clip(soft + rng.normal(0, rng.uniform(1, 3), soft.shape), 0, 255).astype(np.uint8)
    data = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, 90])[1]
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return np.ascontiguousarray(decoded, np.uint8)


def others(seen: ColourTransform, fit: CardFit, rng: np.random.Generator) -> tuple[float, float]:
    """Return mean CIEDE2000 of 60 colours that aren't on the card: as the camera gives them, and corrected."""
    colours = rng.integers(30, 226, (1, 60, 3)).astype(np.uint8)
    given = seen.apply(colours)
    wanted = to_lab(colours)[0]
    before = delta_e_2000(to_lab(given)[0], wanted)
    return float(before.mean()), float(delta_e_2000(to_lab(fit.transform.apply(given))[0], wanted).mean())


def photos(folder: Path) -> list[Path]:
    """Return the pictures below `folder` that can be decoded, in order (the demo has broken ones on purpose)."""

    def is_readable(path: Path) -> bool:
        try:
            codecs.decode(path)
        except InputRejected:
            return False
        return True

    return sorted(path for path in folder.rglob("*.jp*g") if path.is_file() and is_readable(path))


def opened(path: Path) -> RGBArray:
    """Return the upright photo, at most 2000 px."""
    return geometry.shrunk(codecs.decode(path)[0], SIDE)[0]


def measure_cards(count: int) -> dict[str, Any]:
    """Lay `count` cards, find them, and judge the matrices."""
    grounds, rng = photos(ROOT / "demo" / "photos"), np.random.default_rng(0)
    found: list[CardFit] = []
    before, after, cpu = [], [], []
    for index in range(count):
        seen = cast(rng)
        picture = with_card(opened(grounds[index % len(grounds)]), seen, rng)
        start = time.process_time()
        try:
            fit, _ = find_card(picture)
        except InputRejected:
            continue
        finally:
            cpu.append(time.process_time() - start)
        found.append(fit)
        pair = others(seen, fit, rng)
        before.append(pair[0])
        after.append(pair[1])
    return {
        "cards": count,
        "found_ratio": round(len(found) / count, 3),
        "residual_median_de2000": round(float(np.median([fit.mean_after for fit in found])), 2),
        "residual_p95_de2000": round(float(np.percentile([fit.mean_after for fit in found], 95)), 2),
        "other_colours_before_de2000": round(float(np.median(before)), 2),
        "other_colours_after_de2000": round(float(np.median(after)), 2),
        "other_colours_after_worst_de2000": round(float(np.max(after)), 2),
        "cpu_s_median": round(float(np.median(cpu)), 3),
    }


def count_alarms(paths: list[Path]) -> int:
    """Return in how many of these photos, none of which has a card, one is found."""
    alarms = 0
    for path in paths:
        picture = opened(path)
        try:
            find_card(picture)
        except InputRejected:
            continue
        alarms += 1
        print(f"a card in {path.name}?", file=sys.stderr)
    return alarms


def main() -> int:
    """Measure, print, and return 0 only if every bar holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cards", type=int, default=60)
    parser.add_argument("--corpus", type=Path, help="photos without a card, looked for below this folder")
    parser.add_argument("--json", action="store_true")
    words = parser.parse_args()
    cv2.setNumThreads(1)
    figures = measure_cards(words.cards)
    empty = photos(ROOT / "demo" / "photos")
    if words.corpus:
        empty += photos(words.corpus)
    figures["photos_without_card"] = len(empty)
    figures["corpus"] = "given" if words.corpus and words.corpus.is_dir() else "not given: only the demo's photos"
    figures["false_alarms"] = count_alarms(empty)
    bars = [
        report.bar("cards found", figures["found_ratio"], ">=", 0.95),
        report.bar("other colours after, dE2000", figures["other_colours_after_de2000"], "<=", 2.0),
        report.bar("false alarms", figures["false_alarms"], "==", 0),
    ]
    return report.finish("correction", figures, bars, as_json=words.json)


if __name__ == "__main__":
    raise SystemExit(main())
