"""Finding photos: by client, batch, SKU, category, state and score, a page at a time (ING-18, CLS-03, SCH-23)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from reviewapp.models import Asset

PAGE_SIZE = 60


@dataclass(frozen=True, slots=True)
class AssetFilter:
    """What to look for; empty means anything. Scores are compared with the run in force, `max_score` is exclusive."""

    client_id: int | None = None
    batch_id: int | None = None
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
        "batch__client_id": wanted.client_id,
        "batch_id": wanted.batch_id,
        "sku__iexact": wanted.sku or None,
        "category": wanted.category or None,
        "state_code": wanted.state_code or None,
        "current_run__quality__total__gte": wanted.min_score,
        "current_run__quality__total__lt": wanted.max_score,
    }
    found = Asset.objects.filter(**{name: value for name, value in exact.items() if value is not None})
    if wanted.states:
        found = found.filter(state__in=list(wanted.states))
    if wanted.text:
        words = wanted.text
        found = found.filter(
            Q(relative_path__icontains=words) | Q(sku__icontains=words) | Q(asin__iexact=words)
            | Q(description__icontains=words) | Q(shoot_group__iexact=words)
        )  # fmt: skip
    return found.order_by("id")


def page(wanted: AssetFilter, after: int | None = None, limit: int = PAGE_SIZE) -> AssetPage:
    """One page of matching photos with batch, run and score, in one query. `after` is the last id seen."""
    found = matching(wanted).select_related("batch__client", "current_run__quality", "duplicate_of")
    if after is not None:
        found = found.filter(pk__gt=after)
    rows = list(found[: limit + 1])
    shown = rows[:limit]
    return AssetPage(shown, shown[-1].pk if len(rows) > limit else None)


def categories() -> dict[str, int]:
    """Every category in use with its number of photos, for the filter."""
    found = Asset.objects.exclude(category="").order_by().values("category").annotate(n=Count("pk"))
    return {row["category"]: row["n"] for row in found.order_by("category")}


def product_views(asset: Asset) -> QuerySet[Asset]:
    """All views of the same product in the batch, this one included (ING-20): one SKU, many angles."""
    if not asset.sku:
        return Asset.objects.filter(pk=asset.pk)
    return Asset.objects.filter(batch_id=asset.batch_id, sku=asset.sku).order_by("id")
