"""Everything the batch page shows besides its live part, in a fixed number of queries."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, F
from django.utils.translation import gettext as _

from reviewapp.enums import OUT_STATES, BatchState, DeliveryState, RenditionState
from reviewapp.models import AuditEvent, Batch, BatchCategoryPreset, Channel, Delivery, Rendition
from reviewapp.selectors import batches as batch_selectors
from reviewapp.selectors import deliveries as delivery_selectors
from reviewapp.selectors import first_samples, pilots
from reviewapp.selectors.failures import CategoryRow, by_category
from reviewapp.selectors.first_samples import FirstView
from reviewapp.selectors.images import TileChip, TilePage, tile_chips, tile_page
from reviewapp.selectors.pages import Page, keyset
from reviewapp.selectors.pilots import PilotView
from reviewapp.selectors.progress import Progress, progress_of
from reviewapp.selectors.quality import EscapeRate, escape_rate

ACTIVITY = 12
NEWEST = 10
"""Deliveries on the batch's card; the list of deliveries has them all."""
BATCH_NOUNS = ("batch", "delivery", "sampledraw", "samplemember", "firstsample", "pilotreport")
"""What the batch's activity tells. Events of single photos are on their own pages; the list would drown in them."""


@dataclass(frozen=True, slots=True)
class Tiles:
    """One filter of the batch's photos."""

    name: str
    chips: list[TileChip]
    page: TilePage


@dataclass(frozen=True, slots=True)
class RemoverCount:
    """How many of the batch's photos one remover cut out. `model_name` is empty where it needs no model."""

    remover: str
    model_name: str
    count: int

    @property
    def words(self) -> str:
        return f"{self.remover}, {self.model_name}" if self.model_name else self.remover


@dataclass(frozen=True, slots=True)
class DeliveryCard:
    """A batch's newest deliveries, and what is ready for one. `is_held` while blind samples keep the next one back."""

    open_samples: int
    is_held: bool
    verified_files: int
    failed_files: int
    file_problems: list[tuple[str, int]]
    deliveries: list[Delivery]
    has_more: bool

    @property
    def newest_out(self) -> Delivery | None:
        """The newest delivery that can be downloaded."""
        return next((one for one in self.deliveries if one.state in OUT_STATES), None)

    @property
    def waiting(self) -> Delivery | None:
        """The delivery that waits to be handed over; there is one at most."""
        return next((one for one in self.deliveries if one.state == DeliveryState.WAITING), None)


def delivery_card(batch: Batch) -> DeliveryCard:
    """Read the deliveries of `batch`: four queries, one more when files failed a rule."""
    files, samples = batch_selectors.renditions(batch), batch_selectors.open_samples(batch)
    newest = list(delivery_selectors.deliveries(batch)[: NEWEST + 1])
    return DeliveryCard(
        open_samples=samples,
        is_held=bool(samples) and batch.client.waits_for_samples and batch.state != BatchState.CANCELLED,
        verified_files=files.get(RenditionState.VERIFIED, 0),
        failed_files=files.get(RenditionState.FAILED, 0),
        file_problems=file_problems(batch) if files.get(RenditionState.FAILED) else [],
        deliveries=newest[:NEWEST],
        has_more=len(newest) > NEWEST,
    )


@dataclass(frozen=True, slots=True)
class BatchDetails(DeliveryCard):
    """The batch page."""

    progress: Progress
    first: FirstView | None
    pilot: PilotView | None
    failures: list[batch_selectors.FailureGroup]
    categories: list[CategoryRow]
    tiles: Tiles
    removers: list[RemoverCount]
    channels: list[Channel]
    category_presets: list[BatchCategoryPreset]
    escape: EscapeRate
    activity: Page[AuditEvent]

    @property
    def judged_words(self) -> str:
        """The sample card's first line."""
        if not self.escape.drawn:
            return _("Drawn when the first block of auto-approved photos is complete.")
        found = {"judged": self.escape.judged, "drawn": self.escape.drawn, "rejected": self.escape.rejected}
        shown = {name: f"{count:,}" for name, count in found.items()}
        return _("%(judged)s of %(drawn)s judged, %(rejected)s rejected") % shown


def tiles(batch: Batch, name: str = "all", cursor: str = "") -> Tiles:
    """One page of one filter with the filters' counts: two queries."""
    return Tiles(name, tile_chips(batch_selectors.counts_of([batch.pk])[batch.pk]), tile_page(batch, name, cursor))


def removers_of(batch: Batch) -> list[RemoverCount]:
    """Which removers cut out the batch's photos, the most used first: said on screen, never silent."""
    found = batch_selectors.removers(batch)
    rows = [RemoverCount(remover, model, count) for (remover, model), count in found.items()]
    return sorted(rows, key=lambda row: -row.count)


def file_problems(batch: Batch) -> list[tuple[str, int]]:
    """Why channel files of the current results failed, as (sentence, files), the most frequent first."""
    failed = Rendition.objects.filter(asset__batch=batch, state=RenditionState.FAILED, run=F("asset__current_run"))
    rows = failed.order_by().values("channel__name", "error").annotate(n=Count("pk")).order_by("-n")
    return [(f"{row['channel__name']}: {row['error'] or _('a rule is broken')}", row["n"]) for row in rows]


def activity(batch: Batch, cursor: str = "") -> Page[AuditEvent]:
    """One page of what happened to a batch, newest first; one query."""
    events = AuditEvent.objects.filter(batch=batch, noun__in=BATCH_NOUNS).select_related("actor")
    return keyset(events.order_by("-pk"), cursor, ACTIVITY)


def batch_details(batch: Batch, show: str = "all", more: str = "") -> BatchDetails:
    """Read the page of `batch` with the tiles filtered by `show`; its activity goes on after the cursor `more`."""
    progress, failed = progress_of(batch), batch_selectors.failures(batch)
    ready = delivery_card(batch)
    return BatchDetails(
        progress=progress,
        pilot=pilots.view(batch),
        first=first_samples.view(batch, progress.figures.counts.states),
        failures=failed,
        categories=by_category(batch) if any(group.can_retry for group in failed) else [],
        tiles=Tiles(show, tile_chips(progress.figures.counts), tile_page(batch, show)),
        removers=removers_of(batch),
        channels=delivery_selectors.channels_of(batch),
        category_presets=list(batch.category_presets.select_related("preset_version__preset")),
        escape=escape_rate(batch),
        open_samples=ready.open_samples,
        is_held=ready.is_held,
        verified_files=ready.verified_files,
        failed_files=ready.failed_files,
        file_problems=ready.file_problems,
        deliveries=ready.deliveries,
        has_more=ready.has_more,
        activity=activity(batch, more),
    )
