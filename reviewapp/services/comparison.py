"""Two preset versions on the same stored photos: what the score and the pixels say (FBK-11). Nothing is stored."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from processing import pipeline
from processing.cutout import CutOut
from processing.params import ProcessingParams
from processing.quality.difference import delta_e_2000, to_lab
from processing.types import AlphaArray
from reviewapp.enums import RunKind
from reviewapp.models import Asset, Preset, PresetVersion, ProcessingRun
from reviewapp.policies.quality import comparing

from . import execution, replaying

QUANTILES = (0.5, 0.95, 0.99)
MOST_PIXELS = 200_000
"""Pixels of the product whose colours are compared, spread evenly."""
WORST = 5


class ComparisonRefused(ValueError):
    """Versions or photos that can't be compared; the message says why."""


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo with both versions. `iou` of the two mattes 0..1; `colour`: CIEDE2000 at QUANTILES within the product
    of both; None where the frames differ in size or one side made nothing.
    """

    asset_id: int
    name: str
    total_a: float | None
    total_b: float | None
    iou: float | None
    colour: tuple[float, ...] | None
    failed: str = ""

    @property
    def gain(self) -> float:
        """Points that B has more than A; a photo that B fails on is the worst of all."""
        if self.total_a is None or self.total_b is None:
            return -100.0 if self.total_b is None else 100.0
        return self.total_b - self.total_a


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of it: measures side by side, and the photos, the worst for B first."""

    a: PresetVersion
    b: PresetVersion
    measures: list[comparing.Compared]
    photos: list[Photo]

    @property
    def is_worse(self) -> bool:
        """True when the score is worse with B, or B makes nothing of a photo that A could do."""
        total = next((row for row in self.measures if row.name == "total"), None)
        lost = any(photo.total_b is None and photo.total_a is not None for photo in self.photos)
        return lost or (total is not None and total.verdict == "worse")

    def to_dict(self) -> dict[str, Any]:
        """JSON of it all."""
        colours = [photo.colour for photo in self.photos if photo.colour is not None]
        ious = [photo.iou for photo in self.photos if photo.iou is not None]
        return {
            "a": str(self.a),
            "b": str(self.b),
            "photos": len(self.photos),
            "measures": [asdict(row) for row in self.measures],
            "iou_mean": float(np.mean(ious)) if ious else None,
            "iou_least": min(ious, default=None),
            "colour_quantiles": list(QUANTILES),
            "colour": [float(np.mean(column)) for column in zip(*colours, strict=True)] if colours else None,
            "worst": [asdict(photo) | {"gain": photo.gain} for photo in self.photos[:WORST]],
            "worse": self.is_worse,
        }


def version_named(words: str) -> PresetVersion:
    """Return the version that "slug" (its current one) or "slug:3" names. Raises ComparisonRefused."""
    slug, _, number = words.partition(":")
    preset = Preset.objects.select_related("current").filter(slug=slug).first()
    if preset is None:
        known = ", ".join(Preset.objects.order_by("slug").values_list("slug", flat=True))
        raise ComparisonRefused(f"There is no preset {slug!r}; known are {known or 'none'}.")
    found = preset.versions.filter(number=number).first() if number.isdigit() else preset.current
    if found is None or (number and not number.isdigit()):
        raise ComparisonRefused(f"{preset.name} has no version {number or 'in use'!r}.")
    return found


def compare(a: PresetVersion, b: PresetVersion, count: int) -> Comparison:
    """Run the latest `count` photos of the line with both versions and say what differs.

    Raises ComparisonRefused when there is none.
    """
    latest = ProcessingRun.objects.filter(kind=RunKind.AUTOMATED, asset__current_run__isnull=False)
    ids = list(dict.fromkeys(latest.order_by("-pk").values_list("asset_id", flat=True)[: 4 * count]))[:count]
    if not ids:
        raise ComparisonRefused("No photo has been processed yet.")
    both = [ProcessingParams.from_dict(version.params) for version in (a, b)]
    photos: list[Photo] = []
    rows: list[tuple[dict[str, float], dict[str, float]]] = []
    limits: dict[str, float] = {}
    for asset in Asset.objects.filter(pk__in=ids).select_related("batch", "current_run__channel"):
        assert asset.current_run is not None, "asked for above"
        removers = [replaying.Remembered(execution.remover_for(params)) for params in both]
        if both[0].removal == both[1].removal:
            removers[1] = removers[0]
        made = [
            replaying.make(asset, params, asset.current_run.channel, remover)
            for params, remover in zip(both, removers, strict=True)
        ]
        photos.append(_photo(asset, made[0], made[1]))
        if made[0] is not None and made[1] is not None:
            rows.append((replaying.measured_of(made[0]), replaying.measured_of(made[1])))
            limits |= {m.name: m.threshold for m in made[0].quality.measures if m.threshold is not None}
    measures = comparing.compare([row[0] for row in rows], [row[1] for row in rows], limits=limits)
    return Comparison(a, b, measures, sorted(photos, key=lambda photo: (photo.gain, photo.asset_id)))


def _photo(asset: Asset, one: pipeline.Made | None, two: pipeline.Made | None) -> Photo:
    totals = [None if made is None else made.quality.total for made in (one, two)]
    if one is None or two is None:
        failed = "both" if one is two else "A" if one is None else "B"
        return Photo(asset.pk, asset.filename, totals[0], totals[1], None, None, failed)
    return Photo(
        asset.pk,
        asset.filename,
        totals[0],
        totals[1],
        overlap(one.cut.alpha, two.cut.alpha),
        colour_gap(one.cut, two.cut),
    )


def overlap(one: AlphaArray, two: AlphaArray) -> float | None:
    """Overlap of two mattes in the photo's own grid, as soft sets: sum of minima over sum of maxima; None if the grids
    differ, 1 when both are empty."""
    if one.shape != two.shape:
        return None
    least, most = cv2.min(one, two), cv2.max(one, two)
    whole = float(most.sum(dtype=np.float64))
    return float(least.sum(dtype=np.float64)) / whole if whole else 1.0


def colour_gap(one: CutOut, two: CutOut) -> tuple[float, ...] | None:
    """CIEDE2000 at QUANTILES between two cut-outs on white, in the photo's own grid: frames may be cropped differently.

    None where the grids differ or nothing is left of either.
    """
    if one.alpha.shape != two.alpha.shape:
        return None
    inside = np.flatnonzero((one.alpha | two.alpha).ravel())
    if not inside.size:
        return None
    inside = inside[:: max(1, inside.size // MOST_PIXELS)]
    first, second = (to_lab(_on_white(cut, inside)[None])[0] for cut in (one, two))
    return tuple(float(value) for value in np.quantile(delta_e_2000(first, second), QUANTILES))


def _on_white(cut: CutOut, places: npt.NDArray[np.intp]) -> npt.NDArray[np.uint8]:
    """Corrected colours (n, 3) of some pixels of the photo, laid over white with their alpha."""
    picked = np.ascontiguousarray(cut.rgb.reshape(-1, 3)[places])[None]
    colours = cut.transform.apply(picked)[0].astype(np.float32)
    alpha = cut.alpha.ravel()[places].astype(np.float32)[:, None] / np.float32(255)
    return np.asarray(np.round(colours * alpha + np.float32(255) * (1 - alpha)), np.uint8)
