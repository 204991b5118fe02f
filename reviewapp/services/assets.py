"""The one door through which an asset changes state."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from reviewapp.enums import APPROVED_STATES, RESOLVED_STATES, AssetState
from reviewapp.models import Asset
from reviewapp.policies.transitions import check_transition

from . import audit, recalls


class StateConflict(RuntimeError):
    """Somebody else moved the asset first; nothing was changed. `actual` is its state now."""

    def __init__(self, asset_id: int, expected: str, actual: str) -> None:
        super().__init__(f"Asset {asset_id} is {actual!r}, no longer {expected!r}.")
        self.actual = actual


def move(
    asset: Asset, target: AssetState, *, reason: str = "", code: str = "", actor: Any = None, **fields: Any
) -> Asset:
    """Move `asset` to `target` by a conditional UPDATE, with other `fields`, and write the audit row.

    Raises IllegalTransition when the table forbids it, StateConflict when the row is no longer in `asset.state`.
    Call inside the transaction of the change it belongs to.
    """
    before = asset.state
    check_transition(before, target)
    now = timezone.now()
    changes: dict[str, Any] = {
        "state": target,
        "state_reason": reason[:500],
        "state_code": code[:60],
        "state_changed_at": now,
        "resolved_at": now if target in RESOLVED_STATES else None,
        **fields,
    }
    if not Asset.objects.filter(pk=asset.pk, state=before).update(**changes):
        actual = Asset.objects.values_list("state", flat=True).get(pk=asset.pk)
        raise StateConflict(asset.pk, before, actual)
    for name, value in changes.items():
        setattr(asset, name, value)
    audit.record(
        "asset.moved", asset, actor=actor, before={"state": before}, after={"state": str(target)}, note=reason[:500]
    )
    if before in APPROVED_STATES and target not in APPROVED_STATES:
        recalls.photo_left(asset, reason, actor)
    return asset
