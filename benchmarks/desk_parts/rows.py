"""A queue long enough to measure: the demo's processed photos, each many times under its own address.

Runs inside the stack's own settings (`manage.py shell`). A copy has the same stored pictures and another run, so that
the browser fetches and decodes it like any other photo.
"""

from __future__ import annotations

import json
import random

from reviewapp.enums import AssetState, ReviewReason, RunKind
from reviewapp.models import Asset, ProcessingRun, QualityReport, ReviewTask
from reviewapp.web.viewer_items import run_item

LEAST_SIDE = 1600
"""Longest side of a result that takes part, in pixels; the originals beside them have 2000."""


def copy(run: ProcessingRun, number: int, priority: int) -> ReviewTask:
    """One more photo that waits for review with the pictures of `run`."""
    asset = Asset.objects.get(pk=run.asset_id)
    asset.pk, asset._state.adding = None, True
    asset.sha256, asset.relative_path = f"{number:064x}", f"desk/{number}.jpg"
    asset.sku, asset.state = f"DESK-{number:04d}", AssetState.IN_REVIEW
    asset.current_run = asset.duplicate_of = None
    asset.save()
    quality = QualityReport.objects.get(run=run)
    twin = ProcessingRun.objects.get(pk=run.pk)
    twin.pk, twin._state.adding, twin.asset = None, True, asset
    twin.save()
    quality.pk, quality._state.adding, quality.run = None, True, twin
    quality.save()
    Asset.objects.filter(pk=asset.pk).update(current_run=twin)
    return ReviewTask.objects.create(
        asset=asset, run=twin, reason=ReviewReason.SCORE_BAND, why="In the band.", priority=priority
    )


def fill(count: int, further: int) -> None:
    """Put `count` photos at the head of the queue and `further` at its end; print the latter's pictures as JSON."""
    scored = ProcessingRun.objects.filter(kind=RunKind.AUTOMATED, quality__isnull=False).order_by("pk")
    runs = [run for run in scored if max(run.after_width, run.after_height) >= LEAST_SIDE]
    random.Random(4).shuffle(runs)
    for n in range(count):
        copy(runs[n % len(runs)], n, 0)
    ends = [copy(runs[n % len(runs)], count + n, 9) for n in range(further)]
    pictures = [{key: run_item(task.run)[key] for key in ("before", "after", "width", "height")} for task in ends]
    sizes = sorted({(run.after_width, run.after_height) for run in runs})
    print("ROWS " + json.dumps({"photos": len(runs), "sizes": sizes, "further": pictures}))
