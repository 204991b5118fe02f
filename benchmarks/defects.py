"""Does the score see what a buyer sees? Planted defects of known kinds, scored through `score_pair` after encoding.

Products: demo renders with exact masks and, with --corpus, studio composites. Each is framed for Amazon, gets every
defect of `processing.quality.defects`, is encoded as JPEG q95, decoded and scored with its matte. Limits were set on
the even products of the list ("tune"); the bars are held against the odd ones ("report"), looked at nowhere else.
What one score costs is measured on a frame of 2000 px in a process of its own.

    python benchmarks/defects.py [--corpus ../shared/corpus] [--products 60] [--processes 2] [--fast] [--json]
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import io
import json
import multiprocessing
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import cv2  # noqa: E402
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

from processing import codecs, geometry, matting  # noqa: E402
from processing.channels import load_channels  # noqa: E402
from processing.params import STANDARD_PRESET, ScoringParams  # noqa: E402
from processing.quality import defects  # noqa: E402
from processing.quality.pair import score_pair  # noqa: E402
from processing.quality.score import score  # noqa: E402

# The demo's hard set-ups D1 to D6: what goes to people anyway (polished metal, jewellery, glass, hair, lace), or has no
# plain backdrop or no contrast to it at all.
NOT_JUDGED = ("KTL", "WTC", "RNG", "NCK", "CRF", "WGL", "FUR", "LAC", "BWL", "VAS", "kitchen", "wood")
LONGEST_PX = 1200
COST_PX = 2000
LENS_BLUR_PX = 0.6
STRICT = {"halo_2px", "halo_4px", "eroded_2px", "fringe"}
Place = tuple[str, Path, Path]


def places(corpus: Path | None) -> list[Place]:
    """Return (name, photo, mask) of every product used."""
    found = [
        (mask.stem, ROOT / "demo" / "photos" / f"{mask.stem}.jpg", mask)
        for mask in sorted((ROOT / "demo" / "masks").glob("*.png"))
        if not any(word in mask.stem for word in NOT_JUDGED)
    ]
    if corpus is not None and (corpus / "meta.json").is_file():
        rows = json.loads((corpus / "meta.json").read_text())
        found += [(r["name"], corpus / r["img"], corpus / r["mask"]) for r in rows if r["subset"] == "studio_comp"]
    return found


def subject(photo: Path, mask: Path) -> defects.Subject:
    """Frame one product for Amazon with its true matte, as the line would."""
    rgb, _ = codecs.decode(photo)
    alpha = np.asarray(cv2.imread(str(mask), cv2.IMREAD_GRAYSCALE), np.float32) / np.float32(255)
    alpha = np.asarray(cv2.GaussianBlur(alpha, (0, 0), LENS_BLUR_PX), np.float32)
    alpha[alpha < 1 / 255] = 0
    # Never enlarged: a small product gets a small frame, so that every px is one of the photo or less.
    spec = replace(load_channels()["amazon_main"], min_dimension=0, recommended_dimension=LONGEST_PX)
    framing = geometry.plan_frame(alpha, STANDARD_PRESET, spec)
    clean = matting.decontaminate(rgb, geometry.levels(alpha))
    return defects.Subject(
        geometry.frame_source(rgb, framing), geometry.to_frame(clean, framing), geometry.to_frame(alpha, framing)
    )


def judged(task: tuple[int, Place, Place]) -> list[dict[str, Any]]:
    """Plant and score every kind in one product."""
    cv2.setNumThreads(1)
    number, (name, photo, mask), (_, other_photo, other_mask) = task
    own, other = subject(photo, mask), subject(other_photo, other_mask)
    if other.alpha.shape != own.alpha.shape:
        size = (own.alpha.shape[1], own.alpha.shape[0])
        other = defects.Subject(
            np.asarray(cv2.resize(other.photo, size), np.uint8),
            np.asarray(cv2.resize(other.colour, size), np.uint8),
            np.asarray(cv2.resize(other.alpha, size), np.float32),
        )
    found = []
    for kind in (*defects.GOOD_KINDS, *defects.defect_kinds()):
        rng = np.random.default_rng([number, len(kind), *kind.encode()[:4]])
        case = defects.plant(kind, own, rng, other)
        with Image.open(io.BytesIO(codecs.encode_jpeg(case.after, quality=95))) as file:
            after = np.asarray(file.convert("RGB"), np.uint8)
        alpha = np.round(case.alpha * 255).astype(np.float32) / np.float32(255)
        started = time.process_time()
        report = score_pair(
            case.before, after, load_channels()["amazon_main"], ScoringParams(), alpha=alpha,
            affine=np.eye(2, 3),
        ).quality  # fmt: skip
        spent = time.process_time() - started
        found.append({
            "product": name, "number": number, "kind": kind, "total": report.total, "side": alpha.shape[0], "s": spent,
            "gates": [gate.code for gate in report.gates if not gate.passed],
            "measures": {m.name: m.value for m in report.measures},
        })  # fmt: skip
    return found


def memory_kb(name: str) -> int:
    """Return VmRSS or VmHWM of this process, in kB; 0 where the system doesn't tell."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)


