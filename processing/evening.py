"""The second pass of a run that brings its set together: what is made again, and with which correction.

A set's correction is only known once every photo's own is: exposures move toward the middle of the batch, variants of
one SKU share one correction (`set_colour`; PRO-08, PRO-13, QC-35).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from processing.colour import ColourTransform
from processing.errors import InputRejected
from processing.folder import Job, Report
from processing.set_report import plan_of, report_on


def refuse_with(has_reference: bool) -> None:
    """Raise InputRejected(code="invalid_parameter") where two ways to one look are asked for at once."""
    if has_reference:
        raise InputRejected(
            "--reference brings every photo to one picture and --even to the middle of the set: take one of them.",
            code="invalid_parameter",
        )


def to_make_again(jobs: Sequence[Job], reports: Sequence[Report]) -> list[Job]:
    """Return the jobs whose correction the set changes, each with the one it is to be made with.

    `reports` are those of a first pass that measured the set; a photo without one isn't made again.
    """
    facts = facts_in(reports)
    planned = plan_of(facts)
    again = []
    for job in jobs:
        one = planned.get(job.name)
        if one is None:
            continue
        own = ColourTransform.from_dict(facts[job.name]["correction"])
        if one.transform != own.exposed(0.0):  # rounded as a planned one is
            again.append(replace(job, shared=one.transform))
    return again


def facts_in(reports: Sequence[Report]) -> dict[str, Mapping[str, Any]]:
    """Return what the set needs to know of each photo that has it, by name."""
    return {str(report["file"]): report["set"] for report in sorted(reports, key=_name) if "set" in report}


def report_after(first: Sequence[Report], last: Sequence[Report]) -> dict[str, Any]:
    """Return the set's report after the second pass: how alike the photos are now, `plan` of the first pass that was
    carried out, and `before`: the consistency without it."""
    before = report_on(facts_in(first))
    return {**report_on(facts_in(last)), "plan": before["plan"], "before": before["consistency"]}


def _name(report: Report) -> str:
    return str(report["file"])
