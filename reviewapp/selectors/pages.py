"""Keyset paging: a page costs the same however deep it lies, and rows that arrive meanwhile move nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model, Q, QuerySet

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """One page of rows; `next_cursor` is empty on the last page."""

    rows: list[M]
    next_cursor: str


def keyset(rows: QuerySet[M, Any], cursor: str, size: int) -> Page[M]:
    """Return the `size` rows of a queryset ordered by falling primary key that come after `cursor`, in one query."""
    if cursor.isdecimal():
        rows = rows.filter(pk__lt=int(cursor))
    found = list(rows[: size + 1])
    return Page(found[:size], str(found[size - 1].pk) if len(found) > size else "")


def keyset_by(rows: QuerySet[M, Any], order: Sequence[str], cursor: str, size: int) -> Page[M]:
    """Return the `size` rows in the order of `order` that come after `cursor`, in one query.

    `order` names fields or annotations that are never null, the last of them unique; "-name" falls. A cursor that makes
    no sense gives the first page.
    """
    ordered = rows.order_by(*order)
    try:
        found = list(_after(ordered, order, json.loads(cursor or "[]"))[: size + 1])
    except (ValueError, TypeError, RecursionError, ValidationError):
        found = list(ordered[: size + 1])
    if len(found) <= size:
        return Page(found, "")
    last = [getattr(found[size - 1], name.removeprefix("-")) for name in order]
    return Page(found[:size], json.dumps(last, cls=MicrosecondEncoder, separators=(",", ":")))


class MicrosecondEncoder(DjangoJSONEncoder):
    """Times to the microsecond: cut to milliseconds, a row would come after itself."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if isinstance(o, datetime) else super().default(o)


def _after(rows: QuerySet[M, Any], order: Sequence[str], values: Any) -> QuerySet[M, Any]:
    if values == []:
        return rows
    if not isinstance(values, list) or len(values) != len(order):
        raise ValueError("A cursor holds one value for each name of the order.")
    beyond, same = Q(), Q()
    for said, value in zip(order, values, strict=True):
        name, beyond_it = _direction(said)
        beyond |= same & Q(**{f"{name}__{beyond_it}": value})
        same &= Q(**{name: value})
    # The first column by itself as well: an index is walked from there.
    name, beyond_it = _direction(order[0])
    return rows.filter(beyond, **{f"{name}__{beyond_it}e": values[0]})


def _direction(said: str) -> tuple[str, str]:
    """A name of an order without its sign, and the comparison that leads on from a value."""
    return said.removeprefix("-"), "lt" if said.startswith("-") else "gt"
