"""Photos the line could not do by itself, which a manager may send through it again with other facts (CLS-17)."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from reviewapp.enums import AssetState, EditReason, EditTaskState
from reviewapp.models import Asset, Batch, EditTask, PresetVersion
from reviewapp.selectors.pages import Page, keyset_by

PAGE = 100
UNCATEGORISED = Q(state=AssetState.EDITING) & Q(
    Exists(
        EditTask.objects.filter(
            asset=OuterRef("pk"),
            state=EditTaskState.OPEN,
            editor__isnull=True,
            reason=EditReason.UNCATEGORISED,
        )
    )
)
"""Given to editors only because nobody knew their category, and taken up by none of them yet."""
# What a senior gave up stays given up: only a person's word brings it back.
FAILED = Q(state=AssetState.FAILED) & ~Q(state_code="given_up")


def exceptions_of(batch: Batch) -> QuerySet[Asset]:
    """Photos of `batch` that failed, or whose category nobody knows."""
    # Both states once more by themselves: the index of batch and state finds them, whatever stands in the OR.
    return batch.assets.filter(FAILED | UNCATEGORISED, state__in=[AssetState.FAILED, AssetState.EDITING])


@dataclass(frozen=True, slots=True)
class ExceptionRow:
    """One photo of the list and the preset version it is done with as things stand."""

    asset: Asset
    version: PresetVersion


@dataclass(frozen=True, slots=True)
class ExceptionPage:
    """One page of the list, in upload order."""

    rows: list[ExceptionRow]
    next_cursor: str


def exception_page(batch: Batch, code: str = "", cursor: str = "") -> ExceptionPage:
    """Read up to PAGE exceptions after `cursor`, of all or of those with `code`; two queries."""
    photos = exceptions_of(batch).select_related("own_preset__preset").defer("exif", "intake_checks", "findings")
    if code:
        photos = photos.filter(state_code=code)
    page: Page[Asset] = keyset_by(photos, ("pk",), cursor, PAGE)
    pinned = batch.category_presets.select_related("preset_version__preset")
    of_category = {row.category: row.preset_version for row in pinned}
    rows = [
        ExceptionRow(asset, asset.own_preset or of_category.get(asset.category, batch.preset_version))
        for asset in page.rows
    ]
    return ExceptionPage(rows, page.next_cursor)
