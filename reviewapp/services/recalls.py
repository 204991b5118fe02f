"""Calling deliveries back, and handing them over when their grace period is over.

A delivery that waits is called back silently: nobody outside has heard of it. One that was handed over is called back
with a message that says so, to everybody who was told. Nothing here locks a batch for what only moves a photo: who
moves photos holds other rows, and each would wait for the other. The batch follows when the transaction commits.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from reviewapp.enums import APPROVED_STATES, OUT_STATES, AssetState, BatchState, DeliveryState, MessageKind, Role
from reviewapp.models import Asset, Batch, Delivery, DeliveryItem
from reviewapp.selectors import lots

from . import audit, batch_state, outbox
from .people import require, require_client

logger = logging.getLogger(__name__)

MAX_REASON = 300
CHANGED = "A photo of it changed after it was made."
DOUBTED = "What its lot was released on is in doubt."
CANCELLED = "The batch was cancelled."


class RecallRefused(ValueError):
    """What was asked can't be done with this delivery; the message says why."""


def holding(asset_ids: Collection[int], states: Collection[str]) -> QuerySet[Delivery]:
    """Deliveries in one of `states` that hold a file of one of these photos, oldest first."""
    items = DeliveryItem.objects.filter(delivery=OuterRef("pk"), rendition__asset_id__in=list(asset_ids))
    batches = Asset.objects.filter(pk__in=list(asset_ids)).values("batch_id")
    return Delivery.objects.filter(Exists(items), state__in=states, batch_id__in=batches).order_by("pk")


def photo_left(asset: Asset, reason: str, actor: Any = None) -> None:
    """A photo isn't approved any more: a delivery that waits and holds it is called back. Called by assets.move."""
    waiting = Delivery.objects.filter(batch_id=asset.batch_id, state=DeliveryState.WAITING)
    for delivery in waiting:
        if delivery.items.filter(rendition__asset_id=asset.pk).exists():
            why = f"{asset.filename}: {reason}" if reason else CHANGED
            take_back(delivery, reason=why, actor=actor, only_waiting=True)


def take_back(delivery: Delivery, *, reason: str, actor: Any = None, only_waiting: bool = False) -> bool:
    """Call a delivery back; False when it was before. Call in the transaction of what makes it wrong.

    Who may is asked before. A second call, or one that loses a race, changes nothing and tells nobody. `only_waiting`:
    one that was handed over at this very moment stays out.
    """
    now = timezone.now()
    who = actor if getattr(actor, "is_authenticated", False) else None
    states = [DeliveryState.WAITING] if only_waiting else [DeliveryState.WAITING, *OUT_STATES]
    changed = Delivery.objects.filter(pk=delivery.pk, state__in=states).update(
        state=DeliveryState.RECALLED, recalled_at=now, recalled_by=who, recall_reason=reason[:MAX_REASON]
    )
    if not changed:
        return False
    delivery.refresh_from_db()  # what it was: handed over meanwhile or not
    had_left = delivery.handed_over_at is not None
    audit.record(
        "delivery.recalled", delivery, actor=actor,
        after={"number": delivery.number, "files": delivery.file_count, "had_left": had_left}, note=reason,
    )  # fmt: skip
    if had_left:
        _tell(delivery, reason)
    batch_id = delivery.batch_id
    transaction.on_commit(lambda: settle(batch_id), robust=True)
    return True


def _tell(delivery: Delivery, reason: str) -> None:
    """Tell everybody who may have heard of the delivery, and who would hear of it now."""
    heard = outbox.withdraw(delivery)
    unheard = {
        (row.channel, row.target)
        for row in delivery.messages.filter(kind=MessageKind.READY).exclude(pk__in=[row.pk for row in heard])
    }
    client = delivery.batch.client
    to = [outbox.Address(row.channel, row.target) for row in heard]  # type: ignore[arg-type]
    for address in outbox.addresses_of(client):
        # A message that was never tried told nobody; only a download then says that somebody has the files.
        is_told = (address.channel, address.target) not in unheard or delivery.downloaded_at is not None
        if is_told and address not in to:
            to.append(address)
    facts = {
        **about(delivery),
        "reason": reason[:MAX_REASON],
        "files": list(delivery.items.order_by("path").values_list("path", flat=True)),
    }
    outbox.write(
        MessageKind.RECALLED, client, facts, name=str(delivery.pk), batch=delivery.batch, delivery=delivery, to=to
    )


def about(delivery: Delivery) -> dict[str, Any]:
    """What every message about a delivery says of it."""
    batch = delivery.batch
    return {
        "client": batch.client.slug,
        "batch": {"id": batch.pk, "name": batch.name},
        "delivery": {
            "number": delivery.number,
            "files": delivery.file_count,
            "bytes": delivery.byte_size,
            "withheld": len(delivery.withheld),
            "replaces": delivery.replaces.number if delivery.replaces else None,
        },
    }


def settle(batch_id: int) -> bool:
    """Bring a batch whose newest delivery was called back to its right state. True when it was still delivered."""
    from . import batches  # it moves photos, and moving a photo asks this module

    with transaction.atomic():
        batch = Batch.objects.select_for_update(no_key=True).get(pk=batch_id)
        newest = Delivery.objects.filter(batch=batch).order_by("-number").first()
        is_open = newest is not None and newest.state == DeliveryState.RECALLED
        note = "Its delivery was called back."
        moved = is_open and batch_state.move(
            batch, BatchState.PROCESSING, allowed_from=[BatchState.DELIVERED], note=note
        )
    batches.refresh(batch_id)
    return moved


