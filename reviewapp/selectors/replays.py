"""What people said of a preset's results, with the chance each had of being looked at: material for studies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import F, QuerySet

from reviewapp.enums import AdjustmentState, BatchState, LookKind, ReviewReason, RunKind, Verdict
from reviewapp.models import Adjustment, Look, Preset, PresetVersion, QualityReport, ReviewDecision, SampleMember
from reviewapp.selectors.adjusting import origins
from reviewapp.selectors.lots import ROUNDING
from reviewapp.selectors.review import photo_decisions

MOST = 2000
"""Decisions looked back at: enough for a fit, and read in a moment."""
_REPORT = ("total", "background", "edge", "fill", "colour", "compliance_rate")
_READ = ("asset_id", "verdict", "reasons", "directions", "task__reason", "run__kind", "run__pixels_key")
"""What is read of up to MOST decisions: their rows are wide."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One photo somebody judged: `pi` the chance 0..1 it had of being looked at, `measured` {measure: value}.

    `directions`: {reason: way}, where it was said which way it is wrong.
    """

    decision_id: int
    asset_id: int
    run_id: int
    is_bad: bool
    reasons: tuple[str, ...]
    pi: float
    measured: Mapping[str, float]
    directions: Mapping[str, str]


def measured(values: Mapping[str, Any]) -> dict[str, float]:
    """Return a score's parts and measures by name; what wasn't measured is left out."""
    found = {row["name"]: float(row["value"]) for row in values["measures"] if not row.get("note")}
    named = {"fill_part" if name == "fill" else name: float(values[name]) for name in _REPORT}
    return {**found, **named}


def limits_of(report: QualityReport) -> dict[str, float]:
    """What each measure of a stored score may be at most (or at least) without costing a point; most have a limit."""
    return {row["name"]: float(row["threshold"]) for row in report.measures if row.get("threshold") is not None}


def measured_of(report: QualityReport) -> dict[str, float]:
    """The same of a stored score."""
    return measured({"measures": report.measures, **{name: getattr(report, name) for name in _REPORT}})


def judged(decisions: QuerySet[ReviewDecision], most: int = MOST, *, is_measured: bool = True) -> list[Seen]:
    """Latest verdict per photo among the newest `most` of `decisions` on automated results, newest first; those of
    files that editors handed in are left out of them.

    A photo approved only with adjusted settings is a defect of the automated result these were moved from. What was
    looked at below the review line is left out: such photos never reach a client as they are. So is what was picked
    because it stands out of a set that was sampled already: the sample speaks for all of it. Without `is_measured` no
    measures are read, which take most of the time.
    """
    usable = decisions.exclude(asset__batch__state=BatchState.CANCELLED).exclude(task__reason=ReviewReason.EXPLORED)
    usable = usable.exclude(task__reason=ReviewReason.ANOMALY, asset__sample_block__isnull=False)
    usable = usable.filter(run__kind__in=[RunKind.AUTOMATED, RunKind.ADJUSTED])
    columns = *_REPORT, *(["measures"] if is_measured else [])
    lean = usable.select_related("run__quality", "task").only(*_READ, *(f"run__quality__{name}" for name in columns))
    rows = lean.annotate(original_key=F("asset__original_key"))
    kept: dict[int, ReviewDecision] = {}
    for decision in rows.order_by("-pk")[:most]:
        # Looked at here: PostgreSQL expects two columns to be alike in one row of all, and then walks the decisions
        # from their photos, which takes half a minute with 200,000 of them.
        if decision.run.pixels_key == decision.original_key:
            kept.setdefault(decision.asset_id, decision)
    known = chances(decision.task_id for decision in kept.values() if decision.task.reason == ReviewReason.SAMPLE)
    first = origins(one.run_id for one in kept.values() if one.run.kind == RunKind.ADJUSTED)
    scores = {report.run_id: report for report in QualityReport.objects.filter(run__in=set(first.values()))}
    scores |= {one.run_id: one.run.quality for one in kept.values() if one.run.kind == RunKind.AUTOMATED}
    return [
        Seen(
            one.pk,
            one.asset_id,
            first.get(one.run_id, one.run_id),
            one.verdict == Verdict.REJECT or one.run_id in first,
            tuple(one.reasons),
            known.get(one.task_id, 1.0),
            measured_of(scores[first.get(one.run_id, one.run_id)]) if is_measured else {},
            one.directions,
        )
        for one in kept.values()
        if first.get(one.run_id, one.run_id) in scores
    ]


def of_version(version: PresetVersion, *, is_measured: bool = True) -> list[Seen]:
    """What people said of the results of one version, with what was measured of them or without."""
    return judged(photo_decisions().filter(preset_version=version), is_measured=is_measured)


def of_preset(preset: Preset) -> list[Seen]:
    """What people said of the results of all versions of a preset, newest first: what a chance is fitted on."""
    return judged(photo_decisions().filter(preset_version__preset=preset))


def moved(version: PresetVersion) -> dict[str, list[float]]:
    """How people moved numbers at the desk on results of `version`, where they took the result: {path: changes}."""
    rows = Adjustment.objects.filter(state=AdjustmentState.USED, base_run__preset_version=version)
    rows = rows.exclude(task__look__kind=LookKind.GOLD)  # what was planted says nothing of settings
    found: dict[str, list[float]] = defaultdict(list)
    for changes, params in rows.order_by("-pk").values_list("changes", "base_run__params")[:MOST]:
        for path, new in changes.items():
            group, _, name = path.partition(".")
            old = params.get(group, {}).get(name)
            if all(isinstance(value, int | float) and not isinstance(value, bool) for value in (old, new)):
                found[path].append(float(new) - float(old))
    return dict(found)


def chances(task_ids: Iterable[int]) -> dict[int, float]:
    """The logged chance of each blind sample: its lot's, or its block's share. Everything else speaks for itself alone.

    So do looks that a lot got beyond its certificate sample: those were made because of what was found before.
    """
    wanted = list(task_ids)
    rows = SampleMember.objects.filter(review_task_id__in=wanted).values_list(
        "review_task_id", "draw__size", "draw__population"
    )
    found = {task: min(1.0, max(1, size) / max(1, population)) for task, size, population in rows}
    looks = Look.objects.filter(
        task_id__in=wanted,
        lot__places__asset=F("asset"),
        lot__places__rank__lt=F("lot__places__pi") * F("lot__size") - ROUNDING,
    )
    return found | {task: float(pi or 1.0) for task, pi in looks.values_list("task_id", "lot__places__pi")}
