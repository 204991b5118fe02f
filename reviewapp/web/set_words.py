"""A batch as a set in words a manager understands, each beside its number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django_stubs_ext import StrOrPromise

from processing.quality.consistency import SMALLEST_FOR_ROBUST, Consistency
from reviewapp.policies import standing_out
from reviewapp.selectors.sets import Member, Outlier, SetReport, Shared

ALIKE, PARTLY = 85.0, standing_out.SET_FROM
"""Scores from which a set reads as one, and as one on the whole."""
SHOWN, MOST_SHOWN = 5, 30
"""Outliers shown at once, and with the rest unfolded."""
GROUPS_SHOWN = 6
NAMED = 3
"""Photos named that have another value than most."""
METRICS: Mapping[str, tuple[StrOrPromise, StrOrPromise]] = {
    "colour_variance": (gettext_lazy("Colour"), gettext_lazy("colour")),
    "exposure_variance": (gettext_lazy("Exposure"), gettext_lazy("exposure")),
    "size_consistency": (gettext_lazy("Size"), gettext_lazy("size in the frame")),
    "style_match": (gettext_lazy("Contrast"), gettext_lazy("contrast")),
}
"""Field of Consistency -> its name, and what differs where it is low."""
PROPERTIES: Mapping[str, StrOrPromise] = {
    "result_size": gettext_lazy("Result, size"),
    "result_format": gettext_lazy("Result, format"),
    "white": gettext_lazy("White background"),
    "photo_size": gettext_lazy("Photo, size"),
    "photo_format": gettext_lazy("Photo, format"),
    "profile": gettext_lazy("Photo, colour profile"),
    "camera": gettext_lazy("Camera"),
}
WHITE: Mapping[str, StrOrPromise] = {
    "PASS": gettext_lazy("white"),
    "FAIL": gettext_lazy("not white"),
    "NOT_REQUIRED": gettext_lazy("not asked for"),
}
DELIVERED = frozenset({"result_size", "result_format", "white"})
"""Properties of what ships: there another value is worth a look. Photos may come as they like."""


@dataclass(frozen=True, slots=True)
class OddRow:
    """Who stands out: every reason with its z."""

    member: Member
    why: str


@dataclass(frozen=True, slots=True)
class PropertyRow:
    """One property: what most have, the named others with their values, how many more there are.

    `kinds`: how many values there are, where no value is that of most and so nobody is named; else 0.
    """

    key: str
    name: str
    value: str
    is_uniform: bool
    is_delivered: bool
    others: list[tuple[Member, str]]
    unnamed: int
    kinds: int


@dataclass(frozen=True, slots=True)
class SetWords:
    """The panel. `score` is "" where it isn't known; `lead` is the one sentence, `notes` say how to read it."""

    report: SetReport
    score: str
    lead: str
    notes: list[str]
    metrics: list[tuple[str, float, int]]
    groups: list[tuple[str, int, int]]
    more_groups: int
    first: list[OddRow]
    rest: list[OddRow]
    unshown: int
    quiet: str
    properties: list[PropertyRow]


def told(report: SetReport) -> SetWords:
    """Say what a set's report says. Scores are rounded down as everywhere (B9)."""
    found = report.consistency
    odd = [_odd(one) for one in report.outliers[:MOST_SHOWN]]
    return SetWords(
        report=report,
        score="" if found is None else str(int(found.score)),
        lead=_lead(report),
        notes=_notes(report),
        metrics=[] if found is None else _metrics(found),
        groups=[(one.name, one.photos, int(one.score)) for one in report.groups[:GROUPS_SHOWN]],
        more_groups=max(0, len(report.groups) - GROUPS_SHOWN),
        first=odd[:SHOWN],
        rest=odd[SHOWN:],
        unshown=max(0, len(report.outliers) - MOST_SHOWN),
        quiet=_quiet(report),
        properties=[_property(one, report.photos) for one in report.shared if one.usual or one.others],
    )


def _lead(report: SetReport) -> str:
    if report.photos < 2:
        return _("A set begins with two results. There are fewer in this batch so far.")
    if report.consistency is None:
        return _("How alike these results look was not measured: they were made before it was kept.")
    if report.consistency.score >= ALIKE:
        return _("These photos look like one set.")
    what = {"what": METRICS[_weakest(report.consistency)][1]}
    if report.consistency.score >= PARTLY:
        return _("These photos look alike on the whole. They differ most in %(what)s.") % what
    return _("These photos don't look like one set. They differ most in %(what)s.") % what


def _notes(report: SetReport) -> list[str]:
    """What keeps the score from being misread."""
    found = report.consistency
    notes = []
    if found is not None and found.score < ALIKE and report.groups:
        notes.append(_("Different products differ without being wrong: a shoot group by itself says more."))
    elif found is not None and found.score < ALIKE:
        notes.append(_("Measured on the products: different products differ without being wrong."))
    if found is not None and report.measured < report.photos:
        n = report.photos - report.measured
        words = ngettext("%(n)s result is not measured.", "%(n)s results are not measured.", n)
        notes.append(words % {"n": f"{n:,}"})
    if report.is_cut:
        notes.append(_("Only the newest %(n)s results are looked at.") % {"n": f"{report.photos:,}"})
    return notes


def _weakest(found: Consistency) -> str:
    return min(METRICS, key=lambda name: float(getattr(found, name)))


def _metrics(found: Consistency) -> list[tuple[str, float, int]]:
    values = [(str(label), float(getattr(found, name))) for name, (label, _what) in METRICS.items()]
    return [(label, value, int(value)) for label, value in values]


def _odd(outlier: Outlier) -> OddRow:
    return OddRow(outlier.member, standing_out.told((_(standing_out.word(one)), one) for one in outlier.anomalies))


def _quiet(report: SetReport) -> str:
    """Why nobody is listed; "" where somebody is."""
    if report.outliers or report.photos < 2:
        return ""
    if report.compared:
        return _("No photo stands out.")
    least = {"n": SMALLEST_FOR_ROBUST}
    if report.groups:
        return _("Who stands out is said from %(n)d measured photos of a shoot group on.") % least
    return _("Who stands out is said from %(n)d measured photos on.") % least


def _property(one: Shared, photos: int) -> PropertyRow:
    is_uniform = not one.others
    if is_uniform and one.usual == "NOT_REQUIRED":
        value = _value(one.name, one.usual)
    elif is_uniform:
        value = _("all %(value)s") % {"value": _value(one.name, one.usual)}
    else:
        counts = {"n": f"{one.agreeing:,}", "all": f"{photos:,}", "value": _value(one.name, one.usual)}
        value = _("%(value)s in %(n)s of %(all)s") % counts
    # Without a majority nobody is the odd one: how many values there are says more than three names.
    named = one.others[:NAMED] if 2 * one.agreeing > photos else ()
    return PropertyRow(
        key=one.name,
        name=str(PROPERTIES[one.name]),
        value=value,
        is_uniform=is_uniform,
        is_delivered=one.name in DELIVERED,
        others=[(member, _value(one.name, other)) for member, other in named],
        unnamed=len(one.others) - len(named) if named else 0,
        kinds=0 if named or is_uniform else one.kinds,
    )


def _value(name: str, value: str) -> str:
    if not value:
        return _("not known")
    return str(WHITE.get(value, value)) if name == "white" else value
