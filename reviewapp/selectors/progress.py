"""How batches look on screen: bar segments, the four steps, the pace in words, and the rows of the batch list."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery, Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django_stubs_ext import StrOrPromise

from reviewapp.enums import APPROVED_STATES, MACHINE_STATES, PEOPLE_STATES, AssetState, BatchState
from reviewapp.models import Asset, Batch, ProcessingRun
from reviewapp.policies.numbers import whole
from reviewapp.selectors.access import limit
from reviewapp.selectors.batches import Counts, counts_of, seconds_per_photo

PAGE = 25
SEGMENTS: tuple[tuple[str, StrOrPromise, frozenset[AssetState]], ...] = (
    ("auto", gettext_lazy("Auto-approved"), frozenset({AssetState.AUTO_APPROVED})),
    ("approve", gettext_lazy("Approved"), frozenset({AssetState.APPROVED})),
    ("reject", gettext_lazy("With an editor"), frozenset({AssetState.EDITING})),
    ("hold", gettext_lazy("On hold"), frozenset({AssetState.ON_HOLD})),
    (
        "wait",
        gettext_lazy("Waiting"),
        frozenset({AssetState.IN_REVIEW, AssetState.AWAITING_SIGNOFF, AssetState.WAITS_FOR_SAMPLE}),
    ),
    ("fail", gettext_lazy("Failed or refused"), frozenset({AssetState.FAILED, AssetState.REJECTED_INTAKE})),
    ("info", gettext_lazy("Processing"), MACHINE_STATES),
)
"""Parts of the stacked bar, in the fixed order that keeps neighbouring colours apart."""

FILTERS: tuple[tuple[str, StrOrPromise], ...] = (
    ("all", gettext_lazy("All")),
    ("mine", gettext_lazy("Mine")),
    ("attention", gettext_lazy("Needs attention")),
    ("progress", gettext_lazy("In progress")),
    ("ready", gettext_lazy("Ready")),
    ("delivered", gettext_lazy("Delivered")),
)
STATE_FILTERS: Mapping[str, tuple[BatchState, ...]] = {
    "progress": (BatchState.UPLOADING, BatchState.PROCESSING, BatchState.REVIEW),
    "ready": (BatchState.READY,),
    "delivered": (BatchState.DELIVERED,),
}
PEOPLE_WORDS: tuple[tuple[AssetState, StrOrPromise], ...] = (
    (AssetState.IN_REVIEW, gettext_lazy("review")),
    (AssetState.ON_HOLD, gettext_lazy("on hold")),
    (AssetState.EDITING, gettext_lazy("editing")),
    (AssetState.AWAITING_SIGNOFF, gettext_lazy("sign-off")),
)


def count_in(counts: Counts, states: Iterable[str]) -> int:
    """Photos in any of `states`."""
    return sum(counts.states.get(state, 0) for state in states)


@dataclass(frozen=True, slots=True)
class Figures:
    """One batch's counts the way the screens name them."""

    counts: Counts

    @property
    def total(self) -> int:
        return self.counts.total

    @property
    def waiting(self) -> int:
        """Photos that wait for a person of any role."""
        return count_in(self.counts, PEOPLE_STATES)

    @property
    def later(self) -> int:
        """Photos that wait for the batch's first sample."""
        return self.counts.later

    @property
    def failed(self) -> int:
        """Failed in the line or refused at intake."""
        return self.counts.failed + self.counts.rejected

    @property
    def approved(self) -> int:
        return count_in(self.counts, APPROVED_STATES)

    @property
    def set_aside(self) -> int:
        """Duplicates and cancelled photos: part of the batch, not of the work."""
        return count_in(self.counts, (AssetState.DUPLICATE, AssetState.CANCELLED))

    @property
    def segments(self) -> list[tuple[str, int, str]]:
        """(fill, count, words) for the stacked bar and its legend."""
        return [(fill, count_in(self.counts, states), str(words)) for fill, words, states in SEGMENTS]

    @property
    def legend(self) -> list[tuple[str, int, str]]:
        """The segments, and what was set aside where there is any: they add up to the total."""
        aside = [("aside", self.set_aside, _("Set aside"))] if self.set_aside else []
        return self.segments + aside

    @property
    def people_words(self) -> str:
        """Which people are waited for, e.g. "12 review, 3 editing"."""
        parts = ((self.counts.states.get(state, 0), word) for state, word in PEOPLE_WORDS)
        return ", ".join(f"{count:,} {word}" for count, word in parts if count) or _("Nothing waits")


