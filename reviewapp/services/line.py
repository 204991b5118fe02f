"""The whole line, paused and resumed by an admin: what runs finishes, nothing new is taken up."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from reviewapp.enums import Role, TaskState
from reviewapp.models import LinePause, Task

from . import audit
from .people import require

REASON_CHARS = 300


def pause(reason: str, actor: Any) -> bool:
    """Stop handing out tasks of any batch. False when it was paused already. Raises NotAllowed."""
    require(actor, Role.ADMIN, to=_("pause the line"))
    kept = reason.strip()[:REASON_CHARS] or "Paused by an admin."
    with transaction.atomic():
        made, is_new = LinePause.objects.get_or_create(only=True, defaults={"reason": kept, "paused_by": actor})
        if is_new:
            audit.record("line.paused", made, actor=actor, note=kept)
    return is_new


def resume(actor: Any) -> bool:
    """Go on; the sweep rings for what waits. False when it wasn't paused. Raises NotAllowed."""
    require(actor, Role.ADMIN, to=_("resume the line"))
    with transaction.atomic():
        found = LinePause.objects.select_for_update().first()
        if found is None:
            return False
        audit.record("line.resumed", found, actor=actor, note=found.reason)
        found.delete()
        # What waited has no bell any more: without this the next one would be up to half a minute away.
        due = Task.objects.filter(state=TaskState.PENDING).order_by("priority", "turn", "id").values("pk")[:500]
        Task.objects.filter(pk__in=list(due.values_list("pk", flat=True))).update(woken_at=None)
    return True
