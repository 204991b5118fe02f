"""The one door through which a batch changes state: a conditional UPDATE and its audit row."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from reviewapp.enums import BatchState
from reviewapp.models import Batch

from . import audit

HELD_REASON_CHARS = 300


def move(
    batch: Batch,
    target: BatchState,
    *,
    allowed_from: Collection[BatchState],
    actor: Any = None,
    note: str = "",
    **fields: Any,
) -> bool:
    """Move `batch` to `target` when it is in one of `allowed_from`; False (nothing written) when it isn't.

    Call inside the transaction of the change it belongs to. `batch` is updated in place when it moved.
    """
    before = batch.state
    changes: dict[str, Any] = {"state": target, **fields}
    if not Batch.objects.filter(pk=batch.pk, state__in=allowed_from).update(**changes):
        return False
    for name, value in changes.items():
        setattr(batch, name, value)
    audit.record(
        "batch.moved", batch, actor=actor, before={"state": before}, after={"state": str(target)}, note=note[:500]
    )
    return True
