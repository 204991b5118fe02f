"""What follows a decision, done once its answer is on its way: how long that takes then tells nothing of the photo.

Outside `kept` (commands, workers, tests of services) it is done at once, in the caller's transaction. What a dying
process leaves undone the sweep does (`review.repair`, `looks.repair`, `undo.repair`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context

from django.db import close_old_connections, transaction

logger = logging.getLogger(__name__)

Work = Callable[[], object]
_kept: ContextVar[list[Work] | None] = ContextVar("kept", default=None)


class Kept:
    """Work that waits for the answer to leave."""

    def __init__(self) -> None:
        self.work: list[Work] = []

    def leave(self) -> None:
        """Call when the answer has left: do it, in the background where that is switched on."""
        if not self.work:
            return
        if _background is None:
            self.run()
        else:
            _background.submit(copy_context().run, self._run_apart)

    def _run_apart(self) -> None:
        close_old_connections()
        try:
            self.run()
        finally:
            close_old_connections()

    def run(self) -> None:
        """Do it, each piece in a transaction of its own; one that fails is logged and left to the sweep."""
        while self.work:
            piece = self.work.pop(0)
            try:
                with transaction.atomic():
                    piece()
            except Exception:
                logger.exception("followup_failed")


_background: ThreadPoolExecutor | None = None


def in_background() -> None:
    """From now on let this process do what follows in a thread of its own; it ends with its work done.

    On the thread of the answer, the next request on the same connection would wait for it, longer for some photos
    than for others. One thread: things follow in the order in which they were decided.
    """
    global _background
    _background = _background or ThreadPoolExecutor(1, thread_name_prefix="afterwards")


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