def cost(side: int = COST_PX, rounds: int = 9) -> dict[str, float]:
    """Score one good frame of `side` px: quietest and median CPU ms, and MB above what the frames themselves take."""
    cv2.setNumThreads(1)
    own = subject(ROOT / "demo" / "photos" / "KSTR4471.jpg", ROOT / "demo" / "masks" / "KSTR4471.png")
    photo, colour = (
        np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)
        for picture in (own.photo, own.colour)
    )
    alpha = np.asarray(cv2.resize(own.alpha, (side, side), interpolation=cv2.INTER_LINEAR), np.float32)
    frame, channel, limits = defects.over_white(colour, alpha), load_channels()["amazon_main"], ScoringParams()
    thin = slice(None, None, 8)
    score(frame[thin, thin].copy(), alpha[thin, thin].copy(), channel=channel, scoring=limits,
          expected=photo[thin, thin].copy())  # fmt: skip
    with contextlib.suppress(OSError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)  # what preparing the frames left in the heap must not hide anything
    before = memory_kb("VmRSS")
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts anew
    spent = []
    for _ in range(rounds):
        started = time.process_time()
        score(frame, alpha, channel=channel, scoring=limits, expected=photo)
        spent.append((time.process_time() - started) * 1000)
    extra = (memory_kb("VmHWM") - before) / 1024
    return {"side": side, "ms_quietest": round(min(spent), 1), "ms_median": round(float(np.median(spent)), 1),
            "extra_mb": round(extra, 1)}  # fmt: skip


def badness(row: dict[str, Any]) -> float:
    """One number per result, the higher the worse: points missing, and 100 for a failed gate."""
    return (100.0 - float(row["total"])) + (100.0 if row["gates"] else 0.0)


def auc(bad: list[float], good: list[float]) -> float:
    """Chance that a defective result is ranked worse than a good one; ties count half."""
    first, second = np.array(bad)[:, None], np.array(good)[None]
    return float((first > second).mean() + 0.5 * (first == second).mean())


def ships(row: dict[str, Any]) -> bool:
    """Would it be approved by itself?"""
    return float(row["total"]) >= 90.0 and not row["gates"]


