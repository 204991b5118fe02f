"""Reading what is sealed, what waits to be sealed, and what came in late (docs/security.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, models
from django.utils import timezone

from reviewapp.models import AuditEvent, AuditSeal, ReviewDecision
from reviewapp.policies import sealing

STREAMS: Mapping[str, type[models.Model]] = {"events": AuditEvent, "decisions": ReviewDecision}
"""Append-only tables under the seal, by the name seals call them."""
LATE_S = 3600
"""So long after a seal a row with an id inside it is a transaction that took long; after that, a forgery."""
LOOKED_BACK = 200
"""At most so many seals are counted again in each round."""
IMPLAUSIBLE = timedelta(days=1)
"""A row dated further ahead comes from a wrong clock and doesn't hold the others up."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the audit log is sealed: up to which event, when, and by which seal. Zeros before the first."""

    last_id: int = 0
    number: int = 0
    made_at: datetime | None = None


def standing() -> Standing:
    """Where the newest seal of the audit log stands."""
    found = AuditSeal.objects.filter(stream="events").order_by("-number").values_list("last_id", "number", "made_at")
    first = found.first()
    return Standing(*first) if first else Standing()


def layout_of(model: type[models.Model]) -> list[str]:
    """Every column of a table by name; a column added later changes no hash made before."""
    return [field.attname for field in model._meta.concrete_fields]


def rows(model: type[models.Model], layout: Sequence[str], **narrowed: Any) -> models.QuerySet[Any, tuple[Any, ...]]:
    """The columns of `layout` in the order of ids."""
    return model._default_manager.filter(**narrowed).order_by("pk").values_list(*layout)


def horizon() -> datetime:
    """When the oldest open transaction that has written anything began, or now: rows after that may still be missing.

    SQLite has one writer at a time, so ids and commits come in one order there.
    """
    now = timezone.now()
    if connection.vendor != "postgresql":
        return now
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(xact_start) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND backend_xid IS NOT NULL"
        )
        (oldest,) = cursor.fetchone() or (None,)
    return min(now, oldest) if oldest else now


def settled(stream: str, after_id: int, until: datetime, most: int) -> list[tuple[Any, ...]]:
    """The next rows that nothing with a lower id can precede any more, at most `most`."""
    model = STREAMS[stream]
    layout = layout_of(model)
    when = layout.index("created_at")
    found = list(rows(model, layout, pk__gt=after_id)[:most])
    ahead = timezone.now() + IMPLAUSIBLE
    while found and until < found[-1][when] <= ahead:
        found.pop()
    return found


def latecomers(stream: str) -> list[int]:
    """Ids inside lately sealed ranges that no seal holds. Few questions as long as there are none."""
    lately = AuditSeal.objects.filter(stream=stream, made_at__gte=timezone.now() - timedelta(seconds=LATE_S))
    recent = list(lately.order_by("-number").values_list("after_id", "last_id", "is_late", "count")[:LOOKED_BACK])
    ranges = [(after, last, count) for after, last, is_late, count in recent if not is_late]
    if not ranges:
        return []
    low, high = min(row[0] for row in ranges), max(row[1] for row in ranges)
    inside = STREAMS[stream]._default_manager.filter(pk__gt=low, pk__lte=high)
    known = sum(row[2] for row in ranges)
    has_late = any(row[2] for row in recent)
    if not has_late and inside.count() <= known:
        return []
    return sorted(set(inside.values_list("pk", flat=True)) - held(stream, low))


def held(stream: str, low: int) -> set[int]:
    """Ids above `low` that seals hold, late ones included."""
    found: set[int] = set()
    for members in AuditSeal.objects.filter(stream=stream, last_id__gt=low).values_list("members", flat=True):
        found |= {pk for pk in sealing.unpack(bytes(members)) if pk > low}
    return found


def late_ids(stream: str) -> set[int]:
    """Ids that late seals hold."""
    found: set[int] = set()
    for members in AuditSeal.objects.filter(stream=stream, is_late=True).values_list("members", flat=True):
        found |= set(sealing.unpack(bytes(members)))
    return found


def facts(seal: AuditSeal) -> dict[str, Any]:
    """What a seal's digest is taken of: all it says but the digest itself."""
    return {
        "number": seal.number,
        "stream": seal.stream,
        "layout": seal.layout,
        "after_id": seal.after_id,
        "last_id": seal.last_id,
        "is_late": seal.is_late,
        "count": seal.count,
        "members": bytes(seal.members).hex(),
        "leaves": seal.leaves,
        "previous": seal.previous,
        "key_id": seal.key_id,
        "made_at": seal.made_at,
    }


def seals() -> Iterator[AuditSeal]:
    """Every seal in order, a few at a time."""
    return AuditSeal.objects.order_by("number").iterator(chunk_size=50)
