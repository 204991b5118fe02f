"""The intake report of a batch: every file that was flagged on arrival, and why (VAL-14, VAL-18)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet

from reviewapp.enums import AssetState
from reviewapp.models import Asset, Batch
from reviewapp.selectors import tallies
from reviewapp.selectors.pages import Page, keyset_by

PAGE = 100
REFUSED, DUPLICATE, TAKEN = "refused", "duplicate", "taken"
"""What became of a flagged file. `taken`: it is in the line, with a warning."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason of one file. `suggestion` says what to do about it and may be empty."""

    code: str
    message: str
    suggestion: str = ""


@dataclass(frozen=True, slots=True)
class Flagged:
    """One file with all that was flagged."""

    asset: Asset
    outcome: str
    reasons: list[Reason]


@dataclass(frozen=True, slots=True)
class Refusals:
    """Files of a batch that were refused, by reason, the most frequent first; `total` is all that arrived."""

    total: int
    by_code: list[tuple[str, int]]

    @property
    def count(self) -> int:
        return sum(count for _code, count in self.by_code)

    @property
    def share(self) -> float:
        """Share of the arrived files, 0..1."""
        return self.count / self.total if self.total else 0.0

    @property
    def rows(self) -> list[tuple[str, int, float]]:
        """(code, files, share of all files)."""
        return [(code, count, count / self.total if self.total else 0.0) for code, count in self.by_code]


def refusals(batch: Batch) -> Refusals:
    """Count what was refused of `batch` and why, in two queries."""
    refused = batch.assets.filter(state=AssetState.REJECTED_INTAKE).order_by()
    rows = refused.values_list("state_code").annotate(n=Count("pk"))
    return Refusals(sum(tallies.of_batches([batch.pk])[batch.pk].values()), most_frequent(rows))


def most_frequent(rows: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """(code, files) pairs, the most frequent first and equal ones by name."""
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def flagged_files(batch: Batch) -> QuerySet[Asset]:
    """Photos of `batch` that were refused, are duplicates, or were taken with a warning."""
    set_aside = Q(state__in=[AssetState.REJECTED_INTAKE, AssetState.DUPLICATE])
    said = ("relative_path", "sku", "state", "state_code", "state_reason", "findings", "byte_size", "width", "height")
    # The batch's key as well: the relation sets each photo's batch, and would ask for the key one by one.
    return batch.assets.filter(set_aside | ~Q(findings=[])).only("batch_id", *said)


def flagged(asset: Asset) -> Flagged | None:
    """What was flagged of a photo; None where the machine only noted something that asks for nobody."""
    reasons = [_reason(found) for found in asset.findings if found.get("severity") != "info"]
    if asset.state == AssetState.REJECTED_INTAKE:
        return Flagged(asset, REFUSED, [Reason(asset.state_code, asset.state_reason), *reasons])
    if asset.state == AssetState.DUPLICATE:
        return Flagged(asset, DUPLICATE, [Reason("duplicate", asset.state_reason), *reasons])
    return Flagged(asset, TAKEN, reasons) if reasons else None


def _reason(found: dict[str, Any]) -> Reason:
    return Reason(found["code"], found["message"], found.get("suggestion") or "")


@dataclass(frozen=True, slots=True)
class IntakePage:
    """One page of the report; `refusals` is None on all but the first."""

    rows: list[Flagged]
    next_cursor: str
    refusals: Refusals | None


def intake_page(batch: Batch, cursor: str = "") -> IntakePage:
    """Read up to PAGE flagged files in upload order after `cursor`: one query, and two for the counts at first."""
    page: Page[Asset] = keyset_by(flagged_files(batch), ("pk",), cursor, PAGE)
    rows = [row for row in map(flagged, page.rows) if row is not None]
    return IntakePage(rows, page.next_cursor, None if cursor else refusals(batch))


COLUMNS = ("file", "sku", "outcome", "code", "reason", "suggestion", "bytes", "width", "height")


def report_rows(batch: Batch) -> Iterator[dict[str, Any]]:
    """The whole report as rows of COLUMNS, one for each reason of each flagged file, in upload order."""
    for asset in flagged_files(batch).order_by("pk").iterator():
        row = flagged(asset)
        for reason in row.reasons if row else []:
            yield {
                "file": asset.relative_path,
                "sku": asset.sku,
                "outcome": row.outcome if row else "",
                "code": reason.code,
                "reason": reason.message,
                "suggestion": reason.suggestion,
                "bytes": asset.byte_size,
                "width": asset.width,
                "height": asset.height,
            }