# The measure that is meant to see each kind; "" = only points and gates do.
MEANT = {
    "halo_2px": "halo", "halo_4px": "halo", "fringe": "fringe", "eroded_2px": "missing_edge",
    "eroded_4px": "missing_edge", "bite": "lost", "lost_part": "lost", "holes": "holes", "ghosted": "holes",
    "blob_detached": "leftover_beside", "blob_attached": "leftover", "shadow_left": "specks", "specks": "stray",
    "torn_edge": "edge_width", "jagged": "edge_hardness", "binary": "edge_hardness", "feathered": "edge_width",
    "feathered_in_part": "stray", "blurred": "detail", "colour_de5": "colour_shift", "colour_de3": "colour_shift",
    "brighter_6": "colour_shift", "background_248": "off_white", "background_254": "off_white", "underfilled": "fill",
    "content_loss": "lost", "shadow_patch": "remains",
    "text_on": "content", "patch_flat": "content", "block_flipped": "content", "half_resolution": "detail",
}  # fmt: skip
LOWER_IS_WORSE = {"fill", "detail", "content"}


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Figures of one half of the products."""
    good = [row for row in rows if row["kind"] in defects.GOOD_KINDS]
    calm = [badness(row) for row in good]
    alarm = float(np.quantile(calm, 0.95))
    kinds: dict[str, Any] = {}
    for kind in defects.defect_kinds():
        bad = [row for row in rows if row["kind"] == kind]
        values = [badness(row) for row in bad]
        entry: dict[str, Any] = {
            "auc": round(auc(values, calm), 4),
            "detected": round(float(np.mean([value > alarm for value in values])), 3),
            "would_ship": sum(ships(row) for row in bad),
            "products": len(bad),
        }
        name = MEANT.get(kind, "")
        if name:
            sign = -1.0 if name in LOWER_IS_WORSE else 1.0
            pick = [
                [sign * row["measures"].get(name, 1.0 if name in LOWER_IS_WORSE else 0.0) for row in group]
                for group in (bad, good)
            ]
            entry["measure"], entry["measure_auc"] = name, round(auc(*pick), 4)
        kinds[kind] = entry
    return {
        "good": len(good),
        "good_shipped_ratio": round(float(np.mean([ships(row) for row in good])), 4),
        "alarm_at": round(alarm, 2),
        "kinds": kinds,
    }


def resumed(file: Path | None) -> list[dict[str, Any]]:
    """Return the results a stopped run left behind, product by product whole; none without a file."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file is not None and file.is_file() else []


def main() -> int:
    """Read the arguments, plant, score, report."""
    from benchmarks.report import bar, finish

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, default=ROOT.parent / "shared" / "corpus")
    parser.add_argument("--products", type=int, default=60)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--fast", action="store_true", help="six products, no bars on sample size")
    parser.add_argument("--rows", type=Path, help="write every result here, one JSON object a line")
    parser.add_argument("--resume", action="store_true", help="keep what a stopped run of the same code left in --rows")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = places(options.corpus)
    # A product keeps its number, and with it its half, however many are taken.
    taken = sorted({round(at) for at in np.linspace(0, len(found) - 1, 6 if options.fast else options.products)})
    tasks = [(number, found[number], found[(number + 2) % len(found)]) for number in taken]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        spent = pool.apply(cost)
    with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
        rows = resumed(options.rows) if options.resume else []
        done = {row["number"] for row in rows}
        for group in pool.imap_unordered(judged, [task for task in tasks if task[0] not in done], chunksize=1):
            rows += group
            if options.rows:
                options.rows.write_text("\n".join(json.dumps(row) for row in rows))
    tune, held = (summary([row for row in rows if row["number"] % 2 == rest]) for rest in (0, 1))
    every, numbers = summary(rows), {row["number"] for row in rows}
    figures = {
        "products": len(numbers), "products_tune": sum(number % 2 == 0 for number in numbers),
        "corpus": str(options.corpus.name) if (options.corpus / "meta.json").is_file() else "missing",
        "score_ms": round(float(np.median([row["s"] for row in rows])) * 1000, 1),
        "frame_side_median": int(np.median([row["side"] for row in rows])),
        "cost": spent, "report": held, "tune": tune, "all": every,
    }  # fmt: skip
    bars = [bar("kinds planted", len(defects.defect_kinds()), ">=", 20)]
    if not options.fast:
        bars.append(bar("products", len(numbers), ">=", 30))
    for kind, entry in held["kinds"].items():
        best = max(entry["auc"], entry.get("measure_auc", 0.0))
        bars.append(bar(f"AUC {kind}", best, ">=", 0.93 if kind == "blob_attached" else 0.97))
    shipped = sum(every["kinds"][kind]["would_ship"] for kind in sorted(defects.GATE_KINDS))
    bars.append(bar("gate defects that would ship", shipped, "==", 0))
    bars.append(bar("good results approved", held["good_shipped_ratio"], ">=", 0.85))
    bars.append(bar("CPU ms of a score at 2000 px", spent["ms_quietest"], "<=", 90.0))
    bars.append(bar("MB beyond the frames at 2000 px", spent["extra_mb"], "<=", 60.0))
    return finish("defects", figures, bars, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
