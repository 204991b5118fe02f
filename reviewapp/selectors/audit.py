"""Reading the audit log."""

from __future__ import annotations

from collections.abc import Collection

from django.db import connection
from django.db.models import QuerySet

from reviewapp.models import AuditEvent

READ = "audit.viewed"
_TABLE = AuditEvent._meta.db_table
# From each verb the index leads to the next one: as many steps as there are verbs. DISTINCT reads it from end to end.
_VERBS = f"""
WITH RECURSIVE found(verb) AS (
    SELECT min(verb) FROM {_TABLE}
    UNION ALL
    SELECT (SELECT min(verb) FROM {_TABLE} WHERE verb > found.verb) FROM found WHERE found.verb IS NOT NULL
)
SELECT verb FROM found WHERE verb IS NOT NULL"""


def events(
    *,
    batch_id: int | None = None,
    asset_id: int | None = None,
    actor_ids: Collection[int] | None = None,
    verb: str = "",
    known: Collection[str] | None = None,
) -> QuerySet[AuditEvent]:
    """Events, newest first, narrowed by what is given; `verb` is a whole verb, or a noun for all that begin with it.

    `known` are the verbs of the log, read where they aren't given.

    That somebody read the log is listed only where it is asked for by `verb`: it would stand between all else.
    """
    found = AuditEvent.objects.select_related("actor").order_by("-id")
    if not verb:
        found = found.exclude(verb=READ)
    if batch_id is not None:
        found = found.filter(batch_id=batch_id)
    if asset_id is not None:
        found = found.filter(asset_id=asset_id)
    if actor_ids is not None:
        found = found.filter(actor_id__in=list(actor_ids))
    if verb:
        # As whole verbs: by its beginning alone no index finds one on every database.
        nouns = () if "." in verb else verbs() if known is None else known
        found = found.filter(verb__in=[one for one in nouns if one.startswith(f"{verb}.")] or [verb])
    return found


def verbs() -> list[str]:
    """Every verb in the log, for the filter; one query, a step in the index for each."""
    with connection.cursor() as cursor:
        cursor.execute(_VERBS)
        return [row[0] for row in cursor.fetchall()]
