"""When work may start and how long to wait before it is tried again. Pure."""

from __future__ import annotations

from datetime import time

OFF_PEAK_FROM, OFF_PEAK_TO = time(22, 0), time(6, 0)


def is_off_peak(now: time, begins: time = OFF_PEAK_FROM, ends: time = OFF_PEAK_TO) -> bool:
    """Tell whether `now` (local time of day) lies in the cheap hours: from `begins` on, before `ends` (SCH-05).

    The window may wrap midnight, as the seed's does: 21:59 no, 22:00 yes, 05:59 yes, 06:00 no. Equal ends: never.
    """
    if begins <= ends:
        return begins <= now < ends
    return now >= begins or now < ends


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
