"""Weekly calibration: known photos again with today's preset and pipeline, held against what was approved (FBK-03).

The references of a preset are photos that people approved, in the state in which they approved them: matte and colours
as stored, so that nothing is compared through a lossy file. Over the limit an alarm opens, which a manager closes.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.db import IntegrityError, transaction

from processing.params import ProcessingParams
from processing.quality.consistency import look_of, measure_consistency
from processing.removal.base import Remover
from processing.types import Look
from reviewapp.enums import LearningAlarmKind
from reviewapp.models import Calibration, Preset, ProcessingRun
from reviewapp.selectors import calibrations as selectors

from . import alarms, comparison, execution, rendering, replaying, runs

LIMIT = 2.0
"""Median CIEDE2000 of a reference's product from which it has changed: twice what is just noticeable side by side."""
LEAST_OVERLAP = 0.98
FALL = 10.0
"""Points of consistency (0..100) lost since the week before."""


def calibrate(claim: runs.Claim) -> None:
    """Run the references of a preset and keep how far they are off; open an alarm where that is too far."""
    preset = Preset.objects.select_related("current").get(pk=claim.args["preset_id"])
    week = str(claim.args["week"])
    version = preset.current
    if version is None or Calibration.objects.filter(preset=preset, week=week).exists():
        runs.complete(claim, lambda: None)
        return
    params = ProcessingParams.from_dict(version.params)
    remover = execution.remover_for(params)
    rows = [_row(run, params, remover) for run in selectors.references(preset)]
    looks = [row.pop("look") for row in rows]
    figures = measure_consistency([look for look in looks if look is not None])
    measured = [row["median"] for row in rows if row["median"] is not None]
    before = Calibration.objects.filter(preset=preset).exclude(week=week).first()

    def write() -> None:
        try:
            with transaction.atomic():
                kept = Calibration.objects.create(
                    preset=preset,
                    version=version,
                    week=week,
                    photos=len(rows),
                    figures={**asdict(figures), "score": figures.score, "rows": rows},
                    deviation=max(measured, default=0.0),
                    limit=LIMIT,
                )
        except IntegrityError:  # another worker was faster
            return
        if why := _verdict(kept, rows, before):
            alarms.open_alarm(preset, LearningAlarmKind.CALIBRATION, why, {"week": week, "deviation": kept.deviation})

    runs.complete(claim, write)


def _row(reference: ProcessingRun, params: ProcessingParams, remover: Remover) -> dict[str, Any]:
    made = replaying.make(reference.asset, params, reference.channel, remover)
    row: dict[str, Any] = {"asset": reference.asset_id, "name": reference.asset.filename, "median": None, "iou": None}
    look: Look | None = None
    if made is not None:
        was = rendering.opened(reference)
        row["iou"] = comparison.overlap(made.cut.alpha, was.alpha)
        found = comparison.colour_gap(made.cut, was)
        row["median"] = None if found is None else found[0]
        look = look_of(made.frame, made.framed.matte)
    return {**row, "look": look}


def _verdict(kept: Calibration, rows: list[dict[str, Any]], before: Calibration | None) -> str:
    lost = [row["name"] for row in rows if row["median"] is None]
    moved = [row["name"] for row in rows if row["iou"] is not None and row["iou"] < LEAST_OVERLAP]
    if lost:
        return f"{len(lost)} of {kept.photos} reference photos can't be made any more: {', '.join(lost[:3])}."
    if kept.deviation > kept.limit:
        return f"Colours of a reference photo moved by {kept.deviation:.1f} dE, the limit is {kept.limit:g}."
    if moved:
        return f"The outline of {len(moved)} of {kept.photos} reference photos moved: {', '.join(moved[:3])}."
    fall = before.figures["score"] - kept.figures["score"] if before is not None else 0.0
    return f"The references look less alike than last time by {fall:.0f} points." if fall > FALL else ""
