"""Writing the audit log (OBS-24)."""

from __future__ import annotations

from typing import Any

from django.db import models

from reviewapp.models import Asset, AuditEvent, Batch


def record(
    verb: str,
    target: models.Model | None,
    *,
    actor: Any = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    note: str = "",
) -> AuditEvent:
    """Append one event about `target`. Its batch and asset are taken from it, so their pages can list the event.

    With no target the event is about what its verb begins with: a list that was read, a name nobody has.
    """
    asset = target if isinstance(target, Asset) else getattr(target, "asset", None)
    # By id where there is one: reading the batch itself would be a query for every event of a photo.
    batch_id = target.pk if isinstance(target, Batch) else getattr(target, "batch_id", None)
    return AuditEvent.objects.create(
        actor=actor if getattr(actor, "is_authenticated", False) else None,
        verb=verb,
        noun=(target._meta.model_name or "") if target is not None else verb.split(".")[0],
        object_id=str(target.pk or "") if target is not None else "",
        batch_id=batch_id or getattr(asset, "batch_id", None),
        asset_id=asset.pk if asset is not None else None,
        before=before or {},
        after=after or {},
        note=note[:500],
    )
