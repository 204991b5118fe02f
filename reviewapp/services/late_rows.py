"""A sheet that comes when photos are past classification: what it says still counts until their files are made."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from reviewapp.enums import PEOPLE_STATES, AssetState, EditReason
from reviewapp.models import Asset, CategoryRule

from . import assets
from .csv_rows import CsvRow
from .handover import open_editing

STATES = frozenset(
    {
        AssetState.WAITS_FOR_SAMPLE,
        AssetState.QUEUED,
        AssetState.AUTO_APPROVED,
        AssetState.APPROVED,
        *PEOPLE_STATES,
    }
)


def apply_late(asset: Asset, row: CsvRow, actor: Any = None) -> bool:
    """Give a classified photo what the sheet says of it; True when that took hold.

    Its lane stays, with one exception: a category that is always finished by people takes an auto-approved photo back
    to an editor, whatever was made of it (RTE-09). Otherwise a photo whose channel files exist keeps the names they
    were made with.
    """
    facts = {"sku": row.sku, "asin": row.asin, "shoot_group": row.shoot_group, "description": row.description}
    if row.category:
        facts |= {"category": row.category, "category_source": "metadata"}
    if all(getattr(asset, name) == value for name, value in facts.items()):
        return False
    needs_people = (
        asset.state == AssetState.AUTO_APPROVED
        and CategoryRule.objects.filter(category=row.category, always_human=True).exists()
    )
    if not needs_people and asset.renditions.exists():
        return False
    try:
        with transaction.atomic():
            if needs_people:
                why = f"The sheet names it {row.category.replace('_', ' ')}: always finished by a person."
                open_editing(asset, EditReason.ALWAYS_HUMAN, why, base_run=asset.current_run, actor=actor)
            return bool(Asset.objects.filter(pk=asset.pk, state=asset.state).update(**facts))
    except assets.StateConflict:  # a worker or a person moved it at this moment; the sheet can be sent again
        return False
