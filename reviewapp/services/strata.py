"""A stratum done again: what a lot holds of one batch and category goes through the line with the preset before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from reviewapp.enums import AssetState, BatchState, EditReason, LifeState, LotState, Role, Step
from reviewapp.models import Asset, Batch, BatchCategoryPreset, Lot, PresetVersion

from . import assets, audit, batch_state, batches, hidden, runs, scopes
from .handover import open_editing
from .people import require
from .scopes import HoldRefused


@dataclass(frozen=True, slots=True)
class Redone:
    """How many photos go through the line again, and with which preset version."""

    photos: int
    version: PresetVersion


def previous_version(lot: Lot) -> PresetVersion | None:
    """The preset version in use before the one a lot was made with; None when that was the first.

    None that only lost a comparison, or was rolled back: those were never what the client got.
    """
    made = lot.scope.preset_version
    earlier = PresetVersion.objects.filter(preset_id=made.preset_id, number__lt=made.number)
    used = Q(life__activated_at__isnull=False) | Q(Exists(Batch.objects.filter(preset_version=OuterRef("pk"))))
    good = earlier.filter(used).exclude(life__state=LifeState.ROLLED_BACK)
    return good.select_related("preset").order_by("-number").first()


def reprocess(lot_id: int, actor: Any) -> Redone:
    """Do a stopped lot again with the previous preset; its batches keep that version for the category (RTE-12).

    What reviewers found stays with the editors. Raises NotAllowed, HoldRefused.
    """
    require(actor, Role.MANAGER, to=_("reprocess a lot"))
    with transaction.atomic():
        lot = _stopped(lot_id)
        version = previous_version(lot)
        if version is None:
            raise HoldRefused(_("There is no earlier version of this preset. Hand the lot to editors instead."))
        photos = _photos(lot)
        for batch_id in {photo.batch_id for photo in photos}:
            BatchCategoryPreset.objects.update_or_create(
                batch_id=batch_id, category=lot.scope.category, defaults={"preset_version": version}
            )
        for photo in photos:
            _again(photo, version, actor)
        _give_up(lot, f"{len(photos)} photos are done again with {version}.")
        audit.record("lot.reprocessed", lot, actor=actor, after={"photos": len(photos), "preset": str(version)})
        scopes.close_alarms(actor, f"Done again with {version}.", key=f"lot:{lot.pk}")
        _reopen(photos)
    return Redone(len(photos), version)


def hand_to_editors(lot_id: int, actor: Any) -> int:
    """Give every photo of a stopped lot to editors instead. Returns how many. Raises NotAllowed, HoldRefused."""
    require(actor, Role.MANAGER, to=_("hand a lot to editors"))
    with transaction.atomic():
        lot = _stopped(lot_id)
        photos = _photos(lot)
        for photo in photos:
            open_editing(photo, EditReason.SAMPLE_REJECTED, "Its lot failed its sample.", photo.current_run, actor)
        _give_up(lot, f"{len(photos)} photos went to editors.")
        audit.record("lot.to_editors", lot, actor=actor, after={"photos": len(photos)})
        scopes.close_alarms(actor, "With editors.", key=f"lot:{lot.pk}")
        _reopen(photos)
    return len(photos)


def _stopped(lot_id: int) -> Lot:
    rows = Lot.objects.select_for_update(of=("self",)).select_related("scope__preset_version__preset")
    lot = rows.get(pk=lot_id)
    if lot.state not in (LotState.HELD, LotState.REDO) or lot.closed_at is not None:
        raise HoldRefused(_("This lot isn't on hold any more."))
    return lot


def _photos(lot: Lot) -> list[Asset]:
    places = lot.places.filter(asset__state=AssetState.AUTO_APPROVED).select_related("asset__current_run")
    return [place.asset for place in places.order_by("pk")]


def _again(photo: Asset, version: PresetVersion, actor: Any) -> None:
    attempt = photo.attempt + 1
    assets.move(
        photo,
        AssetState.REDO,
        reason=f"Done again with {version}: its lot failed its sample.",
        actor=actor,
        attempt=attempt,
        sample_block=None,
        own_preset=None,  # what was chosen for this photo alone failed with the rest
    )
    runs.create_task(photo, Step.PROCESS, f"process:{photo.pk}:a{attempt}", args={"attempt": attempt})


def _give_up(lot: Lot, why: str) -> None:
    """The lot ends here: its looks are withdrawn, and its photos come again in another one."""
    lot.state, lot.why = LotState.REDO, why
    lot.closed_at = timezone.now()
    lot.save(update_fields=["state", "why", "closed_at"])
    hidden.withdraw(list(lot.looks.filter(verdict="", is_void=False)))
    lot.places.filter(asset__state=AssetState.REDO).delete()


def _reopen(photos: list[Asset]) -> None:
    for batch in Batch.objects.filter(pk__in={photo.batch_id for photo in photos}):
        note = "Photos of this batch are back in the line."
        going = [BatchState.DELIVERED, BatchState.READY, BatchState.REVIEW]
        batch_state.move(batch, BatchState.PROCESSING, allowed_from=going, note=note)
        batches.refresh(batch.pk)
