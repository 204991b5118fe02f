"""Numbers as they stand in addresses and forms."""

from __future__ import annotations

MOST_DIGITS = 18
"""A longer number is no id of ours and fits no column."""


def whole(text: str) -> int | None:
    """Return the number a text is; None for what is none ("²" is a digit and no number) or longer than any of ours."""
    return int(text) if text.isdecimal() and len(text) <= MOST_DIGITS else None
