"""How good are the cut-outs? Overlap, outline and cost of every remover, side by side on one corpus in one run.

    python benchmarks/removers.py --corpus CORPUS [--models MODELS] [--limit N] [--only SUBSET] [--methods M...]
        [--json]

CORPUS holds meta.json: a list of {image, mask, subset, truth} (see `_entries`). Subsets plain, studio_comp and hard
have a truth; apparel has none: there a product counts as lost when the cut-out keeps less than half of what the
reference model keeps. Every cut-out goes through the line's own edge refinement, except rembg as it comes.
For the default chain, "ships" are the photos that the automatic lane would let pass by its own thresholds, confidence
and score, after the whole line: how many, and how many of them overlap the truth by 0.9.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import cv2  # noqa: E402
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

from benchmarks.matting import guided  # noqa: E402
from benchmarks.report import bar, finish  # noqa: E402
from processing import pipeline  # noqa: E402
from processing.channels import load_channels  # noqa: E402
from processing.errors import ProcessingError, ResourceUnavailable  # noqa: E402
from processing.matting import refine  # noqa: E402
from processing.params import STANDARD_PRESET, EdgeParams, ScoringParams  # noqa: E402
from processing.removal.base import Remover, create_remover  # noqa: E402
from processing.removal.chain import PairRemover  # noqa: E402
from processing.removal.trust import AUTO_CUT  # noqa: E402
from processing.types import MaskArray, RGBArray  # noqa: E402
from reviewapp.policies.routing import Thresholds  # noqa: E402

WITH_TRUTH = ("studio_comp", "plain", "hard")
CHAIN_BARS = {"studio_comp": 0.97, "plain": 0.78, "hard": 0.64}
_GOOD = 0.9
_TOLERANCE = 0.0075  # of the diagonal: how far an outline may be off
_LOST = 0.5
REFERENCE = "u2netp + our edge"
GUIDED = "u2netp + guided"
CHAIN = "default chain"
FRAME_SIDE = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture of the corpus; `mask` is None where there is no truth."""

    name: str
    subset: str
    image: Path
    mask: Path | None


@dataclass(frozen=True, slots=True)
class Row:
    """What one method did to one picture. `confidence` is -1 where a method has none."""

    overlap: float
    outline: float
    error: float
    cpu_s: float
    confidence: float


Method = Callable[[RGBArray], tuple[MaskArray, float]]


def _entries(corpus: Path, only: str, limit: int) -> list[Entry]:
    """Read meta.json; pictures whose truth is another model's output are left out."""
    found: dict[str, list[Entry]] = defaultdict(list)
    for row in json.loads((corpus / "meta.json").read_text()):
        subset = "apparel" if row.get("ds") == "apparel" else str(row["subset"])
        has_truth = subset in WITH_TRUTH
        if (has_truth or subset == "apparel") and (not only or subset == only):
            found[subset].append(
                Entry(row["name"], subset, corpus / row["img"], corpus / row["mask"] if has_truth else None)
            )
    return [entry for rows in found.values() for entry in (rows[:limit] if limit else rows)]


def overlap(alpha: MaskArray, truth: MaskArray) -> float:
    """Intersection over union at one half."""
    mine, theirs = alpha > 0.5, truth > 0.5
    either = int((mine | theirs).sum())
    return 1.0 if either == 0 else int((mine & theirs).sum()) / either


def outline_score(alpha: MaskArray, truth: MaskArray) -> float:
    """Boundary F-measure at a tolerance of 0.75 % of the diagonal (Martin, Fowlkes, Malik 2004)."""
    radius = max(1, round(_TOLERANCE * math.hypot(*alpha.shape)))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    lines = []
    for mask in (alpha, truth):
        solid = (mask > 0.5).astype(np.uint8)
        lines.append(np.asarray(solid - cv2.erode(solid, np.ones((3, 3), np.uint8), borderValue=0), np.uint8))
    if not lines[0].any() or not lines[1].any():
        return 0.0
    near = [np.asarray(cv2.dilate(line, disc), np.uint8) for line in lines]
    precision = float((lines[0] & near[1]).sum() / lines[0].sum())
    recall = float((lines[1] & near[0]).sum() / lines[1].sum())
    return 0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)


def _refined(remover: Remover) -> Method:
    def run(rgb: RGBArray) -> tuple[MaskArray, float]:
        removal = remover.remove(rgb)
        alpha = refine(rgb, removal.mask, EdgeParams(), removal.outline_px).alpha.astype(np.float32) / np.float32(255)
        return alpha, removal.confidence

    return run


def _guided(remover: Remover) -> Method:
    """The same mask with the guided filter instead of our edge: the peer of the design."""

    def run(rgb: RGBArray) -> tuple[MaskArray, float]:
        removal = remover.remove(rgb)
        return guided(rgb, removal.mask).astype(np.float32) / np.float32(255), -1.0

    return run


