"""The second photo of a garment: outside and inside label, which an editor puts together (REV-15).

A photo names its other one in the sheet (column `inside`), or both keep to the naming convention and one of them says
in its descriptor that it shows the inside: apparel-SKU12345-front-v1.jpg and apparel-SKU12345-inside-v1.jpg.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from processing import convention
from reviewapp.models import Asset, SheetRow
from reviewapp.policies.paths import name_key, path_key
from reviewapp.selectors.sheet_rows import choose_row

MOST = 50
"""Photos of one name looked at, at most."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The other photo of a pair; `is_inside` where it is that one that shows the inside."""

    asset: Asset
    is_inside: bool


def pair_of(asset: Asset) -> Pair | None:
    """Return the other photo of `asset`'s pair in its batch; None without one."""
    key, name = path_key(asset.relative_path), name_key(asset.relative_path)
    speaks = Q(name_key=name) | Q(inside__in={key, name})
    rows = list(SheetRow.objects.filter(speaks, batch_id=asset.batch_id).order_by("pk")[: 2 * MOST])
    row = choose_row(key, [one for one in rows if one.name_key == name])
    if row is not None and row.inside:
        other = _named(asset, row.inside)
        return Pair(other, is_inside=True) if other is not None else None
    outer = next((one for one in rows if one.inside in (key, name)), None)
    if outer is not None:
        other = _named(asset, outer.path_key)
        return Pair(other, is_inside=False) if other is not None else None
    return _by_convention(asset)


def _named(asset: Asset, key: str) -> Asset | None:
    """The photo a sheet names by path, or by its name where only one has it."""
    photos = Asset.objects.filter(batch_id=asset.batch_id).exclude(pk=asset.pk).select_related("current_run")
    found = list(photos.filter(filename__iexact=key.rsplit("/", 1)[-1]).order_by("pk")[:MOST])
    exact = [one for one in found if path_key(one.relative_path) == key]
    return exact[0] if exact else found[0] if len(found) == 1 else None


def _by_convention(asset: Asset) -> Pair | None:
    own = convention.parse(asset.filename)
    if own is None:
        return None
    photos = Asset.objects.filter(batch_id=asset.batch_id).exclude(pk=asset.pk).select_related("current_run")
    named = photos.filter(filename__istartswith=f"{own.category}-{own.id}-").order_by("pk")[:MOST]
    found = [(one, name) for one in named if (name := convention.parse(one.filename)) is not None]
    fitting = [(one, name) for one, name in found if name.is_inside != own.is_inside]
    # The same version first; of several views of the outside the front is what the inside is put into.
    fitting.sort(key=lambda each: (each[1].version.lower() != own.version.lower(), not each[1].is_front, each[0].pk))
    return Pair(fitting[0][0], is_inside=fitting[0][1].is_inside) if fitting else None
