"""What failed in a batch by the four failure categories, and which of it a retry can help (OBS-22, SCH-22)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from reviewapp.enums import AssetState, FailureCategory, TaskState
from reviewapp.models import Batch, Task

NAMES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class CategoryRow:
    """One category: how many photos failed by it, and the first of their files."""

    category: FailureCategory
    count: int
    names: tuple[str, ...]

    @property
    def unnamed(self) -> int:
        """How many more there are than `names`."""
        return self.count - len(self.names)


def categories_of(batch: Batch) -> dict[int, str]:
    """The category of every photo that failed and may be tried again, by its id."""
    dead = Task.objects.filter(asset__batch=batch, asset__state=AssetState.FAILED, state=TaskState.DEAD)
    rows = dead.exclude(asset__state_code="given_up").order_by("id")
    return {pk: found or FailureCategory.UNKNOWN for pk, found in rows.values_list("asset_id", "error_category")}


def by_category(batch: Batch) -> list[CategoryRow]:
    """The categories that have photos, in the order of the enum."""
    found = categories_of(batch)
    grouped: dict[str, list[int]] = defaultdict(list)
    for pk in sorted(found):
        grouped[found[pk]].append(pk)
    shown = [pk for ids in grouped.values() for pk in ids[:NAMES_SHOWN]]
    names = dict(batch.assets.filter(pk__in=shown).values_list("pk", "relative_path"))
    return [
        CategoryRow(
            category,
            len(grouped[category]),
            tuple(names[pk] for pk in grouped[category][:NAMES_SHOWN] if pk in names),
        )
        for category in FailureCategory
        if category in grouped
    ]
