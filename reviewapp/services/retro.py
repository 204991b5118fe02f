"""Looking back: photos that shipped since a defect rate jumped are looked at again, and what escaped is dealt with."""

from __future__ import annotations

from django.contrib.auth.models import User

from reviewapp.enums import AlarmKind, AssetState, BatchState, DeliveryState, EditReason, LookKind, LotState
from reviewapp.models import Batch, DeliveryItem, Look, Lot, LotPlace
from reviewapp.policies.quality.plans import expanding

from . import audit, batch_state, hidden, recalls, scopes

LEAST = 29
"""Looks at a lot whose plan has no boundary of its own: the jump guard."""


def look_again(scope_id: int, lots: int, *, leaving_out: int = 0) -> int:
    """Ask for looks at what the last `lots` released lots of a scope shipped unseen. Returns how many."""
    if lots <= 0:
        return 0
    shipped = Lot.objects.filter(scope_id=scope_id, state=LotState.RELEASED).exclude(pk=leaving_out)
    return sum(_more_of(lot) for lot in shipped.order_by("-closed_at", "-pk")[:lots])


def _more_of(lot: Lot) -> int:
    """The next places of the lot's own order, up to what an audit of it would have begun with."""
    plan = lot.plan
    found = expanding(lot.size, plan["alpha"], plan["delta"], plan["sensitivity"])
    until = found[0] if found else lot.size
    seen = lot.looks.filter(is_void=False).values("asset_id")
    due = lot.places.filter(rank__lt=max(until, min(LEAST, lot.size))).exclude(asset_id__in=seen)
    standing = due.filter(asset__state=AssetState.AUTO_APPROVED).select_related("asset").order_by("rank")
    return _ask(lot, list(standing))


def _ask(lot: Lot, places: list[LotPlace]) -> int:
    wanted = [hidden.Wanted(place.asset, place.run_id, LookKind.RETRO, lot=lot) for place in places]
    hidden.open_looks(wanted)
    if wanted:
        audit.record("lot.looked_at_again", lot, after={"photos": len(wanted)})
    return len(wanted)


def ask_places(lot: Lot, asset_ids: list[int]) -> int:
    """Ask for looks at some photos of a lot that has left, because those made don't count any more."""
    there = lot.looks.filter(kind=LookKind.RETRO, is_void=False).values("asset_id")
    due = lot.places.filter(asset_id__in=asset_ids, asset__state=AssetState.AUTO_APPROVED).exclude(asset_id__in=there)
    return _ask(lot, list(due.select_related("asset").order_by("rank")))


def escaped(look: Look) -> None:
    """A second person upheld a flag on a photo that had shipped: it goes to an editor, its batch opens again, people
    are told."""
    from . import gold  # it asks this module to void looks
    from .handover import open_editing  # handover makes hidden looks, and this module belongs to them

    asset, lot = look.asset, look.lot
    is_here = asset.state == AssetState.AUTO_APPROVED
    if is_here:
        open_editing(asset, EditReason.SAMPLE_REJECTED, "Rejected in review.", base_run=look.task.run)
    if not DeliveryItem.objects.filter(rendition__asset=asset, delivery__handed_over_at__isnull=False).exists():
        return  # found in time; a delivery that waited was called back when the photo moved
    if is_here:
        batch = Batch.objects.get(pk=asset.batch_id)
        note = "A photo that was delivered has to be replaced."
        batch_state.move(batch, BatchState.PROCESSING, allowed_from=[BatchState.DELIVERED], note=note)
    if lot is not None:
        count_escape(lot)
    gold.keep_escape(look)
    text = f"{asset.filename} of {asset.batch.name} left with a defect and was found afterwards. It is with an editor."
    scopes.raise_alarm(AlarmKind.ESCAPED, f"asset:{asset.pk}", text, scope=lot.scope if lot else None, lot=lot)


def count_escape(lot: Lot) -> None:
    """Add a known escape to a lot's record. It was there when the bound was made, so the bound doesn't move."""
    lot.record = {**lot.record, "escaped": lot.record.get("escaped", 0) + 1}
    lot.save(update_fields=["record"])


def has_left(lot: Lot) -> bool:
    """Say whether a photo of the lot is in a delivery that was handed over."""
    photos = lot.places.values("asset_id")
    left = DeliveryItem.objects.filter(delivery__handed_over_at__isnull=False)
    return left.filter(rendition__asset_id__in=photos).exists()


def void_looks(reviewer: User, since: object) -> int:
    """Void a reviewer's looks at lots since `since` and ask for them again. Returns how many (section 6).

    A lot that was released with them is open again, or, when it has left, looked at again; it proves nothing now.
    """
    kinds = [LookKind.FIRST, LookKind.SECOND, LookKind.AGAIN]
    looks = Look.objects.filter(reviewer=reviewer, kind__in=kinds, is_void=False, judged_at__gte=since)
    touched: dict[int, list[int]] = {}
    for look in looks.exclude(verdict="").order_by("pk"):
        touched.setdefault(look.lot_id or 0, []).append(look.asset_id)
    done = looks.exclude(verdict="").update(is_void=True)
    # What hangs on a void flag is void too: it will be asked about the new one.
    Look.objects.filter(of__is_void=True, is_void=False).update(is_void=True)
    for lot_id, asset_ids in touched.items():
        lot = Lot.objects.select_for_update().get(pk=lot_id)
        if lot.state != LotState.RELEASED:
            continue
        scopes.forget_lots(scopes.locked(lot.scope_id), {lot.pk})
        if has_left(lot):
            ask_places(lot, asset_ids)
            continue
        for delivery in recalls.holding(list(lot.places.values_list("asset_id", flat=True)), [DeliveryState.WAITING]):
            recalls.take_back(delivery, reason=f"Lot {lot.number} isn't proven any more.", only_waiting=True)
        lot.state, lot.closed_at, lot.record = LotState.OPEN, None, {}
        lot.why = "Open again: some of its looks don't count any more."
        lot.save(update_fields=["state", "closed_at", "record", "why"])
        audit.record("lot.reopened", lot, note=lot.why)
    return done
