"""Hidden looks: samples, second people, known pictures. Each is an ordinary task of the blind queue and nothing else.

What tells them apart is the `Look` beside the task, which no page, answer or address of the desk reads. Known pictures
are made right behind other tasks, so that they lie anywhere in the queue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from django.db import transaction
from django.utils import timezone

from reviewapp.enums import LookKind, ReviewReason, ReviewTaskState
from reviewapp.models import Asset, GoldItem, Look, Lot, ReviewTask
from reviewapp.policies.quality.reviewers import GOLD_DEFECTIVE, GOLD_SHARE
from reviewapp.selectors import gold as gold_reads

from . import chance

WHY = "Looked at by a person."


@dataclass(frozen=True, slots=True)
class Wanted:
    """A look to be made: at which result of which photo, and why."""

    asset: Asset
    run_id: int
    kind: LookKind
    lot: Lot | None = None
    of: Look | None = None
    number: int = 1
    gold: GoldItem | None = None


def open_looks(wanted: Sequence[Wanted]) -> list[Look]:
    """Put looks into the queue, known pictures between them. Call inside a transaction that holds their lot."""
    mixed: list[Wanted] = []
    for one in wanted:
        mixed.append(one)
        item = _drawn(one.asset)
        if item is not None:
            mixed.append(Wanted(item.asset, item.run_id, LookKind.GOLD, gold=item))
    priority = {id(one): one.asset.priority for one in mixed}
    for before, one in pairwise(mixed):
        if one.gold is not None:  # as urgent as what it hides behind
            priority[id(one)] = priority[id(before)]
    tasks = ReviewTask.objects.bulk_create(
        ReviewTask(asset=one.asset, run_id=one.run_id, reason=ReviewReason.SAMPLE, why=WHY, priority=priority[id(one)])
        for one in mixed
    )
    return Look.objects.bulk_create(_look(task, one) for task, one in zip(tasks, mixed, strict=True))


def accompany(task: ReviewTask) -> None:
    """Now and then put a known picture right behind a task that was just made; about one task in twenty is one."""
    item = _drawn(task.asset)
    if item is None:
        return
    with transaction.atomic():
        behind = ReviewTask.objects.create(
            asset=item.asset, run_id=item.run_id, reason=ReviewReason.SAMPLE, why=WHY, priority=task.priority
        )
        _look(behind, Wanted(item.asset, item.run_id, LookKind.GOLD, gold=item)).save()


def withdraw(looks: Sequence[Look]) -> int:
    """Take looks nobody has made yet out of the queue; one that is on somebody's screen stays. Returns how many."""
    now = timezone.now()
    done = 0
    for look in looks:
        free = ReviewTask.objects.filter(pk=look.task_id, state__in=[ReviewTaskState.OPEN, ReviewTaskState.ON_HOLD])
        free = free.exclude(lease_owner__isnull=False, lease_until__gte=now)
        if free.update(state=ReviewTaskState.WITHDRAWN):
            Look.objects.filter(pk=look.pk).update(is_void=True)
            done += 1
    return done


def _look(task: ReviewTask, one: Wanted) -> Look:
    return Look(task=task, kind=one.kind, lot=one.lot, asset=one.asset, gold=one.gold, of=one.of, number=one.number)


def _drawn(near: Asset) -> GoldItem | None:
    """A known picture when one is due: by chance, so that nobody can count up to it."""
    if chance.share() >= GOLD_SHARE / (1.0 - GOLD_SHARE) or not gold_reads.is_on():
        return None
    wants_bad = chance.share() < GOLD_DEFECTIVE
    item = gold_reads.next_item(wants_bad, near) or gold_reads.next_item(not wants_bad, near)
    if item is None:
        return None
    taken = GoldItem.objects.filter(pk=item.pk, shown_at=item.shown_at).update(shown_at=timezone.now())
    return item if taken else None
