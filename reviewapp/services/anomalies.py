"""What would ship by its score alone and is unlike the rest of its batch goes to people first (REV-18, QC-16)."""

from __future__ import annotations

import contextlib

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from reviewapp.enums import AssetState, BatchState, ReviewReason
from reviewapp.models import Asset, Batch, DeliveryItem, LotPlace, ReviewTask
from reviewapp.policies import standing_out as policy
from reviewapp.selectors import sets
from reviewapp.selectors.quality import current_policy

from . import assets, sampling
from .handover import open_review


def flag_due(batch: Batch) -> int:
    """Flag what stands out, once the machine is done with all of the batch. Returns how many photos.

    Call in a transaction that holds the batch, before its samples are drawn. Due when the batch leaves the machine, or
    photos of it wait for their draw; the set is read then and at no other time.
    """
    is_moving = batch.state == BatchState.PROCESSING or sampling.undrawn(batch).exists()
    if not is_moving or not sampling.is_machine_done(batch) or not current_policy().review_anomalies:
        return 0
    return flag(batch)


def flag(batch: Batch) -> int:
    """Move approved photos that stand out to the review queue, each with a sentence why. Twice does nothing more."""
    odd = sets.for_people(batch)
    done = 0
    for photo in _unseen(batch).filter(pk__in=odd).select_related("current_run").order_by("pk"):
        with contextlib.suppress(assets.StateConflict), transaction.atomic():  # taken at this very moment
            _flag(photo, policy.why(odd[photo.pk]))
            done += 1
    return done


def _flag(photo: Asset, why: str) -> None:
    run = photo.current_run
    assert run is not None, "an auto-approved photo has the run that was approved"
    assets.move(photo, AssetState.IN_REVIEW, reason=why, code=ReviewReason.ANOMALY)
    open_review(photo, run, ReviewReason.ANOMALY, why)


def _unseen(batch: Batch) -> QuerySet[Asset]:
    """What is to ship by itself: in no sample and no lot, which have looks of their own, and not delivered yet.

    A result that ever had a task was looked at, or is about to be, for another reason.
    """
    own = ReviewTask.objects.filter(run=OuterRef("current_run"), look__isnull=True, study_run__isnull=True)
    placed = LotPlace.objects.filter(asset=OuterRef("pk"), run=OuterRef("current_run"))
    gone = DeliveryItem.objects.filter(rendition__asset=OuterRef("pk"))
    approved = batch.assets.filter(state=AssetState.AUTO_APPROVED, sample_member__isnull=True)
    return approved.filter(~Exists(own), ~Exists(placed), ~Exists(gone))
