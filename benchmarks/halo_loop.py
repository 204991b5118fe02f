"""Does the loop take a halo out of real photos? Coarse edges, judged by eyes that see a halo, searched, held out.

Products: demo renders and, with --corpus, studio composites, cut out by the built-in removers with a preset whose edges
are as coarse as the remover's grid. Half of the photos are judged (rejected where the defects benchmark's measure finds
a halo) and searched on with the same functions the application calls: the signed fit, the starts a reason suggests, the
trust region. The other half, looked at nowhere else, is processed with both presets and compared measure by measure.

    python benchmarks/halo_loop.py [--corpus ../shared/corpus] [--photos 40] [--trials 8] [--json]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from processing import pipeline  # noqa: E402
from processing.channels import load_channels  # noqa: E402
from processing.errors import InputRejected, StageFailed  # noqa: E402
from processing.params import STANDARD_PRESET, ProcessingParams, ScoringParams  # noqa: E402
from processing.removal.base import create_remover  # noqa: E402
from reviewapp.policies.quality import comparing, studying, tuning  # noqa: E402
from reviewapp.policies.quality.calibration import signed_logistic  # noqa: E402

VISIBLE = 0.3
"""Px of halo from which the scripted people reject."""
LEAST_SIDE = 1100
Measured = dict[str, float]


class Photos:
    """Photos that are processed again and again; what the remover found is kept for each."""

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths
        self.limits: dict[str, float] = {}
        self.made, self.seconds = 0, 0.0
        self._remover = create_remover("auto")
        self._masks: dict[Path, Any] = {}

    def measured(self, path: Path, params: Mapping[str, Any]) -> Measured | None:
        """Return {measure: value} of one photo with these settings; None where nothing comes of it."""
        started = time.process_time()
        try:
            made = pipeline.make(
                path, ProcessingParams.from_dict(params), load_channels()["shopify"], ScoringParams(), _Kept(self, path)
            )
        except (InputRejected, StageFailed):
            return None
        finally:
            self.made, self.seconds = self.made + 1, self.seconds + time.process_time() - started
        quality = made.quality
        self.limits |= {m.name: m.threshold for m in quality.measures if m.threshold is not None}
        parts = {"total": quality.total, "background": quality.background, "edge": quality.edge,
                 "fill_part": quality.fill, "colour": quality.colour}  # fmt: skip
        return {m.name: m.value for m in quality.measures} | parts


class _Kept:
    """The remover's answer for one photo, asked once."""

    name, model_name, model_sha256 = "auto", "", ""

    def __init__(self, photos: Photos, path: Path) -> None:
        self._photos, self._path = photos, path

    def remove(self, image: Any) -> Any:
        """Return what the remover found in this photo the first time."""
        kept = self._photos._masks
        if self._path not in kept:
            kept[self._path] = self._photos._remover.remove(image)
        return kept[self._path]


def searched(photos: Photos, champion: Mapping[str, Any], trials: int) -> tuple[dict[str, Any], float, int]:
    """Judge, fit and search as the application does; return the settings found, the gain and how many were rejected."""
    from benchmarks.defects import MEANT

    rows = {path: photos.measured(path, champion) for path in photos.paths}
    seen = {path: row for path, row in rows.items() if row is not None}
    bad = np.array([row.get(MEANT["halo_2px"], 0.0) >= VISIBLE for row in seen.values()])
    features = np.array([comparing.feature_row(row) for row in seen.values()])
    weights = np.ones(len(seen))
    model = signed_logistic(features, bad, weights, np.array(comparing.SIGNS), ridge=2.0)
    begun = studying.beginning(champion, [("edge_halo", "")])
    tried: list[tuple[float, dict[str, Any]]] = []

    def value(start: Mapping[str, Any], values: Mapping[str, float]) -> float:
        params = studying.with_values(start, values)
        found = [photos.measured(path, params) for path in seen]
        kept = np.array([comparing.feature_row(row) for row in found if row is not None])
        score = tuning.objective(model, kept, np.ones(len(kept))) * len(kept) / max(1, len(found))
        tried.append((score, params))
        return score

    space = tuning.dimensions(begun.paths)
    for number, start in enumerate(begun.starts):
        at = {one.path: float(start[one.path.split(".")[0]][one.path.split(".")[1]]) for one in space}
        tuning.search(lambda values, start=start: value(start, values), at, space, seeds=[begun.nudge],  # type: ignore[misc]
                      trials=max(1, trials // len(begun.starts)), seed=number + 1)  # fmt: skip
    best = max(tried, key=lambda row: row[0])
    return best[1], best[0] - tried[0][0], int(bad.sum())


def main() -> int:
    """Read the arguments, search on one half, compare on the other, report."""
    from benchmarks.defects import MEANT, places
    from benchmarks.report import bar, finish

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, default=ROOT.parent / "shared" / "corpus")
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = [photo for _name, photo, _mask in places(options.corpus) if photo.is_file()]
    at = sorted({round(place) for place in np.linspace(0, len(found) - 1, options.photos)})
    taken = [found[place] for place in at]
    photos = Photos(taken[::2])
    champion = STANDARD_PRESET.to_dict()
    champion["edge"]["refinement"] = "low"
    best, gain, rejected = searched(photos, champion, options.trials)
    held = Photos(taken[1::2])
    pairs = [(held.measured(path, champion), held.measured(path, best)) for path in held.paths]
    both = [(old, new) for old, new in pairs if old is not None and new is not None]
    rows = comparing.compare([old for old, _ in both], [new for _, new in both], limits=held.limits)
    named = {row.name: row for row in rows}
    halo = named[MEANT["halo_2px"]]
    worse = [row.name for row in rows if row.verdict == "worse"]
    figures = {
        "corpus": options.corpus.name if (options.corpus / "meta.json").is_file() else "missing",
        "judged": len(photos.paths), "rejected": rejected, "held_out": len(both), "gain": round(gain, 2),
        "changes": studying.changes(champion, best), "seconds_a_photo": round(photos.seconds / max(1, photos.made), 3),
        "halo_before": round(halo.champion, 3), "halo_after": round(halo.challenger, 3),
        "score_before": round(named["total"].champion, 2), "score_after": round(named["total"].challenger, 2),
        "worse": worse, "told": [asdict(row) for row in rows if row.worse],
    }  # fmt: skip
    bars = [
        bar("photos rejected for their halo", rejected, ">=", 5),
        bar("gain of the search, points", gain, ">=", tuning.LEAST_GAIN),
        bar("halo left of what was there", halo.challenger / max(1e-9, halo.champion), "<=", 0.5),
        bar("photos with less halo", halo.better - halo.worse, ">=", len(both) // 3),
        bar("measures that got worse", len(worse), "==", 0),
    ]
    return finish("halo_loop", figures, bars, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
