"""What of a batch has arrived: the upload page's counts and the list a resumed upload is held against."""

from __future__ import annotations

from dataclasses import dataclass

from reviewapp.enums import AssetState
from reviewapp.models import Batch
from reviewapp.selectors.batches import Counts, counts_of


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Photos of a batch by what became of them on arrival."""

    counts: Counts

    @property
    def total(self) -> int:
        return self.counts.total

    @property
    def refused(self) -> int:
        return self.counts.rejected

    @property
    def duplicates(self) -> int:
        return self.counts.duplicates

    @property
    def ready(self) -> int:
        """In the line, whatever happens to them there."""
        return self.total - self.refused - self.duplicates


def arrivals(batch: Batch) -> Arrivals:
    """Count what is here, in one query."""
    return Arrivals(counts_of([batch.pk])[batch.pk])


def refusals(batch: Batch) -> list[tuple[str, str]]:
    """(relative path, sentence) of everything refused so far, on arrival or when it was looked at."""
    refused = batch.assets.filter(state=AssetState.REJECTED_INTAKE).order_by("pk")
    return list(refused.values_list("relative_path", "state_reason"))


def unchecked(batch: Batch) -> int:
    """How many photos have arrived and not been looked at yet."""
    return batch.assets.filter(state=AssetState.RECEIVED).count()


def known_files(batch: Batch) -> list[tuple[str, int]]:
    """(relative path, bytes) of everything that arrived, in one query."""
    return list(batch.assets.order_by("pk").values_list("relative_path", "byte_size"))
