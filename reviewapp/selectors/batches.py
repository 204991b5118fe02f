"""Reading batches: counts, where one stands, what failed in it, when it will be done."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from reviewapp.enums import (
    APPROVED_STATES,
    LEARNING_STEPS,
    MACHINE_STATES,
    PEOPLE_STATES,
    AssetState,
    BatchState,
    SampleOutcome,
    Step,
    TaskState,
)
from reviewapp.models import Asset, Batch, ProcessingRun, Rendition, SampleMember, Task
from reviewapp.selectors import lots, tallies
from reviewapp.selectors.exceptions import UNCATEGORISED

# Rates older than this say nothing of now.
RATE_WINDOW = timedelta(minutes=10)
RATE_TASKS = 30
# Enough to find the files by; the rest are in the tiles.
NAMES_SHOWN = 3
_UNFINISHED = (TaskState.PENDING, TaskState.RUNNING)


@dataclass(frozen=True, slots=True)
class Counts:
    """Photos of a batch, grouped the way people ask. `states` has the number per asset state; their sum is `total`.

    `later` wait for the batch's first sample.
    """

    total: int = 0
    machine: int = 0
    later: int = 0
    people: int = 0
    approved: int = 0
    failed: int = 0
    rejected: int = 0
    duplicates: int = 0
    cancelled: int = 0
    states: Mapping[str, int] = field(default_factory=dict)

    @property
    def done(self) -> int:
        """Photos the machine has nothing left to do with."""
        return self.total - self.machine - self.later

    @property
    def done_ratio(self) -> float:
        """Share of photos the machine is done with, 0..1; 0 for an empty batch."""
        return self.done / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Photos that failed or were rejected for one reason; `can_retry` for those a manager may start again, `can_change`
    for those that may get another category or preset first.

    `sentence` is what all of them were told, "" where each was told something else.

    `names` are the first NAMES_SHOWN paths as the client sent them, so that it can be told which files to send again.
    """

    state: str
    code: str
    sentence: str
    count: int
    can_retry: bool
    names: tuple[str, ...] = ()

    @property
    def can_change(self) -> bool:
        return self.can_retry or self.state == AssetState.EDITING

    @property
    def unnamed(self) -> int:
        """How many more there are than `names`."""
        return self.count - len(self.names)


@dataclass(frozen=True, slots=True)
class Progress:
    """What the progress panel shows. `eta_s` is None until two photos of the batch were processed lately."""

    batch: Batch
    counts: Counts
    eta_s: float | None
    seconds_per_photo: float | None
    open_samples: int
    is_running: bool


def get(batch_id: int) -> Batch:
    """One batch with client, preset and owner. Raises Batch.DoesNotExist."""
    return Batch.objects.select_related("client", "preset_version__preset", "owner").get(pk=batch_id)


def counts(batch: Batch) -> dict[str, int]:
    """Photos per state of one batch, in one query of the running counts."""
    return dict(tallies.of_batches([batch.pk])[batch.pk])


def counts_of(batch_ids: Iterable[int]) -> Mapping[int, Counts]:
    """Counts of several batches in one query; a batch without photos has zeros."""
    grouped: dict[int, Counts] = defaultdict(Counts)
    grouped.update({pk: _group(states) for pk, states in tallies.of_batches(list(batch_ids)).items()})
    return grouped


def _group(states: Mapping[str, int]) -> Counts:
    def count(wanted: Iterable[str]) -> int:
        return sum(states.get(state, 0) for state in wanted)

    return Counts(
        total=sum(states.values()),
        machine=count(MACHINE_STATES),
        later=count([AssetState.WAITS_FOR_SAMPLE]),
        people=count(PEOPLE_STATES),
        approved=count(APPROVED_STATES),
        failed=count([AssetState.FAILED]),
        rejected=count([AssetState.REJECTED_INTAKE]),
        duplicates=count([AssetState.DUPLICATE]),
        cancelled=count([AssetState.CANCELLED]),
        states=dict(states),
    )


def progress(batch_id: int) -> Progress:
    """Where a batch stands now (SCH-12). Raises Batch.DoesNotExist."""
    batch = get(batch_id)
    grouped = _group(counts(batch))
    pace = seconds_per_photo(batch)
    is_running = grouped.machine > 0 and batch.state in (BatchState.UPLOADING, BatchState.PROCESSING)
    ahead = grouped.machine + (grouped.later if batch.applied_at is not None else 0)
    eta = pace * ahead if pace is not None and is_running else None
    return Progress(batch, grouped, eta, pace, open_samples(batch), is_running)


def seconds_per_photo(batch: Batch) -> float | None:
    """Wall-clock seconds between finished photos lately, all workers together; None before there are two."""
    since = timezone.now() - RATE_WINDOW
    finished = list(
        Task.objects.filter(asset__batch=batch, step=Step.PROCESS, state=TaskState.DONE, finished_at__gte=since)
        .order_by("-finished_at")
        .values_list("finished_at", flat=True)[:RATE_TASKS]
    )
    times = [moment for moment in finished if moment is not None]
    if len(times) < 2:
        return None
    return (times[0] - times[-1]).total_seconds() / (len(times) - 1)