def _plain_rembg(models: Path) -> Method:
    """rembg as its README says: only_mask, its own enlargement."""
    import os

    import onnxruntime
    from rembg import new_session, remove

    os.environ["REMBG_HOME"] = str(models)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = new_session("u2net_custom", sess_opts=options, model_path=str(models / "u2netp.onnx"),
                          providers=["CPUExecutionProvider"])  # fmt: skip

    def run(rgb: RGBArray) -> tuple[MaskArray, float]:
        mask = remove(Image.fromarray(rgb), session=session, only_mask=True)
        return np.asarray(mask, np.float32) / np.float32(255), -1.0

    return run


def _chain() -> Remover:
    """The default on a machine without any downloaded model."""
    return PairRemover()


def _methods(models: Path | None) -> tuple[dict[str, Method], list[str]]:
    missing: list[str] = []
    made = {
        "studio": _refined(create_remover("studio")),
        "compact": _refined(create_remover("compact")),
        CHAIN: _refined(_chain()),
    }
    try:
        u2netp = create_remover("rembg", model_name="u2netp.onnx", model_dir=models)
        made[REFERENCE] = _refined(u2netp)
        made[GUIDED] = _guided(u2netp)
        made["rembg u2netp"] = _plain_rembg(models or Path())
    except ResourceUnavailable as exc:
        missing.append(f"u2netp: {exc}")
    return made, missing


def _measure(method: Method, rgb: RGBArray, truth: MaskArray | None) -> tuple[Row, MaskArray]:
    started = time.process_time()
    alpha, confidence = method(rgb)
    spent = time.process_time() - started
    if truth is None:
        return Row(-1.0, -1.0, -1.0, spent, confidence), alpha
    error = float(np.abs(alpha - truth).mean())
    return Row(overlap(alpha, truth), outline_score(alpha, truth), error, spent, confidence), alpha


def area_under_curve(scores: list[float], good: list[bool]) -> float:
    """Chance that a good one scores above a bad one; ties count half. 0.5 when one kind is missing."""
    above = np.array([score for score, is_good in zip(scores, good, strict=True) if is_good])
    below = np.array([score for score, is_good in zip(scores, good, strict=True) if not is_good])
    if not len(above) or not len(below):
        return 0.5
    return float((above[:, None] > below).mean() + 0.5 * (above[:, None] == below).mean())


def _summary(rows: Iterable[Row]) -> dict[str, float]:
    kept = list(rows)
    return {
        "n": len(kept),
        "iou": round(statistics.fmean(row.overlap for row in kept), 4),
        "share_good": round(statistics.fmean(row.overlap >= _GOOD for row in kept), 3),
        "outline_f": round(statistics.fmean(row.outline for row in kept), 3),
        "mae": round(statistics.fmean(row.error for row in kept), 4),
        "cpu_s": round(statistics.median(row.cpu_s for row in kept), 3),
    }


def _trust(rows: list[Row]) -> dict[str, float]:
    """How well confidence tells good cut-outs from bad ones, and what the automatic lane would let pass."""
    good = [row.overlap >= _GOOD for row in rows]
    passed = [row for row in rows if row.confidence >= AUTO_CUT]
    return {
        "auc": round(area_under_curve([row.confidence for row in rows], good), 4),
        "cut": AUTO_CUT,
        "accepted": round(len(passed) / max(1, len(rows)), 3),
        "accepted_good": round(statistics.fmean(row.overlap >= _GOOD for row in passed), 4) if passed else 1.0,
    }


def _ships(remover: Remover, entries: Iterable[Entry]) -> dict[str, float]:
    """Run the whole line on every photo with a truth; the channel asks for no size, most of these are small."""
    limits = Thresholds()
    channel = replace(load_channels()["amazon_main"], min_dimension=0, recommended_dimension=FRAME_SIDE)
    good = []
    for entry in entries:
        if entry.mask is None:
            continue
        try:
            made = pipeline.make(entry.image, STANDARD_PRESET, channel, ScoringParams(), remover)
        except ProcessingError:
            continue  # it fails, so it doesn't ship
        if "mended" in [finding.code for finding in made.findings]:
            continue  # a person looks at what the line mended by itself
        if made.confidence >= limits.min_confidence and made.quality.total >= limits.approve_at:
            truth = np.asarray(Image.open(entry.mask).convert("L"), np.float32) / np.float32(255)
            good.append(overlap(made.cut.alpha.astype(np.float32) / np.float32(255), truth) >= _GOOD)
    return {
        "confidence_from": limits.min_confidence,
        "score_from": limits.approve_at,
        "photos": len(good),
        "good": round(statistics.fmean(good), 4) if good else 1.0,
    }


