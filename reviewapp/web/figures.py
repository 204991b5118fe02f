"""Key figures as ui/figures.html shows them: label, value, unit and a line that says what it is of."""

from __future__ import annotations

import math
from datetime import timedelta

Figure = dict[str, str]


def figure(label: str, value: str, unit: str, detail: str) -> Figure:
    """One figure of a strip."""
    return {"label": label, "value": value, "unit": unit, "detail": detail}


def span(value: timedelta | None) -> tuple[str, str]:
    """A length of time as a figure and its unit."""
    if value is None:
        return "–", ""
    minutes = int(value.total_seconds() // 60)
    if minutes >= 48 * 60:
        return f"{minutes // 1440} d {minutes % 1440 // 60:02d}", " h"
    return (f"{minutes // 60} h {minutes % 60:02d}", " m") if minutes >= 60 else (str(minutes), " min")


def floored(value: float) -> str:
    """A number to one digit, rounded down: 99.96 never reads as 100 (B9)."""
    return f"{math.floor(round(value, 9) * 10) / 10:.1f}"


def share(value: float | None) -> tuple[str, str]:
    """A share 0..1 as a percentage and its unit, rounded down."""
    return ("–", "") if value is None else (floored(value * 100), "%")