def open_samples(batch: Batch) -> int:
    """How many drawn photos of a batch nobody has judged yet."""
    return SampleMember.objects.filter(draw__batch=batch, outcome=SampleOutcome.PENDING).count()


def waits_for_people(batch: Batch) -> bool:
    """Say whether its delivery waits for a sample or for a lot to be proven."""
    return open_samples(batch) > 0 or lots.is_waiting(batch)


def has_unfinished_tasks(batch: Batch) -> bool:
    """True while a task of the batch waits or runs: its channel files may not all be there yet."""
    waiting = Task.objects.filter(asset__batch=batch, state__in=_UNFINISHED)
    return waiting.exclude(step__in=LEARNING_STEPS).exists()


def is_machine_done(batch: Batch) -> bool:
    """True when no photo of the batch is with the machine and none of its tasks waits or runs."""
    return not batch.assets.filter(state__in=MACHINE_STATES).exists() and not has_unfinished_tasks(batch)


def state_due(batch: Batch) -> BatchState:
    """The state a closed, running batch should be in, from its photos alone; services/batches.py moves it there."""
    grouped = _group(counts(batch))
    if grouped.machine or (grouped.later and batch.applied_at is not None):
        return BatchState.PROCESSING
    # What waits for a sample waits for people: they judge it, and a manager says how the rest is done.
    if grouped.later or grouped.people or (batch.client.waits_for_samples and waits_for_people(batch)):
        return BatchState.REVIEW
    if has_unfinished_tasks(batch):
        # Channel files are being made: not ready yet, and no reason to flicker back to processing.
        return BatchState.REVIEW if batch.state == BatchState.REVIEW else BatchState.PROCESSING
    return BatchState.READY


def open_batch_ids() -> list[int]:
    """Ids of batches whose state may still move by itself, for the sweep."""
    movable = [BatchState.UPLOADING, BatchState.PROCESSING, BatchState.REVIEW, BatchState.READY]
    not_closed = Q(state__in=movable) & ~Q(state=BatchState.READY, completed_at__isnull=False)
    return list(Batch.objects.filter(not_closed).order_by("id").values_list("pk", flat=True))


def failures(batch: Batch) -> list[FailureGroup]:
    """Failed and rejected photos by code, the most frequent first, with one of their sentences (VAL-19, OBS-22).

    With them those an editor has only because nobody knows their category (CLS-17). Those a senior gave up are grouped
    by their sentence: a person wrote it for these photos.
    """
    grouped: dict[tuple[str, str, str], list[tuple[str, str]]] = defaultdict(list)
    ended = [AssetState.FAILED, AssetState.REJECTED_INTAKE]
    # All states once more by themselves: the index of batch and state finds them, whatever stands in the OR.
    found = batch.assets.filter(Q(state__in=ended) | UNCATEGORISED, state__in=[*ended, AssetState.EDITING])
    stopped = found.order_by("id")
    for state, code, reason, path in stopped.values_list("state", "state_code", "state_reason", "relative_path"):
        grouped[state, code, reason if code == "given_up" else ""].append((reason, path))
    groups = [
        FailureGroup(
            state,
            code,
            photos[0][0] if len({reason for reason, _ in photos}) == 1 else "",
            len(photos),
            state == AssetState.FAILED and code != "given_up",
            tuple(path for _, path in photos[:NAMES_SHOWN]),
        )
        for (state, code, _reason), photos in grouped.items()
    ]
    return sorted(groups, key=lambda group: -group.count)


def removers(batch: Batch) -> dict[tuple[str, str], int]:
    """How many automatic runs each remover made, by (remover, model name); said on screen, never silent."""
    found = ProcessingRun.objects.filter(asset__batch=batch, kind="automated").order_by()
    rows = found.values("remover", "model_name").annotate(n=Count("pk"))
    return {(row["remover"], row["model_name"]): row["n"] for row in rows}


def missing_asins(batch: Batch) -> QuerySet[Asset]:
    """Photos without an ASIN in a batch one of whose channels builds its file names from it (ING-20, EXP-12)."""
    specs: Iterable[dict[str, Any]] = batch.channels.values_list("spec", flat=True)
    if not any("{asin" in str(spec.get("naming", "")) for spec in specs):
        return batch.assets.none()
    return batch.assets.filter(asin="").exclude(state__in=[AssetState.DUPLICATE, AssetState.REJECTED_INTAKE])


def renditions(batch: Batch) -> dict[str, int]:
    """Channel files per state of the approved runs in force."""
    current = Asset.objects.filter(pk=OuterRef("asset_id"), current_run=OuterRef("run_id"), state__in=APPROVED_STATES)
    found = Rendition.objects.filter(Exists(current), asset__batch=batch).order_by()
    return {row["state"]: row["n"] for row in found.values("state").annotate(n=Count("pk"))}
