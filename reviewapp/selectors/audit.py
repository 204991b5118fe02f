"""Reading the audit log."""

from __future__ import annotations

from django.db.models import QuerySet

from reviewapp.models import AuditEvent

READ = "audit.viewed"


def events(
    *, batch_id: int | None = None, asset_id: int | None = None, actor_id: int | None = None, verb: str = ""
) -> QuerySet[AuditEvent]:
    """Events, newest first, narrowed by what is given; `verb` matches a whole verb or a noun before its dot.

    That somebody read the log is listed only where it is asked for by `verb`: it would stand between all else.
    """
    found = AuditEvent.objects.select_related("actor").order_by("-id")
    if not verb:
        found = found.exclude(verb=READ)
    if batch_id is not None:
        found = found.filter(batch_id=batch_id)
    if asset_id is not None:
        found = found.filter(asset_id=asset_id)
    if actor_id is not None:
        found = found.filter(actor_id=actor_id)
    if verb:
        found = found.filter(verb=verb) if "." in verb else found.filter(verb__startswith=f"{verb}.")
    return found


def verbs() -> list[str]:
    """Every verb in the log, for the filter."""
    return list(AuditEvent.objects.order_by("verb").values_list("verb", flat=True).distinct())
