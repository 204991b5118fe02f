"""Finding photos: by client, batch, SKU, category, state and score, a page at a time (ING-18, CLS-03, SCH-23)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Upper

from reviewapp.models import Asset, Batch
from reviewapp.policies.numbers import whole
from reviewapp.selectors import tallies
from reviewapp.selectors.access import Clients, batches_within, clients_of, within

PAGE_SIZE = 60
SEARCHED = ("relative_path", "sku", "asin", "description", "shoot_group")
WIDE = (
    "exif", "intake_checks", "findings", "current_run__params", "current_run__timings", "current_run__findings",
    "current_run__recipe", "current_run__quality__measures", "current_run__quality__checks",
    "current_run__quality__gates", "current_run__quality__failures", "current_run__quality__label_map",
    "current_run__quality__colour_map",
)  # fmt: skip
"""What a list of photos doesn't show: most of a row's bytes."""
MOST_BATCHES = 50
"""Batches of one name that are searched: the newest."""
SHORTEST = 3
"""Letters of the shortest piece that is found in the middle of a word."""


@dataclass(frozen=True, slots=True)
class AssetFilter:
    """What to look for; empty means anything. Scores are compared with the run in force, `max_score` is exclusive.

    `clients` are those that whoever looks may see, None for all; `batch_ids` are batches, None for all of them.
    """

    clients: Clients = None
    client_id: int | None = None
    batch_ids: Sequence[int] | None = None
    sku: str = ""
    category: str = ""
    states: Collection[str] = ()
    state_code: str = ""
    min_score: float | None = None
    max_score: float | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class AssetPage:
    """Photos in the order they arrived. `next_after` is the cursor of the next page, None on the last."""

    assets: list[Asset]
    next_after: int | None


def matching(wanted: AssetFilter) -> QuerySet[Asset]:
    """Photos that fit every given condition, oldest first."""
    exact = {
        "category": wanted.category or None,
        "state_code": wanted.state_code or None,
        "current_run__quality__total__gte": wanted.min_score,
        "current_run__quality__total__lt": wanted.max_score,
    }
    found = Asset.objects.filter(**{name: value for name, value in exact.items() if value is not None})
    if wanted.client_id is not None:
        # As ids: a join would be walked through from the first photo of all to the client's first.
        found = found.filter(batch_id__in=list(_batches_of(wanted.client_id)))
    if wanted.batch_ids is not None:
        found = found.filter(batch_id__in=list(wanted.batch_ids))
    if wanted.clients is not None:
        found = found.filter(batch_id__in=batches_within(wanted.clients))
    if wanted.sku:
        found = found.alias(sku_upper=Upper("sku")).filter(sku_upper=Upper(Value(wanted.sku)))
    if wanted.states:
        found = found.filter(state__in=list(wanted.states))
    if wanted.text:
        found = found.filter(_with_words(wanted.text))
    # Photos of some batches may all lie at the end: by the bare id the database would walk there from the first one.
    # A single batch has an index in this order.
    several = wanted.batch_ids is not None and len(wanted.batch_ids) > 1
    return found.order_by(F("id") + 0 if several else "id")


def batches_called(words: str, clients: Clients) -> list[int]:
    """Batches meant by a number or a part of a name, the newest first, MOST_BATCHES + 1 at most. One query.

    A number that one of them has means that one alone.
    """
    number = whole(words) or 0
    named = within(Batch.objects.filter(Q(pk=number) | Q(name__icontains=words)), clients, "client")
    exact = Case(When(pk=number, then=0), default=1, output_field=IntegerField())
    found = list(named.order_by(exact, "-pk").values_list("pk", flat=True)[: MOST_BATCHES + 1])
    return found[:1] if found and found[0] == number else found


def _batches_of(client_id: int) -> QuerySet[Batch, int]:
    return Batch.objects.filter(client_id=client_id).order_by().values_list("pk", flat=True)


def _with_words(words: str) -> Q:
    """The letters anywhere in file, SKU, ASIN, description or shoot group, in any case.

    One or two letters must begin a word: a shorter piece than three is in no index.
    """
    if _has_fts5():
        phrase = '"{}"'.format(words.replace('"', '""'))
        if len(words) >= SHORTEST:
            return Q(pk__in=RawSQL("SELECT rowid FROM asset_words WHERE asset_words MATCH %s", [phrase]))
        return Q(pk__in=RawSQL("SELECT rowid FROM asset_starts WHERE asset_starts MATCH %s", [f"{phrase}*"]))
    found = Q()
    for column in SEARCHED:
        if len(words) >= SHORTEST:
            found |= Q(**{f"{column}__icontains": words})
        else:
            found |= Q(**{f"{column}__istartswith": words}) | Q(**{f"{column}__icontains": f" {words}"})
    return found


@cache
def _has_fts5() -> bool:
    """Whether SQLite holds the search tables (migrations/_counted.py); asked once per process."""
    return connection.vendor == "sqlite" and "asset_words" in connection.introspection.table_names()


def page(wanted: AssetFilter, after: int | None = None, limit: int = PAGE_SIZE) -> AssetPage:
    """One page of matching photos with batch, run and score, in one query. `after` is the last id seen."""
    found = matching(wanted)
    if after is not None:
        found = found.filter(pk__gt=after)
    # The ids first: they are sorted and walked in an index alone, and only the page's own rows are read in full.
    details = Asset.objects.select_related("batch__client", "current_run__quality").defer(*WIDE)
    rows = list(details.filter(pk__in=found.values("pk")[: limit + 1]).order_by("id"))
    shown = rows[:limit]
    return AssetPage(shown, shown[-1].pk if len(rows) > limit else None)


def categories(user: Any) -> dict[str, int]:
    """Every category in use with its number of photos, of those `user` may see, for the filter."""
    clients = clients_of(user)
    if clients is None:
        return tallies.totals("category")
    photos = Asset.objects.filter(batch_id__in=batches_within(clients)).exclude(category="").order_by("category")
    return dict(photos.values_list("category").annotate(n=Count("pk")))


def product_views(asset: Asset) -> QuerySet[Asset]:
    """All views of the same product in the batch, this one included (ING-20): one SKU, many angles."""
    if not asset.sku:
        return Asset.objects.filter(pk=asset.pk)
    return Asset.objects.filter(batch_id=asset.batch_id, sku=asset.sku).order_by("id")
