"""Reading deliveries, and working out what a batch could deliver right now and what is withheld, file by file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from reviewapp.enums import (
    APPROVED_STATES,
    OUT_STATES,
    REVIEW_STATES,
    AssetState,
    DeliveryState,
    LookKind,
    LotState,
    RenditionState,
    ReviewReason,
    ReviewTaskState,
)
from reviewapp.models import Asset, Batch, Channel, Delivery, DeliveryItem, Lot, Rendition, ReviewTask
from reviewapp.policies.numbers import whole

from . import lots

FINAL_CODES = frozenset({"rejected_intake", "duplicate", "failed", "cancelled", "channel_rule"})
"""Withheld for good: nothing the line or its people still do will deliver these."""


@dataclass(frozen=True, slots=True)
class Withheld:
    """One photo, or one of its channels (`channel` != ""), that is not in the package, and the sentence why."""

    asset_id: int
    file: str
    sku: str
    channel: str
    code: str
    reason: str

    @property
    def is_final(self) -> bool:
        """False when the photo may still come with a later delivery."""
        return self.code in FINAL_CODES


@dataclass(frozen=True, slots=True)
class Plan:
    """What a delivery would hold now: files x channels, each either deliverable or withheld with a reason (EXP-24)."""

    renditions: list[Rendition] = field(default_factory=list)
    withheld: list[Withheld] = field(default_factory=list)
    open_samples: int = 0
    lots_open: list[Lot] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """True when nothing of the batch can still be added."""
        return bool(self.renditions) and all(item.is_final for item in self.withheld)


def searched(rows: QuerySet[Delivery], words: str = "", state: str = "") -> QuerySet[Delivery]:
    """Those of `rows` in a state, of batches with this number, or whose name or client's name holds the words."""
    if words:
        named = Q(batch__name__icontains=words) | Q(batch__client__name__icontains=words)
        rows = rows.filter(named | Q(batch_id=whole(words) or 0))
    return rows.filter(state=state) if state in DeliveryState.values else rows


def deliveries(batch: Batch | None = None) -> QuerySet[Delivery]:
    """Deliveries, newest first, of one batch or of all."""
    found = Delivery.objects.select_related("batch__client", "created_by", "recalled_by", "replaces")
    return found.filter(batch=batch) if batch is not None else found


def out_with(asset: Asset) -> QuerySet[Delivery]:
    """Deliveries that were handed over with a file of this photo, oldest first."""
    items = DeliveryItem.objects.filter(rendition__asset=asset).values("delivery_id")
    return Delivery.objects.filter(pk__in=items, state__in=OUT_STATES).order_by("number")


def items_of(delivery: Delivery) -> QuerySet[DeliveryItem]:
    """The files of a package in path order."""
    return delivery.items.select_related("rendition__asset", "rendition__channel").order_by("path")


def open_samples(batch: Batch) -> QuerySet[ReviewTask]:
    """Blind samples of `batch` nobody has judged yet; a held one counts as open. Looks of a duel hold nothing up."""
    waiting = ReviewTask.objects.filter(
        asset__batch=batch,
        reason=ReviewReason.SAMPLE,
        state__in=[ReviewTaskState.OPEN, ReviewTaskState.ON_HOLD],
        study_run__isnull=True,
    )
    # Known pictures concern no delivery, looks back none of what has left; of what hasn't, its lot says so (plan).
    return waiting.exclude(look__kind__in=[LookKind.GOLD, LookKind.RETRO])


def channels_of(batch: Batch) -> list[Channel]:
    """The batch's channels in order."""
    return [row.channel for row in batch.batch_channels.select_related("channel").order_by("position")]


def plan(batch: Batch) -> Plan:
    """Work out the package: every verified file of every approved photo, and a reason for everything else.

    An auto-approved photo that no sample draw has covered yet is withheld, unless the client doesn't wait for samples:
    shipping it would leave it unjudged (SMP-10, B12).
    """
    channels, waits = channels_of(batch), batch.client.waits_for_samples
    by_key = _renditions(batch)
    # Not waiting for samples is about samples: a lot that isn't proven, or is on hold, holds its photos all the same.
    unproven = lots.unproven_photos(batch)
    result = Plan(open_samples=open_samples(batch).count(), lots_open=_different(unproven.values()))
    for asset in batch.assets.select_related("duplicate_of").order_by("pk"):
        if asset.state not in APPROVED_STATES:
            result.withheld.append(_unapproved(asset))
        elif waits and asset.state == AssetState.AUTO_APPROVED and asset.sample_block is None:
            result.withheld.append(_hold(asset, "not_sampled", _("Its block of photos has not been sampled yet.")))
        elif asset.pk in unproven and asset.state == AssetState.AUTO_APPROVED:
            result.withheld.append(_hold(asset, "not_proven", _("Its lot has not been proven yet.")))
        else:
            _sort_channels(asset, channels, by_key, result)
    return result


def _different(found: Iterable[Lot]) -> list[Lot]:
    """Each lot once; one that is to be done again waits for nobody's look and holds only its own photos."""
    return [lot for lot in {one.pk: one for one in found}.values() if lot.state != LotState.REDO]


def _renditions(batch: Batch) -> dict[tuple[int, int], list[Rendition]]:
    rows = Rendition.objects.filter(asset__batch=batch).select_related(
        "asset", "channel", "run__preset_version__preset", "run__quality__policy"
    )
    found: dict[tuple[int, int], list[Rendition]] = defaultdict(list)
    for row in rows.order_by("pk"):
        found[row.run_id, row.channel_id].append(row)
    return found


def _sort_channels(
    asset: Asset, channels: Sequence[Channel], by_key: dict[tuple[int, int], list[Rendition]], result: Plan
) -> None:
    for channel in channels:
        files = by_key.get((asset.current_run_id or 0, channel.pk))
        if not files:
            result.withheld.append(_hold(asset, "not_rendered", _("Its file is still being made."), channel.key))
        for rendition in files or ():
            if rendition.state == RenditionState.VERIFIED:
                result.renditions.append(rendition)
                continue
            why = rendition.error or _("The file breaks a rule of the channel.")
            result.withheld.append(_hold(asset, "channel_rule", why, channel.key))


def _unapproved(asset: Asset) -> Withheld:
    state = AssetState(asset.state)
    own = asset.state_reason
    if state == AssetState.DUPLICATE and asset.duplicate_of is not None:
        return _hold(asset, "duplicate", _("Same file as %(other)s.") % {"other": asset.duplicate_of.filename})
    if state in (AssetState.REJECTED_INTAKE, AssetState.FAILED, AssetState.DUPLICATE):
        return _hold(asset, state.value, own or str(state.label))
    if state == AssetState.CANCELLED:
        return _hold(asset, "cancelled", own or _("Cancelled."))
    if state in REVIEW_STATES:
        return _hold(asset, "unreviewed", _("Waits for a reviewer."))
    if state in (AssetState.EDITING, AssetState.AWAITING_SIGNOFF):
        return _hold(asset, "editing", own or _("With an editor."))
    if state == AssetState.WAITS_FOR_SAMPLE:
        return _hold(asset, "waits_for_sample", _("Waits for the sample of its batch."))
    return _hold(asset, "in_process", _("Still being processed."))


def _hold(asset: Asset, code: str, reason: str, channel: str = "") -> Withheld:
    return Withheld(asset.pk, asset.relative_path or asset.filename, asset.sku, channel, code, reason)