def call_back(delivery: Delivery, reason: str, actor: Any) -> bool:
    """A manager calls a delivery back, before or after it left; False when it was before.

    Raises NotAllowed, and RecallRefused without a reason: once it left, the client reads it.
    """
    require(actor, Role.MANAGER, to=_("call a delivery back"))
    require_client(actor, delivery.batch.client_id)
    words = " ".join(reason.split())
    if not words:
        raise RecallRefused(_("Say why: the client reads this sentence if the delivery has been handed over."))
    if len(words) > MAX_REASON:
        raise RecallRefused(_("The reason has %(n)d characters; %(most)d fit.") % {"n": len(words), "most": MAX_REASON})
    with transaction.atomic():
        Batch.objects.select_for_update(no_key=True).get(pk=delivery.batch_id)
        done = take_back(Delivery.objects.get(pk=delivery.pk), reason=words, actor=actor)
    delivery.refresh_from_db()
    return done


def hand_over(delivery_id: int, actor: Any = None, now: datetime | None = None) -> bool:
    """Open a delivery that waited: it can be downloaded and its client is told. True when this call did it.

    By a manager at once, by the sweep (`actor` None) when its time has come and its batch isn't paused. A delivery that
    isn't right any more is called back instead. Raises NotAllowed, RecallRefused for a paused batch.
    """
    if actor is not None:
        require(actor, Role.MANAGER, to=_("hand a delivery over"))
    moment = now or timezone.now()
    with transaction.atomic():
        found = Delivery.objects.select_related("batch__client").get(pk=delivery_id)
        if actor is not None:
            require_client(actor, found.batch.client_id)
        # The batch first, as in every delivery: an undo either came before, and is seen, or comes after.
        batch = Batch.objects.select_for_update(no_key=True).get(pk=found.batch_id)
        delivery = Delivery.objects.select_for_update(no_key=True).get(pk=delivery_id)
        if delivery.state != DeliveryState.WAITING:
            return False
        if actor is None and (delivery.opens_at is None or delivery.opens_at > moment):
            return False
        if batch.state == BatchState.PAUSED:
            if actor is None:
                return False
            raise RecallRefused(_("The batch is paused. Resume it first."))
        if reason := _what_is_wrong(delivery, batch):
            take_back(delivery, reason=reason)
            return False
        open_now(delivery, batch, moment, actor)
    return True


def open_now(delivery: Delivery, batch: Batch, moment: datetime, actor: Any = None) -> None:
    """Write that a waiting delivery is handed over, and what follows from it. Call with the batch locked."""
    delivery.state, delivery.handed_over_at = DeliveryState.READY, moment
    delivery.save(update_fields=["state", "handed_over_at"])
    audit.record(
        "delivery.handed_over", delivery, actor=actor, after={"number": delivery.number, "files": delivery.file_count}
    )
    if delivery.completes:
        batch_state.move(batch, BatchState.DELIVERED, allowed_from=[BatchState.READY], actor=actor)
    outbox.write(
        MessageKind.READY, batch.client, about(delivery), name=str(delivery.pk), batch=batch, delivery=delivery
    )


def _what_is_wrong(delivery: Delivery, batch: Batch) -> str:
    """Why a waiting delivery must not leave: the last look, for what was changing while it was made."""
    if batch.state == BatchState.CANCELLED:
        return CANCELLED
    items = delivery.items.order_by()
    changed = items.exclude(rendition__asset__state__in=APPROVED_STATES) | items.exclude(
        rendition__run_id=F("rendition__asset__current_run_id")
    )
    if changed.exists():
        return CHANGED
    doubted = list(lots.unproven_photos(batch))
    in_doubt = items.filter(rendition__asset_id__in=doubted, rendition__asset__state=AssetState.AUTO_APPROVED)
    return DOUBTED if doubted and in_doubt.exists() else ""


def sweep(now: datetime | None = None) -> int:
    """Hand over what has waited long enough, and settle what a process that died left behind. Returns how many."""
    moment = now or timezone.now()
    due = Delivery.objects.filter(state=DeliveryState.WAITING, opens_at__lte=moment)
    done = 0
    for pk in list(due.exclude(batch__state=BatchState.PAUSED).order_by("opens_at").values_list("pk", flat=True)[:50]):
        try:
            done += hand_over(pk, now=moment)
        except DatabaseError:
            raise
        except Exception:  # one that can't be handed over must not keep the others waiting
            logger.exception("hand_over_failed", extra={"delivery": pk})
    return done


def repair() -> int:
    """Settle batches that still say delivered although their newest delivery was called back. Returns how many."""
    later = Delivery.objects.filter(batch=OuterRef("batch"), number__gt=OuterRef("number"))
    stale = Delivery.objects.filter(~Exists(later), state=DeliveryState.RECALLED, batch__state=BatchState.DELIVERED)
    return sum(settle(batch_id) for batch_id in list(stale.values_list("batch_id", flat=True)))
