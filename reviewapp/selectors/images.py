"""A batch's photos as tiles, and one photo with everything that happened to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise

from reviewapp.enums import MACHINE_STATES, AssetState, RunKind
from reviewapp.models import (
    Asset,
    AuditEvent,
    Batch,
    EditTask,
    ProcessingRun,
    QualityReport,
    Rendition,
    ReviewDecision,
)
from reviewapp.policies.numbers import whole
from reviewapp.selectors.access import limit
from reviewapp.selectors.assets import WIDE
from reviewapp.selectors.batches import Counts
from reviewapp.selectors.pages import Page, keyset_by
from reviewapp.selectors.progress import count_in

PAGE = 48
HISTORY = 50
"""Rows of each of a photo's histories."""
HISTORIES = ("events", "decisions", "edits", "runs")
APART = (RunKind.GOLD, RunKind.REPLAY)
"""A known picture made of a photo, or a result made to compare presets, is no part of the photo's story."""
TILE_FILTERS: Mapping[str, tuple[StrOrPromise, frozenset[AssetState]]] = {
    "waiting": (
        gettext_lazy("Waiting"),
        frozenset({AssetState.IN_REVIEW, AssetState.ON_HOLD, AssetState.AWAITING_SIGNOFF}),
    ),
    "approved": (gettext_lazy("Approved"), frozenset({AssetState.AUTO_APPROVED, AssetState.APPROVED})),
    "editing": (gettext_lazy("With an editor"), frozenset({AssetState.EDITING})),
    "failed": (gettext_lazy("Failed or refused"), frozenset({AssetState.FAILED, AssetState.REJECTED_INTAKE})),
    "processing": (gettext_lazy("Processing"), MACHINE_STATES),
    "later": (gettext_lazy("Waits for the sample"), frozenset({AssetState.WAITS_FOR_SAMPLE})),
    "aside": (gettext_lazy("Set aside"), frozenset({AssetState.DUPLICATE, AssetState.CANCELLED})),
}


@dataclass(frozen=True, slots=True)
class TileChip:
    """One filter of the tiles with its count."""

    key: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class TilePage:
    """One page of tiles in upload order; `next_cursor` is empty on the last one."""

    assets: list[Asset]
    next_cursor: str


def tile_chips(counts: Counts) -> list[TileChip]:
    """The filters with their counts; no query. Empty ones are left out, "All" never is."""
    chips = [TileChip(key, str(label), count_in(counts, states)) for key, (label, states) in TILE_FILTERS.items()]
    return [TileChip("all", _("All"), counts.total), *(chip for chip in chips if chip.count)]


def tile_page(batch: Batch, name: str = "all", cursor: str = "") -> TilePage:
    """`PAGE` photos after `cursor`, with their run and score, in one query."""
    assets = batch.assets.select_related("current_run__quality").defer(*WIDE).order_by("pk")
    if name in TILE_FILTERS:
        assets = assets.filter(state__in=TILE_FILTERS[name][1])
    if (after := whole(cursor)) is not None:
        assets = assets.filter(pk__gt=after)
    found = list(assets[: PAGE + 1])
    return TilePage(found[:PAGE], str(found[PAGE - 1].pk) if len(found) > PAGE else "")


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One photo and all that is known of it; of each history one page, newest run first, all else oldest first."""

    asset: Asset
    run: ProcessingRun | None
    quality: QualityReport | None
    runs: Page[Any]
    decisions: Page[Any]
    edits: Page[Any]
    renditions: list[Rendition]
    events: Page[Any]

    @property
    def parts(self) -> list[tuple[str, float]]:
        """The four score parts, 0 to 25 each, in the order people read them."""
        if self.quality is None:
            return []
        return [
            (_("Background"), self.quality.background),
            (_("Edge"), self.quality.edge),
            (_("Fill"), self.quality.fill),
            (_("Colour"), self.quality.colour),
        ]

    @property
    def findings(self) -> list[dict[str, Any]]:
        """What intake and the current run noticed."""
        return [*self.asset.findings, *(self.run.findings if self.run else [])]


def image_record(pk: int, user: Any, name: str = "", cursor: str = "") -> ImageRecord:
    """Read one photo's record in a fixed number of queries; its history `name` goes on after `cursor`.

    Raises Asset.DoesNotExist, also where it isn't theirs.
    """
    seen = limit(Asset.objects.select_related("batch__client", "duplicate_of", "current_run__channel"), user)
    asset = (
        seen.select_related("current_run__quality", "current_run__preset_version__preset")
        .prefetch_related("batch__batch_channels__channel")
        .get(pk=pk)
    )
    run = asset.current_run
    renditions = Rendition.objects.filter(run=run).select_related("channel") if run else Rendition.objects.none()
    pages = {one: history(asset.pk, one, cursor if one == name else "") for one in HISTORIES}
    return ImageRecord(
        asset=asset, run=run, quality=getattr(run, "quality", None), renditions=list(renditions), **pages
    )


def history(asset_id: int, name: str, cursor: str = "") -> Page[Any]:
    """One page of what happened to a photo; `name` is one of HISTORIES. One query."""
    runs = ProcessingRun.objects.select_related("quality", "preset_version__preset").exclude(kind__in=APART)
    decisions = ReviewDecision.objects.select_related("reviewer").exclude(run__kind__in=APART)
    rows: dict[str, QuerySet[Any]] = {
        "events": AuditEvent.objects.select_related("actor"),
        "decisions": decisions,
        "edits": EditTask.objects.select_related("editor", "signed_by"),
        "runs": runs.defer(*(column.removeprefix("current_run__") for column in WIDE if column.startswith("current_"))),
    }
    order = ("-pk",) if name == "runs" else ("pk",)
    return keyset_by(rows[name].filter(asset_id=asset_id), order, cursor, HISTORY)
