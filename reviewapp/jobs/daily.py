"""The sweeper's daily round, in a thread of its own: it reads every row, and expired leases can't wait for that."""

from __future__ import annotations

import logging
import threading
import time

from django.db import connection

from reviewapp.services import upkeep

logger = logging.getLogger(__name__)

FIRST_AFTER_S = 600.0
EVERY_S = 24 * 3600.0


class Daily:
    """Starts the round when it is due. Killed in the middle it leaves nothing half done: the next one goes on."""

    def __init__(self, first_after_s: float = FIRST_AFTER_S, every_s: float = EVERY_S) -> None:
        self._due, self._every_s = time.monotonic() + first_after_s, every_s
        self._thread: threading.Thread | None = None

    def look(self) -> bool:
        """Start it when it is due and the last one has ended; says whether it did."""
        if time.monotonic() < self._due or (self._thread is not None and self._thread.is_alive()):
            return False
        self._due = time.monotonic() + self._every_s
        self._thread = threading.Thread(target=_run, name="daily", daemon=True)
        self._thread.start()
        return True

    def wait(self, seconds: float) -> bool:
        """Wait for a round that was started; says whether none runs any more."""
        if self._thread is not None:
            self._thread.join(seconds)
        return self._thread is None or not self._thread.is_alive()


def _run() -> None:
    try:
        upkeep.daily()
    except Exception:  # of a thread nobody joins: it is in the log, and tomorrow's round tries again
        logger.exception("upkeep_failed")
    finally:
        connection.close()
