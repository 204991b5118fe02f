"""Reading adjustments: what may be moved for a photo, and how far the new run is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import gettext

from processing.params import ProcessingParams
from reviewapp.enums import RunKind
from reviewapp.models import Adjustment, ReviewTask
from reviewapp.policies import adjusting as policy

from . import review
from .access import limit


def lent_to(user: User, task_id: int) -> ReviewTask | None:
    """The open task when `user` holds its lease now."""
    return review.with_details(review.leased_to(user)).filter(pk=task_id).first()


def for_display(task_id: int) -> ReviewTask:
    """One task as the desk shows it. Raises ReviewTask.DoesNotExist."""
    return review.task_for_display(task_id)


def movable(task: ReviewTask) -> list[dict[str, Any]]:
    """The settings of a photo's current result that may be moved, each with value, bounds and unit."""
    values = policy.values_of(ProcessingParams.from_dict(task.run.params))
    allows_shadow = bool(task.run.channel.spec.get("shadow_allowed"))
    return [
        {
            "path": line.path,
            "group": line.path.split(".")[0],
            "label": _said(line.label),
            "unit": _said(line.unit),
            "kind": line.kind,
            "low": line.low,
            "high": line.high,
            "options": list(line.options),
            "optionWords": [_said(option) for option in line.options],
            "value": list(values[line.path]) if isinstance(values[line.path], tuple) else values[line.path],
            "hasEffect": allows_shadow or not line.path.startswith("shadow."),
        }
        for line in policy.fields()
    ]


def _said(text: str) -> str:
    return gettext(text) if text else ""  # of "" gettext makes the catalogue's header


def adjustment_of(user: User, adjustment_id: int) -> Adjustment | None:
    """One adjustment that `user` asked for, with both runs."""
    mine = limit(Adjustment.objects.filter(pk=adjustment_id, asked_by=user), user, review.CLIENT)
    return mine.select_related("base_run__channel", "result_run__channel", "task").first()


def last_used(task: ReviewTask) -> Adjustment | None:
    """The adjustment whose result the task shows now."""
    return Adjustment.objects.filter(task=task, result_run_id=task.run_id).first()


def origins(run_ids: Iterable[int]) -> dict[int, int]:
    """The automated result each adjusted one was made from, over however many steps: {adjusted run: automated run}."""
    found: dict[int, int] = {}
    asked = set(run_ids)
    while asked:
        rows = Adjustment.objects.filter(result_run__in=asked).values_list("result_run", "base_run", "base_run__kind")
        steps = {result: (base, kind) for result, base, kind in rows if result is not None}
        found |= {result: base for result, (base, _kind) in steps.items()}
        asked = {base for base, kind in steps.values() if kind == RunKind.ADJUSTED} - set(found)
    return {run: _first(run, found) for run in found}


def _first(run: int, steps: Mapping[int, int]) -> int:
    while run in steps:
        run = steps[run]
    return run
