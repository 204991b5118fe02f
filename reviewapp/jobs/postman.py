"""Beside the sweeper: threads that send outbound messages, so that a slow receiver holds up no sweep and no photo."""

from __future__ import annotations

import logging
import threading
import time

from django.db import DatabaseError, connection

from reviewapp.services import sending

logger = logging.getLogger(__name__)

LOOK_S = 1.0
END_S = 6.0  # the supervisor gives the sweeper ten seconds to stop
HANDS = 3
"""Messages on their way at once: one receiver that is slow doesn't hold up the others."""


class Postman:
    """Looks for messages every second. Two of them, on two machines, do no harm: each message is claimed."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, name=f"postman-{n}", daemon=True) for n in range(HANDS)]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End after the messages that are on their way; one that takes longer is left to its lease."""
        self._stop.set()
        until = time.monotonic() + END_S
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _run(self) -> None:
        while not self._stop.wait(LOOK_S):
            try:
                while sending.send_due(1) and not self._stop.is_set():
                    pass
            except DatabaseError as error:  # the next look finds it or not
                logger.warning("messages_missed", extra={"error": str(error)})
                connection.close()
            except Exception:  # whatever it is must not end the thread: it is logged, and the lease brings it back
                logger.exception("postman_failed")
        connection.close()