def _bars(figures: dict[str, Any]) -> list[dict[str, Any]]:
    chain = figures["methods"].get(CHAIN, {})
    bars = [bar(f"default chain, IoU on {subset}", chain[subset]["iou"], ">=", least)
            for subset, least in CHAIN_BARS.items() if subset in chain]  # fmt: skip
    if CHAIN in figures.get("lost", {}):
        bars.append(bar("default chain, shop photos lost whole", figures["lost"][CHAIN], "<=", 0))
    if CHAIN in figures["trust"]:
        trust = figures["trust"][CHAIN]
        bars.append(bar("confidence AUC for IoU >= 0.9", trust["auc"], ">=", 0.92))
        bars.append(bar("accepted at the cut with IoU >= 0.9", trust["accepted_good"], ">=", 0.95))
    if "ships" in figures:
        bars.append(bar("shipped by the automatic lane with IoU >= 0.9", figures["ships"]["good"], ">=", 0.95))
    peer = figures["methods"].get(GUIDED)
    ours = figures["methods"].get(REFERENCE)
    if peer and ours:
        for subset in (subset for subset in CHAIN_BARS if subset in ours):
            gain = round(ours[subset]["iou"] - peer[subset]["iou"], 4)
            bars.append(bar(f"u2netp + our edge less u2netp + guided filter, {subset}", gain, ">=", 0.0))
    return bars


def _table(figures: dict[str, Any]) -> None:
    print(f"{'method':20} {'subset':12} {'n':>3} {'IoU':>6} {'>=.9':>5} {'outline':>7} {'MAE':>6} {'CPU s':>6}")
    for name, subsets in figures["methods"].items():
        for subset, row in subsets.items():
            print(f"{name:20} {subset:12} {row['n']:3} {row['iou']:6.3f} {row['share_good']:5.0%} "
                  f"{row['outline_f']:7.3f} {row['mae']:6.4f} {row['cpu_s']:6.3f}")  # fmt: skip


def _run(entries: list[Entry], methods: dict[str, Method], missing: list[str], details: Path | None) -> dict[str, Any]:
    rows: dict[str, dict[str, list[Row]]] = {name: defaultdict(list) for name in methods}
    lost: dict[str, int] = dict.fromkeys(methods, 0)
    noted = []
    for done, entry in enumerate(entries, 1):
        rgb = np.asarray(Image.open(entry.image).convert("RGB"))
        truth = None
        if entry.mask is not None:
            truth = np.asarray(Image.open(entry.mask).convert("L"), np.float32) / np.float32(255)
        alphas = {}
        for name, method in methods.items():
            row, alphas[name] = _measure(method, rgb, truth)
            if truth is not None:
                rows[name][entry.subset].append(row)
            noted.append([entry.subset, entry.name, name, round(row.overlap, 4), round(row.confidence, 4)])
        if truth is None and REFERENCE in alphas:
            kept = alphas[REFERENCE] > 0.5
            for name, alpha in alphas.items():
                lost[name] += bool((alpha[kept] > 0.5).mean() < _LOST)
        print(f"\r{done}/{len(entries)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    figures: dict[str, Any] = {"methods": {n: {s: _summary(r) for s, r in by.items()} for n, by in rows.items()}}
    everything = {name: [row for part in by.values() for row in part] for name, by in rows.items()}
    figures["trust"] = {name: _trust(all_rows) for name, all_rows in everything.items()
                        if all_rows and all_rows[0].confidence >= 0}  # fmt: skip
    if REFERENCE in methods and any(entry.mask is None for entry in entries):
        figures["lost"] = lost
    figures["missing"] = missing
    if details:
        details.write_text(json.dumps(noted))
    return figures


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=ROOT.parent / "shared" / "corpus")
    parser.add_argument("--models", type=Path)
    parser.add_argument("--limit", type=int, default=0, help="pictures per subset; 0 is all")
    parser.add_argument("--only", default="", help="one subset")
    parser.add_argument("--methods", nargs="*", help="some of the methods, by name")
    parser.add_argument("--details", type=Path, help="write every picture's figures there")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    cv2.setNumThreads(1)
    if not (wanted.corpus / "meta.json").is_file():
        figures = {"missing": [f"corpus: no meta.json in {wanted.corpus}"]}
        return finish("removers", figures, [], as_json=wanted.json)
    models = wanted.models or wanted.corpus.resolve().parent / "models"
    methods, missing = _methods(models)
    if wanted.methods:
        missing += [f"{name}: not asked for" for name in methods if name not in wanted.methods]
        methods = {name: method for name, method in methods.items() if name in wanted.methods}
    entries = _entries(wanted.corpus, wanted.only, wanted.limit)
    measured = _run(entries, methods, missing, wanted.details)
    if CHAIN in methods:
        measured["ships"] = _ships(_chain(), entries)
    _table(measured)
    return finish("removers", measured, _bars(measured), as_json=wanted.json)


if __name__ == "__main__":
    sys.exit(main())
