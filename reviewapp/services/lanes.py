"""Sending a classified photo on its way: to processing, to an editor, or to wait for its batch's first sample."""

from __future__ import annotations

from reviewapp.enums import AssetState, EditReason, Lane, Step
from reviewapp.models import Asset, Batch, CategoryRule
from reviewapp.policies import routing as policy
from reviewapp.selectors.quality import current_policy

from . import assets, canaries, runs
from .handover import open_editing

WAITS = "Waits for the sample: a part of this batch is done and judged before the rest."


def take_on(asset: Asset) -> None:
    """Send a CLASSIFIED photo on, or let it wait when its batch does a sample first and nobody applied it yet (SMP-06).

    Call inside the transaction that classified it. One that begins to wait at the moment of applying is let through by
    the refresh that follows every step.
    """
    if asset.batch.first_share is not None and Batch.objects.filter(pk=asset.batch_id, applied_at=None).exists():
        assets.move(asset, AssetState.WAITS_FOR_SAMPLE, reason=WAITS)
        return
    choose_lane(asset)


def choose_lane(asset: Asset) -> Lane:
    """Choose the lane: to processing, or straight to an editor (MANUAL, no processing job).

    Call inside a transaction, on a photo that is CLASSIFIED or waited for its sample.
    """
    rule = CategoryRule.objects.filter(category=asset.category).first()
    lane, why = policy.choose_lane(
        asset.category,
        asset.category_source,
        asset.complexity,
        rule is not None and rule.always_human,
        current_policy().medium_goes_to_people,
        [finding["code"] for finding in asset.findings],
    )
    fields = {"lane": lane, "lane_reason": why[:200]}
    if lane == Lane.MANUAL:
        Asset.objects.filter(pk=asset.pk).update(**fields)
        asset.lane, asset.lane_reason = lane, why[:200]
        open_editing(asset, EditReason.UNCATEGORISED, why)
        return lane
    assets.move(asset, AssetState.QUEUED, reason=why, **fields)
    canaries.place(asset)
    # The batch pins its preset version, so the attempt is all that tells one run of a photo from the next.
    runs.create_task(asset, Step.PROCESS, f"process:{asset.pk}:a{asset.attempt}", args={"attempt": asset.attempt})
    return lane
