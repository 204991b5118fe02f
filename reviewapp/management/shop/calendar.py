"""The shop's own calendar: while it is open, the application's clock shows the shop's day."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.utils import timezone


class Calendar:
    """Days since the shop opened. Time passes within a day as it does on the wall, so that rows keep their order."""

    def __init__(self) -> None:
        self._real = timezone.now
        self.day = 0

    def now(self) -> datetime:
        """The moment it is in the shop."""
        return self._real() + timedelta(days=self.day)

    def next_day(self) -> None:
        """It is tomorrow."""
        self.day += 1


@contextmanager
def opened() -> Iterator[Calendar]:
    """Let the application in this process, and no other, live by a calendar of its own."""
    calendar = Calendar()
    timezone.now = calendar.now
    try:
        yield calendar
    finally:
        timezone.now = calendar._real
