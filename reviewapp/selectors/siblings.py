"""The other photos of a product in its batch, for the contact sheet beside the viewer."""

from __future__ import annotations

from django.contrib.auth.models import User

from reviewapp.enums import AssetState
from reviewapp.models import Asset, BatchChannel, Channel, ProcessingRun
from reviewapp.selectors.review import live_decisions

MOST = 24
_NOT_A_VIEW = (AssetState.DUPLICATE, AssetState.REJECTED_INTAKE)


def siblings_of(run: ProcessingRun) -> list[Asset]:
    """Photos with the same SKU in the batch of `run`, itself among them, in upload order, with their runs; one query.

    A photo without a SKU has none but itself.
    """
    asset = run.asset
    photos = Asset.objects.filter(batch_id=asset.batch_id).exclude(state__in=_NOT_A_VIEW)
    photos = photos.filter(sku=asset.sku) if asset.sku else photos.filter(pk=asset.pk)
    return list(photos.select_related("current_run").order_by("pk")[:MOST])


def channel_of(run: ProcessingRun, channel_id: int) -> Channel | None:
    """The channel when the batch of `run` has it."""
    row = BatchChannel.objects.filter(batch_id=run.asset.batch_id, channel_id=channel_id).select_related("channel")
    found = row.first()
    return found.channel if found else None


def own_verdicts(user: User, asset: Asset) -> dict[int, str]:
    """What `user` decided on the photos of this product: asset id -> verdict in force."""
    decisions = live_decisions().filter(reviewer=user, asset__batch_id=asset.batch_id, asset__sku=asset.sku)
    return dict(decisions.order_by("pk").values_list("asset_id", "verdict"))
