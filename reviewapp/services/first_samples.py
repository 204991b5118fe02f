"""A sample first, the rest when somebody says so (SMP-06): drawn, let through, noted as seen.

Nothing waits in the queue of tasks: a photo that waits has no task, and gets one when it is let through, a few at a
time. So a batch of a million costs `claim` and the sweep nothing, and others are not kept behind its rest.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from reviewapp.enums import AssetState
from reviewapp.models import Asset, Batch, FirstMember, FirstSample, PresetVersion
from reviewapp.policies import sampling as policy
from reviewapp.selectors import first_samples as selectors
from reviewapp.selectors import tallies

from . import assets, audit, lanes

AT_ONCE = 100
"""Photos of a batch in the queue at most while others of it wait; filled up again when half of them are done."""
PIECE = 25
"""So many are let through in one transaction: nobody waits long for the database."""


def is_due(batch: Batch) -> bool:
    """Say whether `advance` would do something now. No query for a batch that does all at once."""
    if batch.first_share is None:
        return False
    states = _states(batch)
    return _draws_now(batch, states) or _lets_through(batch, states) or _is_seen(batch)


def advance(batch: Batch) -> bool:
    """Draw the first round when it is due, let a piece through of what may go, note that a round was seen.

    True when `let_through` would let more through.
    Call in a transaction that holds the batch. Safe at any time and from two places at once: a round's number is
    unique, a photo moves only from where it waits, and its task has one name.
    """
    if batch.first_share is None:
        return False
    if _draws_now(batch, _states(batch)):
        draw(batch, batch.preset_version)
    goes_on = let_through(batch)
    if _is_seen(batch):
        _note_seen(batch)
    return goes_on


def draw(batch: Batch, version: PresetVersion, actor: Any = None) -> FirstSample | None:
    """Draw a round from all that waits; None when nothing does. Call in a transaction that holds the batch.

    The batch's seed makes the order, as for every sample (SMP-11): round after round goes on in the same one.
    """
    waiting = batch.assets.filter(state=AssetState.WAITS_FOR_SAMPLE, first_member__isnull=True)
    by_sha = dict(waiting.values_list("sha256", "pk"))
    if not by_sha:
        return None
    share = batch.first_share or policy.FIRST_SHARE
    size = policy.first_size(len(by_sha), share)
    sample = FirstSample.objects.create(
        batch=batch,
        number=batch.first_samples.count() + 1,
        preset_version=version,
        share=share,
        population=len(by_sha),
        population_digest=policy.population_digest(by_sha),
        size=size,
        created_by=actor if getattr(actor, "is_authenticated", False) else None,
    )
    chosen = policy.draw(batch.sample_seed, by_sha, size)
    FirstMember.objects.bulk_create(
        (FirstMember(sample=sample, asset_id=by_sha[sha], rank=rank) for rank, sha in enumerate(chosen, start=1)),
        batch_size=500,
    )
    told = {"number": sample.number, "size": size, "population": len(by_sha), "preset": str(version)}
    audit.record("first_sample.drawn", sample, actor=actor, after=told)
    return sample


def _states(batch: Batch) -> Mapping[str, int]:
    return tallies.of_batches([batch.pk])[batch.pk]


def _draws_now(batch: Batch, states: Mapping[str, int]) -> bool:
    """The share is one of the whole batch: the first round waits until nothing more arrives."""
    is_all_here = batch.closed_at is not None and not any(states.get(state) for state in selectors.ARRIVING)
    waits = bool(states.get(AssetState.WAITS_FOR_SAMPLE))
    return batch.applied_at is None and waits and is_all_here and not batch.first_samples.exists()


def _lets_through(batch: Batch, states: Mapping[str, int]) -> bool:
    """Only when half of the queue's share is done: else every photo done would let one through."""
    if not states.get(AssetState.WAITS_FOR_SAMPLE) or states.get(AssetState.QUEUED, 0) > AT_ONCE // 2:
        return False
    return batch.applied_at is not None or selectors.waiting_members(batch).exists()


def let_through(batch: Batch) -> bool:
    """Send up to PIECE photos on their way, those of a sample first. True when there are more and there is room.

    Call in a transaction that holds the batch.
    """
    room = AT_ONCE - _states(batch).get(AssetState.QUEUED, 0)
    piece = min(PIECE, room)
    if piece <= 0:
        return False
    ids = list(selectors.waiting_members(batch).values_list("asset_id", flat=True)[:piece])
    if batch.applied_at is not None and len(ids) < piece:
        rest = batch.assets.filter(state=AssetState.WAITS_FOR_SAMPLE).exclude(pk__in=ids).order_by("pk")
        ids += rest.values_list("pk", flat=True)[: piece - len(ids)]
    for photo in Asset.objects.select_related("batch__preset_version").filter(pk__in=ids).order_by("pk"):
        with contextlib.suppress(assets.StateConflict), transaction.atomic():  # cancelled at this very moment
            lanes.choose_lane(photo)
    return len(ids) == piece and room > piece


def _is_seen(batch: Batch) -> bool:
    if batch.applied_at is not None:
        return False
    sample = selectors.latest(batch)
    return sample is not None and sample.looked_at is None and not selectors.pending(sample).exists()


def _note_seen(batch: Batch) -> None:
    sample = selectors.latest(batch)
    if sample is not None and FirstSample.objects.filter(pk=sample.pk, looked_at=None).update(looked_at=timezone.now()):
        audit.record("first_sample.seen", sample, after={"number": sample.number, "size": sample.size})