@dataclass(frozen=True, slots=True)
class Progress:
    """What the live part of the batch page shows. `photo_s` is seconds per photo lately, None while unknown."""

    batch: Batch
    figures: Figures
    photo_s: float | None
    byte_size: int

    @property
    def is_moving(self) -> bool:
        """True while the machine has something to do and may do it."""
        return bool(self.figures.counts.machine) and self.batch.state != BatchState.PAUSED

    @property
    def seen(self) -> str:
        """Changes when the batch's state or any count does; the page compares it to know that other parts are stale."""
        states = self.figures.counts.states
        return f"{self.batch.state}." + ".".join(f"{states.get(state, 0):x}" for state in AssetState.values)

    @property
    def poll_s(self) -> int:
        """Seconds until the next look: 2 while the machine works, 10 while people do, 0 when nothing moves."""
        if self.batch.state in (BatchState.DELIVERED, BatchState.CANCELLED):
            return 0
        if self.is_moving or self.batch.state == BatchState.PROCESSING:
            return 2
        waits = self.figures.waiting or self.figures.later
        return 10 if waits or self.batch.state in (BatchState.UPLOADING, BatchState.PAUSED) else 0

    @property
    def is_cancelled(self) -> bool:
        return self.batch.state == BatchState.CANCELLED

    @property
    def fate_words(self) -> str:
        """What became of the photos of a cancelled batch."""
        counts, f = self.figures.counts, self.figures
        told = (
            (counts.cancelled, _("given up before they were done")),
            (f.waiting + f.later, _("left undecided, and nobody is asked for them")),
            (f.approved, _("approved")),
            (f.failed, _("failed or refused")),
            (counts.duplicates, _("the same picture twice")),
        )
        return ", ".join(f"{count:,} {words}" for count, words in told if count) or _("It had no photos")

    @property
    def later_words(self) -> str:
        """How many photos wait for the batch's sample; "" for none."""
        n = self.figures.later
        return ngettext("%(n)s waits for the sample", "%(n)s wait for the sample", n) % {"n": f"{n:,}"} if n else ""

    @property
    def machine_words(self) -> str:
        """The second step's hint: pace and time left while it runs."""
        if self.batch.state in (BatchState.PAUSED, BatchState.CANCELLED):
            return str(BatchState(self.batch.state).label)
        if not self.figures.total:
            return _("Nothing to do yet")
        goes_on = self.figures.later and self.batch.applied_at is not None
        if not self.figures.counts.machine and not goes_on:
            return self.later_words or _("Finished")
        if not self.photo_s:
            return _("Measuring the pace")
        rate = 60 / self.photo_s
        shown = f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"
        ahead = self.figures.counts.machine + (self.figures.later if goes_on else 0)
        hours, minutes = divmod(max(1, math.ceil(ahead / rate)), 60)
        left = f"{hours} h {minutes} min" if hours else f"{minutes} min"
        return _("%(rate)s a minute, about %(time)s left") % {"rate": shown, "time": left}


def progress_of(batch: Batch) -> Progress:
    """Counts, pace and size of one batch: two queries, and a third while the machine works."""
    figures = Figures(counts_of([batch.pk])[batch.pk])
    size = batch.assets.aggregate(size=Sum("byte_size"))["size"] or 0
    return Progress(batch, figures, seconds_per_photo(batch) if figures.counts.machine else None, size)


def _filtered(name: str, user_id: int) -> Q:
    if name == "mine":
        return Q(owner_id=user_id)
    if name == "attention":
        photos = Asset.objects.filter(batch=OuterRef("pk"))
        failed = photos.filter(state=AssetState.FAILED).exclude(state_code="given_up")
        refused = photos.filter(state=AssetState.REJECTED_INTAKE)
        is_over = Q(state__in=[BatchState.DELIVERED, BatchState.CANCELLED])
        return Q(Exists(failed)) | (Q(Exists(refused)) & ~is_over) | Q(state=BatchState.PAUSED)
    states = STATE_FILTERS.get(name)
    return Q(state__in=states) if states else Q()


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter with how many batches it holds."""

    key: str
    label: str
    count: int


def filter_chips(user: Any) -> list[Chip]:
    """Every filter of the batch list with its count, in one query, of the batches `user` may see."""
    counts = {key: Count("pk", filter=_filtered(key, user.pk or 0) or Q(pk__gt=0)) for key, _ in FILTERS}
    found = limit(Batch.objects.all(), user, "client").aggregate(**counts)
    return [Chip(key, str(label), found[key]) for key, label in FILTERS]


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One line of the batch list. `cover` is the run whose small picture stands for the batch, or None."""

    batch: Batch
    figures: Figures
    cover: ProcessingRun | None


@dataclass(frozen=True, slots=True)
class BatchPage:
    """One page of rows; `next_cursor` is empty on the last one."""

    rows: list[BatchRow]
    next_cursor: str


def _searched(batches: QuerySet[Batch], words: str) -> QuerySet[Batch]:
    by_sku = Asset.objects.filter(batch=OuterRef("pk"), sku__icontains=words)
    return batches.filter(Q(name__icontains=words) | Q(client__name__icontains=words) | Q(Exists(by_sku)))


def batch_page(user: Any, name: str = "all", words: str = "", cursor: str = "") -> BatchPage:
    """Newest batches `user` may see, `PAGE` at a time after `cursor`, in three queries whatever their number.

    The filter "mine" shows what they own (REV-13).
    """
    covers = Asset.objects.filter(batch=OuterRef("pk"), current_run__isnull=False).order_by("pk")
    batches = Batch.objects.filter(_filtered(name, user.pk or 0)).select_related("client", "owner")
    batches = limit(batches, user, "client")
    if words:
        batches = _searched(batches, words)
    if (after := whole(cursor)) is not None:
        batches = batches.filter(pk__lt=after)
    found = list(batches.annotate(cover_run=Subquery(covers.values("current_run_id")[:1])).order_by("-pk")[: PAGE + 1])
    shown = found[:PAGE]
    counts = counts_of([batch.pk for batch in shown])
    runs = ProcessingRun.objects.in_bulk([batch.cover_run for batch in shown if batch.cover_run])
    rows = [BatchRow(batch, Figures(counts[batch.pk]), runs.get(batch.cover_run or 0)) for batch in shown]
    return BatchPage(rows, str(shown[-1].pk) if len(found) > PAGE else "")
