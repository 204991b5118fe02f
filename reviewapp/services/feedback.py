"""What clients say after delivery: complaints about photos, and the share of goods that came back (FBK-06, FBK-07)."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from reviewapp.enums import AlarmKind, LotState, RejectReason, Role
from reviewapp.models import Asset, Client, Complaint, DeliveryItem, Lot, LotPlace, ReturnRate

from . import audit, retro, scopes
from .people import require

MAX_NOTE = 500


class FeedbackRefused(ValueError):
    """What was said can't be kept so; the message is for the person."""


def complain(asset: Asset, *, reason: str, note: str, received_on: date | None, actor: Any) -> Complaint:
    """Log a complaint against a photo. Of a lot that was released it is an escape and counts as one.

    It is no random sample, so it moves no bound and no watch; a lot still on its way takes it as a find (f2 when the
    photo is taken out). Raises NotAllowed, FeedbackRefused.
    """
    require(actor, Role.MANAGER, to=_("log a complaint"))
    words = note.strip()
    if not words:
        raise FeedbackRefused(_("Say what the client complained about."))
    if len(words) > MAX_NOTE:
        raise FeedbackRefused(
            _("The note has %(words)s characters; %(max_note)s fit.") % {"words": len(words), "max_note": MAX_NOTE}
        )
    if reason and reason not in RejectReason.values:
        raise FeedbackRefused(_("Choose one of the reasons, or none."))
    day = received_on or timezone.localdate()
    if day > timezone.localdate():
        raise FeedbackRefused(_("The day is in the future."))
    with transaction.atomic():
        place = LotPlace.objects.filter(asset=asset).select_related("lot").order_by("-lot_id").first()
        lot = Lot.objects.select_for_update().get(pk=place.lot_id) if place else None
        left = DeliveryItem.objects.filter(delivery__handed_over_at__isnull=False)
        has_left = left.filter(rendition__asset=asset).exists()
        said = Complaint.objects.create(
            client=asset.batch.client, asset=asset, lot=lot, reason=reason, note=words, received_on=day,
            was_delivered=has_left, logged_by=actor if getattr(actor, "is_authenticated", False) else None,
        )  # fmt: skip
        audit.record("complaint.logged", said, actor=actor, after={"reason": reason, "delivered": has_left}, note=words)
        if lot is not None and lot.state == LotState.RELEASED:
            retro.count_escape(lot)
        text = f"{asset.batch.client.name} complained about {asset.filename}: {words}"
        scopes.raise_alarm(AlarmKind.ESCAPED, f"complaint:{said.pk}", text, scope=lot.scope if lot else None, lot=lot)
    return said


def record_returns(
    client: Client, *, starts_on: date, ends_on: date, sold: int, returned: int, is_before: bool, note: str, actor: Any
) -> ReturnRate:
    """Keep what share of a client's goods came back in a period. Raises NotAllowed, FeedbackRefused."""
    require(actor, Role.MANAGER, to=_("record returns"))
    if ends_on < starts_on:
        raise FeedbackRefused(_("The period ends before it starts."))
    if sold < 1 or not 0 <= returned <= sold:
        raise FeedbackRefused(_("Returned goods are between 0 and those sold."))
    with transaction.atomic():
        row = ReturnRate.objects.create(
            client=client, starts_on=starts_on, ends_on=ends_on, sold=sold, returned=returned, is_before=is_before,
            note=note.strip()[:200], logged_by=actor if getattr(actor, "is_authenticated", False) else None,
        )  # fmt: skip
        audit.record("returns.recorded", row, actor=actor, after={"sold": sold, "returned": returned})
    return row
