"""What a person may ask for when they judge a photo, checked before anything is stored. Pure: no ORM, no clock."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reviewapp.enums import RejectReason, Verdict

from .words import Said, gettext_noop

MAX_NOTE = 500
MAX_SECONDS = 86_400.0
MAX_MARKS = 20
MIN_MARK = 2.0
"""Px: a ring smaller than this can't be seen."""
MAX_SIDE = 65_535.0
WAYS: Mapping[RejectReason, tuple[str, str]] = {
    RejectReason.COLOUR_SHIFT: ("too_weak", "too_strong"),
    RejectReason.SHADOW: ("too_light", "too_dark"),
    RejectReason.CROP_FILL: ("too_small", "too_large"),
}
"""Reasons that have a direction: (less than it should be, more). Said after a colon: shadow:too_dark."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A decision as it came in from a page; nothing of it is trusted yet."""

    verdict: str
    idempotency_key: str
    reasons: Sequence[str] = ()
    note: str = ""
    seconds_taken: float | None = None
    queue: str = "mixed"
    marks: Sequence[Any] = ()
    colour_checked: bool = False


@dataclass(frozen=True, slots=True)
class Verdicted:
    """A checked decision: reasons are known codes without repeats, the note fits, marks are boxes in frame pixels.

    `directions`: {reason: way} for reasons that were given with one. `colour_checked`: an approval whose colour
    was held against the product itself.
    """

    verdict: Verdict
    reasons: list[str]
    note: str
    idempotency_key: str
    seconds_taken: float | None
    was_blind: bool
    marks: list[dict[str, float]]
    directions: dict[str, str] = field(default_factory=dict)
    colour_checked: bool = False


def check(asked: Asked) -> Verdicted | str:
    """Return the decision as it will be stored, or the sentence that says what is wrong with it."""
    if asked.verdict not in Verdict.values:
        return gettext_noop("Choose approve, reject, hold, skip or escalate.")
    said = dict(_told(reason) for reason in asked.reasons)
    unknown = [reason for reason in said if reason not in RejectReason.values]
    if unknown:
        return Said(gettext_noop("%(code)s is not a reason. Choose one of the eight."), code=repr(unknown[0]))
    senseless = [
        f"{reason}:{way}" for reason, way in said.items() if way and way not in WAYS.get(RejectReason(reason), ())
    ]
    if senseless:
        return Said(gettext_noop("%(code)s is no direction of that reason. Leave it out."), code=repr(senseless[0]))
    if asked.verdict == Verdict.REJECT and not asked.reasons:
        return gettext_noop("A rejection needs at least one reason. Choose one of the eight.")
    if len(asked.note) > MAX_NOTE:
        return Said(
            gettext_noop("The note has %(length)s characters; %(most)s fit."), length=len(asked.note), most=MAX_NOTE
        )
    if not 0 < len(asked.idempotency_key) <= 64:
        return gettext_noop("The form is out of date. Load the page again.")
    marks = checked_marks(asked.marks)
    if isinstance(marks, str):
        return marks
    seconds = asked.seconds_taken
    is_plausible = seconds is not None and 0 <= seconds <= MAX_SECONDS
    kept = list(said) if asked.verdict == Verdict.REJECT else []
    return Verdicted(
        verdict=Verdict(asked.verdict),
        reasons=kept,
        note=asked.note.strip(),
        idempotency_key=asked.idempotency_key,
        seconds_taken=seconds if is_plausible else None,
        was_blind=asked.queue != "assisted",
        marks=marks,
        directions={reason: said[reason] for reason in kept if said[reason]},
        colour_checked=asked.colour_checked and asked.verdict == Verdict.APPROVE,
    )


def _told(reason: str) -> tuple[str, str]:
    """(reason, way) of "reason:way"; the way is "" where none was said."""
    code, _colon, way = reason.partition(":")
    return code, way


def checked_marks(marks: Sequence[Any]) -> list[dict[str, float]] | str:
    """Return the rings drawn on a picture as {x, y, w, h} in frame pixels, or the sentence that refuses them."""
    if len(marks) > MAX_MARKS:
        return Said(
            gettext_noop("%(count)s marks are drawn; %(most)s fit. Take some away."), count=len(marks), most=MAX_MARKS
        )
    found = [_mark(mark) for mark in marks]
    kept = [mark for mark in found if mark is not None]
    return kept if len(kept) == len(found) else gettext_noop("A mark lies outside the picture. Draw it again.")


def _mark(mark: Any) -> dict[str, float] | None:
    if not isinstance(mark, Mapping):
        return None
    values = [mark.get(name) for name in ("x", "y", "w", "h")]
    numbers = [float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v)]
    if len(numbers) < 4:
        return None
    x, y, width, height = numbers
    is_inside = x > -width and y > -height and max(map(abs, numbers)) <= MAX_SIDE
    if not is_inside or min(width, height) < MIN_MARK:
        return None
    return {name: round(value, 1) for name, value in zip("xywh", numbers, strict=True)}
