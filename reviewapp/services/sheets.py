"""What became of a batch's sheet: which of its rows took hold, which name no photo that is here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from reviewapp.enums import AssetState
from reviewapp.models import Asset, Batch, SheetRow
from reviewapp.policies.paths import path_key
from reviewapp.selectors.sheet_rows import choose_row

from .uploads import facts_of

NAMED = 10


@dataclass(frozen=True, slots=True)
class Standing:
    """Rows of a sheet by what became of them: `rows` in all, `applied` to a photo, `unmatched` without one.

    `names` are the first NAMED unmatched files in the sheet's order. The rest (`kept`) name photos that stay as they
    are: their channel files are made already, or the same picture is here under another name.
    """

    rows: int
    applied: int
    unmatched: int
    names: tuple[str, ...]

    @property
    def kept(self) -> int:
        """Rows that name a photo and changed nothing."""
        return self.rows - self.applied - self.unmatched

    @property
    def unnamed(self) -> int:
        """How many more have no photo than `names` says."""
        return self.unmatched - len(self.names)


def standing(batch: Batch, keys: Collection[str] | None = None) -> Standing:
    """Hold the sheet of a batch against its photos, in two queries; with `keys` (path keys) only those of its rows."""
    rows = list(batch.sheet_rows.order_by("id"))
    by_name: dict[str, list[SheetRow]] = defaultdict(list)
    for row in rows:
        by_name[row.name_key].append(row)
    seen: set[int] = set()
    applied: set[int] = set()
    for asset in batch.assets.only("relative_path", "state", "sku", "asin", "category", "shoot_group", "description"):
        key = path_key(asset.relative_path)
        chosen = choose_row(key, by_name.get(key.rsplit("/", 1)[-1], []))
        if chosen is not None:
            seen.add(chosen.pk)
            if _has_taken(asset, chosen):
                applied.add(chosen.pk)
    asked = rows if keys is None else [row for row in rows if row.path_key in keys]
    missing = [row.path_key for row in asked if row.pk not in seen]
    return Standing(len(asked), sum(row.pk in applied for row in asked), len(missing), tuple(missing[:NAMED]))


def _has_taken(asset: Asset, row: SheetRow) -> bool:
    """A row that gives no category leaves the one that was seen, so only what it says counts."""
    said = {name: value for name, value in facts_of(row).items() if value}
    return asset.state != AssetState.DUPLICATE and all(getattr(asset, name) == value for name, value in said.items())
