"""Keyset paging: a page costs the same however deep it lies, and rows that arrive meanwhile move nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """Rows newest first; `next_cursor` is empty on the last page."""

    rows: list[M]
    next_cursor: str


def keyset(rows: QuerySet[M, Any], cursor: str, size: int) -> Page[M]:
    """Return the `size` rows of a queryset ordered by falling primary key that come after `cursor`, in one query."""
    if cursor.isdecimal():
        rows = rows.filter(pk__lt=int(cursor))
    found = list(rows[: size + 1])
    return Page(found[:size], str(found[size - 1].pk) if len(found) > size else "")
