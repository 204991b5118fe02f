"""Reading a pilot's report: as it was made, or as it stands while people still look (SMP-05)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reviewapp.models import Batch, PilotReport
from reviewapp.selectors.findings import Findings, findings_of


@dataclass(frozen=True, slots=True)
class PilotView:
    """`made_at` is None while the batch isn't done: the findings are those so far."""

    findings: Findings
    made_at: datetime | None


def view(batch: Batch) -> PilotView | None:
    """The report of a pilot in one query, before it is made in four; None, without any, for another batch."""
    if not batch.is_pilot:
        return None
    made = PilotReport.objects.filter(batch=batch).first()
    if made is not None:
        return PilotView(Findings.from_facts(made.facts), made.created_at)
    return PilotView(findings_of(batch.assets.all()), None)
