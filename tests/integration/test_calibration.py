"""Weekly calibration against approved references, drift of scores, decisions as labels (FBK-03, FBK-08, FBK-12)."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command
from django.utils import timezone

from reviewapp.enums import AssetState, LearningAlarmKind, ReviewReason, Role
from reviewapp.models import Calibration, LearningAlarm, Preset, QualityReport, ReviewTask, Task
from reviewapp.selectors import labels
from reviewapp.services import alarms, calibrating_due, ingest, presets, review
from tests import factories as make
from tests import line

pytestmark = pytest.mark.django_db(transaction=True)


def approved(count: int) -> Preset:
    """Photos of the seeded preset that a person approved as the machine made them."""
    batch = line.open_batch()
    for number in range(count):
        line.send(batch, f"p{number}.jpg", line.photo(number, side=1100))
    ingest.close_batch(batch)
    line.run_line()
    reviewer = make.make_user("ria", Role.REVIEWER)
    for asset in batch.assets.select_related("current_run"):
        run = asset.current_run
        assert run is not None
        task = ReviewTask.objects.filter(run=run).first() or ReviewTask.objects.create(
            asset=asset, run=run, reason=ReviewReason.SAMPLE, why="Looked at by a person."
        )
        said = review.record_decision(
            reviewer, task.pk, seen_version=task.version, verdict="approve", idempotency_key=f"k{task.pk}"
        )
        assert said.status == "saved"
    return batch.preset_version.preset


def test_fbk03_a_week_without_a_change_is_kept_and_a_changed_preset_opens_an_alarm() -> None:
    preset = approved(2)
    assert calibrating_due.order_due() == 1 and calibrating_due.order_due() == 0, "once a week"
    line.run_line()
    kept = Calibration.objects.get()
    assert (kept.photos, kept.deviation, kept.preset) == (2, 0.0, preset)
    assert kept.figures["score"] <= 100 and [row["iou"] for row in kept.figures["rows"]] == [1.0, 1.0]
    assert not LearningAlarm.objects.exists()
    admin = make.make_user("ada", Role.ADMIN)
    version = preset.versions.get()
    params = {**version.params, "colour": {**version.params["colour"], "saturation": 100, "contrast": 60}}
    presets.set_current(presets.create_version(preset, params, "Loud", admin), admin)
    later = timezone.now() + timedelta(days=7)
    assert calibrating_due.order_due(later) == 1
    line.run_line()
    assert Calibration.objects.latest("pk").deviation > 2.0
    alarm = LearningAlarm.objects.get()
    assert (alarm.kind, alarm.preset) == (LearningAlarmKind.CALIBRATION, preset) and "moved by" in alarm.text
    assert Task.objects.filter(step="calibrate", state="done").count() == 2
    manager = make.make_user("mia", Role.MANAGER)
    assert alarms.close(alarm, manager, "Meant to be loud") and not alarms.close(alarm, manager, "again")


def test_without_approved_photos_nothing_is_ordered() -> None:
    line.open_batch()
    assert calibrating_due.order_due() == 0


def history(preset_version: object, scores: np.ndarray, days_ago: float) -> None:
    batch = make.make_batch(preset_version=preset_version)
    for score in scores:
        run = make.make_run(make.make_asset(batch, AssetState.APPROVED), total=float(np.clip(score, 0, 100)))
        QualityReport.objects.filter(run=run).update(created_at=timezone.now() - timedelta(days=days_ago))


def test_fbk08_scores_that_moved_open_one_alarm_and_calm_ones_none() -> None:
    rng = np.random.default_rng(3)
    calm, moved = make.make_preset_version("Calm"), make.make_preset_version("Moved")
    history(calm, rng.normal(90, 3, 120), 20)
    history(calm, rng.normal(90, 3, 120), 2)
    history(moved, rng.normal(90, 3, 120), 20)
    history(moved, rng.normal(84, 3, 120), 2)
    assert alarms.watch_drift() == 1 and alarms.watch_drift() == 0
    alarm = LearningAlarm.objects.get()
    assert alarm.preset == moved.preset and alarm.facts["psi"] > 0.25 and "-6" in alarm.text
    assert alarms.close(alarm, make.make_user("mia", Role.MANAGER), "New lamps in the studio")
    assert alarms.watch_drift() == 0, "closed: the change is known"


def test_fbk12_products_stay_together_and_never_change_sides(tmp_path: Path) -> None:
    reviewer = make.make_user("ria", Role.REVIEWER)
    batches = [make.make_batch(), make.make_batch(is_demo=True)]
    for batch in batches:
        for number in range(60):
            task = make.make_review(batch, sku=f"SKU-{number // 2}")
            verdict = "reject" if number % 3 == 0 else "approve"
            review.record_decision(
                reviewer, task.pk, seen_version=0, verdict=verdict, reasons=["shadow"] if verdict == "reject" else [],
                idempotency_key=f"k{task.pk}",
            )  # fmt: skip
    target = tmp_path / "labels.jsonl"
    told = io.StringIO()
    call_command("export_labels", str(target), stderr=told)
    rows = [json.loads(text) for text in target.read_text().splitlines()]
    assert len(rows) == 60, "rendered demo photos are left out"
    sides: dict[str, set[str]] = {}
    for row in rows:
        sides.setdefault(row["sku"], set()).add(row["split"])
    assert all(len(found) == 1 for found in sides.values())
    assert {side for found in sides.values() for side in found} == {"train", "holdout"}
    assert sum(row["is_defective"] for row in rows) == 20 and rows[0]["pi"] == 1.0
    assert rows == [json.loads(json.dumps(row)) for row in labels.rows()], "again the same"
    assert "train" in told.getvalue() and sum(1 for _ in labels.rows(with_demo=True)) == 120
    assert labels.unit_of("c", "AB-1", "x") == labels.unit_of("c", "ab-1", "y") != labels.unit_of("d", "ab-1", "y")
