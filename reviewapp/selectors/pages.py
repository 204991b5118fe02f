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

from reviewapp.policies.numbers import whole

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """One page of rows; `next_cursor` is empty on the last page."""

    rows: list[M]
    next_cursor: str


def keyset(rows: QuerySet[M, Any], cursor: str, size: int) -> Page[M]:
    """Return the `size` rows of a queryset ordered by falling primary key that come after `cursor`, in one query."""
    if (after := whole(cursor)) is not None:
        rows = rows.filter(pk__lt=after)
    found = list(rows[: size + 1])
    return Page(found[:size], str(found[size - 1].pk) if len(found) > size else "")


def keyset_by(rows: QuerySet[M, Any], order: Sequence[str], cursor: str, size: int) -> Page[M]:
    """Return the `size` rows in the order of `order` that come after `cursor`, in one query.

    `order` names fields or annotations that are never null, the last of them unique; "-name" falls. A cursor that makes
    no sense gives the first page.
    """
    try:
        values = json.loads(cursor or "[]")
    except (ValueError, RecursionError):
        values = []
    return _page(rows, order, values, size)


def _page(rows: QuerySet[M, Any], order: Sequence[str], values: Any, size: int) -> Page[M]:
    ordered = rows.order_by(*order)
    try:
        found = list(_after(ordered, order, values)[: size + 1])
    except (ValueError, TypeError, OverflowError, RecursionError, ValidationError):
        found = list(ordered[: size + 1])
    if len(found) <= size:
        return Page(found, "")
    return Page(found[:size], _cursor([getattr(found[size - 1], name.removeprefix("-")) for name in order]))


def _cursor(values: list[Any]) -> str:
    return json.dumps(values, cls=MicrosecondEncoder, separators=(",", ":"))


def keyset_through(parts: Sequence[QuerySet[M, Any]], order: Sequence[str], cursor: str, size: int) -> Page[M]:
    """Return the `size` rows that come after `cursor` in several lists one after the other, each in rising `order`.

    One query for each list the page touches: each walks its own index, where one list of them all would be sorted.
    """
    at, after = _part(cursor, len(parts))
    found: list[M] = []
    for n, rows in enumerate(parts):
        if n < at:
            continue
        if len(found) == size:
            if rows.exists():
                return Page(found, _cursor([n]))
            continue
        page = _page(rows, order, after if n == at else [], size - len(found))
        found += page.rows
        if page.next_cursor:
            return Page(found, _cursor([n, *json.loads(page.next_cursor)]))
    return Page(found, "")


def _part(cursor: str, parts: int) -> tuple[int, list[Any]]:
    """In which list a cursor goes on and after what in there; the very beginning where it makes no sense."""
    try:
        at, *after = json.loads(cursor or "[0]")
        return (at, after) if type(at) is int and 0 <= at < parts else (0, [])
    except (ValueError, TypeError, RecursionError):
        return 0, []


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
