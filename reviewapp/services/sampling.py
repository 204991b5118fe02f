"""Blind samples of what shipped by score alone: drawing them, judging them, stopping a batch that fails them."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from reviewapp.enums import (
    UNDONE_STATES,
    AssetState,
    BatchState,
    EditReason,
    ReviewReason,
    SampleOutcome,
    Sampling,
    Verdict,
)
from reviewapp.models import Asset, Batch, ReviewTask, RoutingPolicy, SampleDraw, SampleMember
from reviewapp.policies import sampling as policy
from reviewapp.selectors.quality import current_policy, escape_rate

from . import audit, batch_state, lots
from .handover import open_editing, open_review

PAUSABLE = (BatchState.UPLOADING, BatchState.PROCESSING, BatchState.REVIEW, BatchState.READY)
WHY = "Looked at by a person."


def draw_due(batch: Batch) -> list[SampleDraw]:
    """Draw every sample that is due and return the new draws (SMP-01, SMP-04, SMP-11).

    While the machine still works a draw is made from every full block of auto-approved photos, so that a systemic
    fault shows within the first block; what is left over is drawn from once the machine is done. Safe to call at any
    time and from two places at once: the block number is unique, and a photo belongs to one population only.
    """
    limits = current_policy()
    if proves(batch, limits):
        _gather(batch)
        return []
    waiting = list(undrawn(batch))
    block = max(1, limits.sample_block)
    is_last = is_machine_done(batch)
    draws: list[SampleDraw] = []
    while len(waiting) >= block or (waiting and is_last):
        drawn = _draw_block(batch, waiting[:block], limits)
        if drawn is None:  # somebody else drew this block; what is left is theirs or the next call's
            break
        draws.append(drawn)
        waiting = waiting[block:]
    return draws


def judge(task: ReviewTask, verdict: Verdict | str, actor: Any = None) -> SampleOutcome | None:
    """Record what a person said of a sampled photo; None when it was judged before or isn't a sample.

    A rejection sends the photo to an editor, and pauses the batch when the rejections reach the policy's limit
    (SMP-03): `sample_reject_limit` of them, and in a big sample also a tenth of those judged. Call inside the
    decision's transaction.
    """
    outcome = SampleOutcome.ACCEPTED if verdict == Verdict.APPROVE else SampleOutcome.REJECTED
    member = SampleMember.objects.filter(review_task=task).select_related("draw__batch", "asset").first()
    if member is None:
        return None
    changed = SampleMember.objects.filter(pk=member.pk, outcome=SampleOutcome.PENDING).update(
        outcome=outcome, judged_at=timezone.now()
    )
    if not changed:
        return None
    audit.record("sample.judged", member, actor=actor, after={"outcome": str(outcome)})
    if outcome == SampleOutcome.REJECTED:
        if member.asset.state == AssetState.AUTO_APPROVED:
            open_editing(member.asset, EditReason.SAMPLE_REJECTED, "Rejected in review.", base_run=task.run)
        _pause_if_systemic(member.draw.batch)
    return outcome


def is_due(batch: Batch) -> bool:
    """Say whether `draw_due` would draw now, at the price of a count."""
    waiting = undrawn(batch).count()
    limits = current_policy()
    is_full = waiting >= max(1, limits.sample_block) and not proves(batch, limits)
    return is_full or (waiting > 0 and is_machine_done(batch))


def proves(batch: Batch, limits: RoutingPolicy) -> bool:
    """Say whether a batch's photos are proven in lots, or sampled by the simple rule.

    A client who doesn't wait for samples can't have proof: what is found after it shipped isn't taken out.
    """
    chosen = batch.client.sampling or (Sampling.PROOF if limits.prove_lots else Sampling.SIMPLE)
    return chosen != Sampling.SIMPLE and batch.client.waits_for_samples


def _gather(batch: Batch) -> None:
    """All of what the machine approved becomes lots at once: a plan needs the lot's size."""
    if not is_machine_done(batch):
        return
    photos = list(undrawn(batch).select_related("current_run__quality"))
    if photos:
        with transaction.atomic():
            lots.gather(batch, photos)


def undrawn(batch: Batch) -> QuerySet[Asset]:
    """Auto-approved photos no draw has had in its population, in the order they were approved."""
    approved = batch.assets.filter(state=AssetState.AUTO_APPROVED)
    undrawn = approved.filter(sample_block__isnull=True, sample_member__isnull=True)
    return undrawn.select_related("current_run").order_by("state_changed_at", "id")


def is_machine_done(batch: Batch) -> bool:
    """Say whether nothing more comes and the machine has nothing left to do with any photo."""
    return batch.closed_at is not None and not batch.assets.filter(state__in=UNDONE_STATES).exists()


def _draw_block(batch: Batch, block: list[Asset], limits: RoutingPolicy) -> SampleDraw | None:
    size = policy.sample_size(len(block), limits.sample_rate)
    number = batch.sample_draws.count() + 1
    by_sha = {asset.sha256: asset for asset in block}
    try:
        with transaction.atomic():
            drawn = SampleDraw.objects.create(
                batch=batch,
                block=number,
                population=len(by_sha),
                population_sha256=sorted(by_sha),
                rate=limits.sample_rate,
                size=size,
            )
            batch.assets.filter(sha256__in=by_sha, sample_block__isnull=True).update(sample_block=number)
            for rank, sha in enumerate(policy.draw(batch.sample_seed, by_sha, size), start=1):
                _add_member(drawn, by_sha[sha], rank)
    except IntegrityError:
        return None
    return drawn


def _add_member(drawn: SampleDraw, asset: Asset, rank: int) -> None:
    run = asset.current_run
    assert run is not None, "an auto-approved photo has the run that was approved"
    task = open_review(asset, run, ReviewReason.SAMPLE, WHY)
    SampleMember.objects.create(draw=drawn, asset=asset, review_task=task, rank=rank)


def _pause_if_systemic(batch: Batch) -> None:
    found = escape_rate(batch)
    if not policy.should_pause(found.rejected, found.judged, current_policy().sample_reject_limit):
        return
    reason = (
        f"{found.rejected} of {found.judged} sampled photos were rejected: the automatic approvals can't be trusted. "
        "Look at the reasons, then correct the preset for a new batch or resume this one."
    )
    batch_state.move(
        batch,
        BatchState.PAUSED,
        allowed_from=PAUSABLE,
        note=reason,
        paused_reason=reason[: batch_state.HELD_REASON_CHARS],
    )
