"""The report of a pilot (SMP-05): made once, when its last photo is resolved, and kept as it was then."""

from __future__ import annotations

from typing import Any

from reviewapp.models import Batch, PilotReport
from reviewapp.selectors.findings import findings_of
from reviewapp.selectors.pilots import PilotView

from . import audit
from .csv_out import csv_text
from .words import stored


def report(batch: Batch) -> PilotReport | None:
    """Write down what people found in all of a pilot; None for another batch, or when it was made before.

    Call in the transaction that completes the batch.
    """
    if not batch.is_pilot:
        return None
    found = findings_of(batch.assets.all())
    made, is_new = PilotReport.objects.get_or_create(batch=batch, defaults={"facts": found.facts()})
    if not is_new:
        return None
    with stored():
        audit.record("pilot.reported", made, after=found.facts(), note=found.sentence)
    return made


def document(batch: Batch, view: PilotView) -> dict[str, Any]:
    """The report as one JSON object: shares 0..1, reasons by code."""
    return {
        "batch": batch.pk,
        "name": batch.name,
        "client": batch.client.name,
        "preset_version": str(batch.preset_version),
        "made_at": view.made_at.isoformat() if view.made_at is not None else None,
        "summary": view.findings.sentence,
        **view.findings.facts(),
    }


def as_csv(document: dict[str, Any]) -> str:
    """The same as two columns, name and value; a reject reason is a line of its own.

    Cells a spreadsheet would run as a formula start with an apostrophe.
    """
    lines = {name: value for name, value in document.items() if name != "reasons"}
    lines |= {f"reason: {code}": count for code, count in document["reasons"].items()}
    return csv_text(("name", "value"), [{"name": name, "value": value} for name, value in lines.items()])
