"""What a batch came to: how its scores lie, and accuracy, compliance and turnaround side by side (QC-30, QC-32)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from reviewapp.enums import BatchState, RenditionState
from reviewapp.models import Batch, RoutingPolicy
from reviewapp.selectors.batches import renditions
from reviewapp.selectors.histogram import Histogram
from reviewapp.selectors.quality import EscapeRate, Spread, current_policy, escape_rate, spread


@dataclass(frozen=True, slots=True)
class BatchFigures:
    """Figures of one batch. `took` is None where no file came; it still grows while `is_done` is False."""

    escape: EscapeRate
    verified: int
    made: int
    took: timedelta | None
    is_done: bool
    spread: Spread
    chart: Histogram

    @property
    def accuracy(self) -> float | None:
        """Share of the photos looked at blind that were fine, 0..1; None while nobody looked."""
        return None if self.escape.rate is None else 1.0 - self.escape.rate

    @property
    def compliance(self) -> float | None:
        """Share of the channel files that passed their channel's rules, 0..1; None while none is made."""
        return self.verified / self.made if self.made else None

    @property
    def pass_rate(self) -> float | None:
        """Share of the scored photos that reach the pass line they were scored under, 0..1."""
        return self.spread.passed / self.spread.scored if self.spread.scored else None


def batch_figures(batch: Batch) -> BatchFigures:
    """Read the figures of `batch` in six queries, whatever its size."""
    files = renditions(batch)
    verified = files.get(RenditionState.VERIFIED, 0)
    found = spread(batch)
    # The lines photos were scored under; where several versions scored them, the newest of those.
    policy = RoutingPolicy.objects.get(pk=found.policies[-1]) if found.policies else current_policy()
    return BatchFigures(
        escape=escape_rate(batch),
        verified=verified,
        made=verified + files.get(RenditionState.FAILED, 0),
        took=_took(batch),
        is_done=batch.completed_at is not None,
        spread=found,
        chart=Histogram(policy, found.bins),
    )


def _took(batch: Batch) -> timedelta | None:
    """From the first file to ready, or to now while it isn't."""
    first = batch.assets.order_by("pk").values_list("created_at", flat=True).first()
    if first is None or (batch.completed_at is None and batch.state == BatchState.CANCELLED):
        return None
    return (batch.completed_at or timezone.now()) - first
