"""Reading a study: the pairs of results, what people said of them, and what is still missing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from reviewapp.enums import OPEN_STUDIES, BatchState, ReviewTaskState, RunKind, Side, StudyStage, Verdict
from reviewapp.models import Preset, Study, StudyRun
from reviewapp.selectors.review import standing_verdicts


@dataclass(frozen=True, slots=True)
class PairOfRuns:
    """Both results of one replay photo."""

    champion: StudyRun
    challenger: StudyRun


@dataclass(frozen=True, slots=True)
class Said:
    """The verdict in force on one result: rejected, or approved only with other settings, is bad."""

    is_bad: bool
    reasons: tuple[str, ...]


def pairs(study: Study) -> list[PairOfRuns]:
    """Both results of each photo, in the order of the replay set, with scores and photos loaded."""
    sides: dict[int, dict[str, StudyRun]] = defaultdict(dict)
    rows = study.runs.select_related("run__quality", "item__asset", "item__run", "review_task")
    for one in rows.order_by("item__place", "side"):
        sides[one.item_id][one.side] = one
    return [PairOfRuns(two[Side.CHAMPION], two[Side.CHALLENGER]) for two in sides.values() if len(two) == len(Side)]


def unfinished(study: Study) -> int:
    """Results that are neither made nor given up."""
    return study.runs.filter(run__isnull=True, error="").count()


def verdicts(study: Study) -> dict[int, Said]:
    """What people said of each result, by its id."""
    rows = standing_verdicts().filter(task__study_run__study=study).select_related("run", "task__study_run")
    found: dict[int, Said] = {}
    for decision in rows.order_by("version"):
        is_corrected = decision.run.kind == RunKind.ADJUSTED
        is_bad = decision.verdict == Verdict.REJECT or is_corrected
        found[decision.task.study_run.pk] = Said(is_bad, tuple(decision.reasons))
    return found


def of_cancelled(study: Study) -> QuerySet[StudyRun]:
    """Results of photos whose batch was cancelled before they were made or judged: both sides, for one alone would
    count against it."""
    waits = Q(run__isnull=True) | Q(review_task__state__in=[ReviewTaskState.OPEN, ReviewTaskState.ON_HOLD])
    gone = study.runs.filter(waits, error="", item__asset__batch__state=BatchState.CANCELLED)
    return study.runs.filter(item_id__in=list(gone.values_list("item_id", flat=True)))


def is_busy(preset: Preset) -> bool:
    """Say whether a test of `preset` is under way, or has a winner that waits for an admin: what is found meanwhile
    would be about settings that may go."""
    stages = [*OPEN_STUDIES, StudyStage.OFFERED]
    return Study.objects.filter(replay__base__preset=preset, stage__in=stages).exists()
