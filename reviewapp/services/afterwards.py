"""What follows a decision, done once its answer is on its way: how long that takes then tells nothing of the photo.

Outside `kept` (commands, workers, tests of services) it is done at once, in the caller's transaction. What a dying
process leaves undone the sweep does (`review.repair`, `looks.repair`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import transaction

logger = logging.getLogger(__name__)

Work = Callable[[], object]
_kept: ContextVar[list[Work] | None] = ContextVar("kept", default=None)


class Kept:
    """Work that waits for the answer to leave."""

    def __init__(self) -> None:
        self.work: list[Work] = []

    def run(self) -> None:
        """Do it, each piece in a transaction of its own; one that fails is logged and left to the sweep."""
        while self.work:
            piece = self.work.pop(0)
            try:
                with transaction.atomic():
                    piece()
            except Exception:
                logger.exception("followup_failed")


@contextmanager
def kept() -> Iterator[Kept]:
    """Keep what `do` is given until `run` is called on the result."""
    waiting = Kept()
    token = _kept.set(waiting.work)
    try:
        yield waiting
    finally:
        _kept.reset(token)


def do(work: Work) -> None:
    """Do `work` now, or keep it when somebody asked for that."""
    waiting = _kept.get()
    if waiting is None:
        work()
    else:
        waiting.append(work)
