"""Does taking off what the score found bring a matte nearer to the truth, and does anything wrong ship because of it?

The demo's photos and, with --corpus, every photo there that has a mask go through the line twice, with mending and
without. Where it changed a matte: how far the changed px are from the mask before and after, and how much product was
taken along. Of what reaches 90 only because of it (a person looks at all of that): how much backdrop is still kept.

    python benchmarks/mending.py [--corpus ../shared/corpus] [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import cv2  # noqa: E402
import numpy as np  # noqa: E402

from benchmarks.report import bar, finish  # noqa: E402
from processing import codecs, pipeline  # noqa: E402
from processing.channels import load_channels  # noqa: E402
from processing.errors import ProcessingError  # noqa: E402
from processing.params import STANDARD_PRESET, ScoringParams  # noqa: E402
from processing.removal.base import Remover, create_remover  # noqa: E402

PASSES = 90.0
_PRODUCT, _BACKDROP = 200, 55  # of 255: what the mask and a matte surely call so
MASK_PX = 3  # a drawn mask's own outline is no surer than this


def photos(corpus: Path | None) -> Iterator[tuple[str, Path, Path]]:
    """Yield (name, photo, mask)."""
    for mask in sorted((ROOT / "demo" / "masks").glob("*.png")):
        yield mask.stem, ROOT / "demo" / "photos" / f"{mask.stem}.jpg", mask
    if corpus is not None and (corpus / "meta.json").is_file():
        for row in json.loads((corpus / "meta.json").read_text()):
            if row.get("mask"):
                yield row["name"], corpus / row["img"], corpus / row["mask"]


def both(photo: Path, remover: Remover) -> tuple[pipeline.Made, pipeline.Made] | None:
    """Return what the line makes of a photo without mending and with it; None where it makes nothing."""
    channel = replace(load_channels()["amazon_main"], min_dimension=0)
    try:
        before, after = (
            pipeline.make(photo, STANDARD_PRESET, channel, ScoringParams(), remover, pipeline.Extras(mends=mends))
            for mends in (False, True)
        )
    except ProcessingError:
        return None
    return before, after


def compared(name: str, mask: Path, before: pipeline.Made, after: pipeline.Made) -> dict[str, Any]:
    """One photo that was mended, held against its mask."""
    height, width = after.cut.alpha.shape
    truth = cv2.resize(codecs.decode_grey(mask), (width, height), interpolation=cv2.INTER_AREA)
    changed = before.cut.alpha != after.cut.alpha
    off = [float(np.abs(one.cut.alpha.astype(np.int16) - truth)[changed].mean()) for one in (before, after)]
    taken = changed & (truth > _PRODUCT) & (after.cut.alpha < _BACKDROP)
    near = cv2.dilate((truth > _BACKDROP).astype(np.uint8), np.ones((2 * MASK_PX + 1, 2 * MASK_PX + 1), np.uint8)) > 0
    kept = [int(((one.cut.alpha > _PRODUCT) & ~near).sum()) for one in (before, after)]
    return {
        "photo": name,
        "changed_px": int(changed.sum()),
        "error_before": round(off[0], 1),
        "error_after": round(off[1], 1),
        "product_taken": round(float(taken.sum() / changed.sum()), 4),
        "backdrop_px_before": kept[0],
        "backdrop_px_after": kept[1],
        "score_before": round(before.quality.total, 1),
        "score_after": round(after.quality.total, 1),
        "confidence": round(after.confidence, 2),
    }  # fmt: skip


def passes(made: pipeline.Made) -> bool:
    """Whether the score alone would let it ship."""
    return made.quality.total >= PASSES and not made.quality.has_failed_gate


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=ROOT.parent / "shared" / "corpus")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    remover, rows, seen, passing = create_remover("auto"), [], 0, [0, 0]
    for name, photo, mask in photos(options.corpus):
        made = both(photo, remover)
        if made is None:
            continue
        seen += 1
        passing = [count + passes(one) for count, one in zip(passing, made, strict=True)]
        if (made[0].cut.alpha != made[1].cut.alpha).any():
            rows.append({**compared(name, mask, *made), "newly_passes": passes(made[1]) and not passes(made[0])})
            if not options.json:
                print(rows[-1], flush=True)
    px = sum(row["changed_px"] for row in rows)
    means = {
        key: round(sum(row[key] * row["changed_px"] for row in rows) / max(1, px), 3)
        for key in ("error_before", "error_after", "product_taken")
    }
    worse = [row["photo"] for row in rows if row["error_after"] >= row["error_before"]]
    figures = {
        "photos": seen, "mended": len(rows), "pass_without": passing[0], "pass_with": passing[1], "changed_px": means,
        "worse": worse, "rows": rows,
    }  # fmt: skip
    ratio = round(means["error_after"] / max(1e-9, means["error_before"]), 3)
    bars = [
        bar("error of the changed px, after over before", ratio, "<=", 0.25),
        bar("share of the changed px that was product", means["product_taken"], "<=", 0.02),
        bar("photos made worse", len(worse), "==", 0),
        bar("lifted over the line with more backdrop kept than before",
            sum(row["newly_passes"] and row["backdrop_px_after"] > row["backdrop_px_before"] for row in rows), "==", 0),
    ]  # fmt: skip
    return finish("mending", figures, bars, as_json=options.json)


if __name__ == "__main__":
    raise SystemExit(main())
