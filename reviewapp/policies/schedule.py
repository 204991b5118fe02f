"""How long to wait before work is tried again. Pure."""

from __future__ import annotations


def provider_waits_s(tries: int = 3) -> tuple[float, ...]:
    """Return the seconds to wait between `tries` of a provider, each twice the one before (SCH-06): 1, 2 for three.

    Raises ValueError for no try at all.
    """
    return tuple(float(2**attempt) for attempt in range(_checked(tries) - 1))


def file_waits_s(tries: int = 3) -> tuple[float, ...]:
    """Return the seconds to wait between `tries` of reading or writing a file (SCH-08): 0.5, 1.0 for three.

    Raises ValueError for no try at all.
    """
    return tuple(0.5 * (attempt + 1) for attempt in range(_checked(tries) - 1))


def _checked(tries: int) -> int:
    if tries < 1:
        raise ValueError(f"{tries} tries are none.")
    return tries
