"""Opening a batch, filling it, closing it: the front door of the line."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from processing.intake import PROFILES, strictest
from processing.params import ChannelSpec
from reviewapp.enums import BatchState
from reviewapp.models import Batch, BatchCategoryPreset, BatchChannel, CategoryRule, Channel, Client, PresetVersion

from . import audit, batch_state, batches, chance
from .archives import MAX_SHEET_BYTES, PackedSheet, expand_zip, is_litter, sheet_in
from .clients import free_slug
from .csv_rows import CsvRow, find_row, read_csv, read_csv_bytes, read_rows_json
from .refusals import BatchClosed, IngestRefused
from .sheets import Standing, standing
from .uploads import SHEET_SUFFIXES, SUFFIXES, UploadResult, attach_rows, display_path, register_upload

__all__ = [
    "MAX_SHEET_BYTES",
    "SHEET_SUFFIXES",
    "SUFFIXES",
    "BatchClosed",
    "CsvRow",
    "IngestRefused",
    "PackedSheet",
    "Standing",
    "UploadResult",
    "attach_rows",
    "close_batch",
    "create_batch",
    "display_path",
    "ensure_client",
    "expand_zip",
    "find_row",
    "is_litter",
    "newest_channels",
    "read_csv",
    "read_csv_bytes",
    "read_rows_json",
    "register_upload",
    "sheet_in",
    "standing",
]


def newest_channels() -> dict[str, Channel]:
    """The newest version of every channel, by key: what a new batch may choose from."""
    newest: dict[str, Channel] = {}
    for channel in Channel.objects.order_by("key", "-version"):
        newest.setdefault(channel.key, channel)
    return newest


def ensure_client(name: str, actor: Any = None) -> Client:
    """Return the client of that name (case doesn't matter), made if needed. Raises IngestRefused for an empty name."""
    plain = " ".join(name.split())[:120]
    if not plain:
        raise IngestRefused(_("The client needs a name."), code="name")
    found = Client.objects.filter(name__iexact=plain).first()
    if found is not None:
        return found
    with transaction.atomic():
        client, is_new = Client.objects.get_or_create(name=plain, defaults={"slug": free_slug(plain)})
        if is_new:
            audit.record("client.created", client, actor=actor, after={"name": plain})
    return client


def create_batch(
    client: Client,
    name: str,
    *,
    preset_version: PresetVersion,
    channel_keys: Sequence[str],
    actor: Any = None,
    validation_profile: str = "",
    requires_sku: bool = False,
    priority: int = 5,
    is_demo: bool = False,
    first_share: float | None = None,
    is_pilot: bool = False,
) -> Batch:
    """Open a batch for uploads: it pins its preset version, its channels in order, and the seed of its samples.
    Who makes it owns it (REV-13).

    A category whose rule names a preset is done with that preset's version current now (PRE-04), not with the batch's.
    The first channel is the one photos are framed and scored for. Without a profile the client's is taken, else the
    strictest any of the channels needs. With `first_share`, 0..1, that part is done and judged before the rest
    (SMP-06). Of a pilot people look at every photo (SMP-05). Raises IngestRefused for an unknown or missing channel,
    profile or priority, with what can be chosen, and for a share that is none.
    """
    channels = _choose_channels(channel_keys)
    profile = validation_profile or client.validation_profile
    profile = profile or strictest(
        [ChannelSpec.from_dict(channel.spec).on(timezone.localdate()) for channel in channels]
    )
    _check(profile, priority, name, first_share)
    seed = chance.seed()
    maker = actor if getattr(actor, "is_authenticated", False) else None
    with transaction.atomic():
        batch = Batch.objects.create(
            client=client,
            name=name.strip()[:160],
            preset_version=preset_version,
            validation_profile=profile,
            requires_sku=requires_sku,
            priority=priority,
            is_demo=is_demo,
            first_share=first_share,
            is_pilot=is_pilot,
            sample_seed=seed,
            sample_seed_hash=hashlib.sha256(bytes.fromhex(seed)).hexdigest(),
            created_by=maker,
            owner=maker,
        )
        BatchChannel.objects.bulk_create(
            [BatchChannel(batch=batch, channel=channel, position=at) for at, channel in enumerate(channels)]
        )
        audit.record("batch.created", batch, actor=actor, after=_ordered(batch, channels))
    return batch


def _ordered(batch: Batch, channels: Sequence[Channel]) -> dict[str, Any]:
    """What the batch keeps to, for the audit log; the presets of categories are pinned here."""
    ordered: dict[str, Any] = {
        "channels": [channel.key for channel in channels],
        "preset_version": batch.preset_version_id,
        "category_presets": _pin_category_presets(batch),
        "profile": batch.validation_profile,
        "sample_seed_hash": batch.sample_seed_hash,
    }
    if batch.first_share is not None:
        ordered["first_share"] = batch.first_share
    if batch.is_pilot:
        ordered["is_pilot"] = True
    return ordered


def _check(profile: str, priority: int, name: str, first_share: float | None) -> None:
    if profile not in PROFILES:
        raise IngestRefused(
            _("There is no validation profile %(profile)s: %(known)s.")
            % {"profile": repr(profile), "known": _known(PROFILES)},
            code="profile",
        )
    if not 1 <= priority <= 10:
        raise IngestRefused(_("Priority %(priority)s is outside 1 to 10.") % {"priority": priority}, code="priority")
    if not name.strip():
        raise IngestRefused(_("The batch needs a name."), code="name")
    if first_share is not None and not 0 < first_share < 1:
        raise IngestRefused(_("A first sample is more than nothing and less than all of a batch."), code="first_share")


def _pin_category_presets(batch: Batch) -> dict[str, int]:
    """Keep the current version of every category's own preset; return the version ids by category."""
    pinned = [
        BatchCategoryPreset(batch=batch, category=rule.category, preset_version=rule.preset.current)
        for rule in CategoryRule.objects.filter(preset__current__isnull=False).select_related("preset__current")
        if rule.preset is not None and rule.preset.current is not None
    ]
    BatchCategoryPreset.objects.bulk_create(pinned)
    return {row.category: row.preset_version_id for row in pinned}


def close_batch(batch: Batch, actor: Any = None) -> bool:
    """End the upload: nothing more is expected, the batch can be completed. False when it was closed before.

    A batch that was paused during its upload stays paused, and goes on as a closed one when it is resumed.
    """
    now = timezone.now()
    with transaction.atomic():
        is_closed = batch_state.move(
            batch, BatchState.PROCESSING, allowed_from=[BatchState.UPLOADING], actor=actor, closed_at=now
        )
        if is_closed:
            batches.refresh(batch.pk)
            return True
        paused = Batch.objects.filter(pk=batch.pk, state=BatchState.PAUSED, closed_at__isnull=True)
        if not paused.update(closed_at=now):
            return False
        batch.closed_at = now
        audit.record("batch.closed", batch, actor=actor, after={"state": str(BatchState.PAUSED)})
    return True


def _choose_channels(keys: Sequence[str]) -> list[Channel]:
    known = newest_channels()
    wanted = list(dict.fromkeys(keys))
    if not wanted:
        raise IngestRefused(
            _("Choose at least one channel: %(known)s.") % {"known": _known(known)}, code="unknown_channel"
        )
    unknown = [key for key in wanted if key not in known]
    if unknown:
        raise IngestRefused(
            _("There is no channel %(value)s: %(known)s.") % {"value": repr(unknown[0]), "known": _known(known)},
            code="unknown_channel",
        )
    return [known[key] for key in wanted]


def _known(names: Any) -> str:
    return "choose from " + ", ".join(sorted(names)) if names else "none is set up yet"
