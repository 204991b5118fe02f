"""Once a day: files that retention removes, files nobody names, and the trash."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from reviewapp import trash

from . import checking, repairing, retention

logger = logging.getLogger(__name__)

AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What one round did. Batches are counted once for originals and once for results."""

    batches_brought_back: int
    batches_removed: int
    orphans_trashed: int
    trash_deleted: int
    trash_bytes: int


def daily() -> Upkeep:
    """Bring back what is on hold now, let go what is past its days, clear orphans, empty the trash.

    Twice does no harm, nor do two at once: each file is moved under its own lock, and what is gone is gone.
    """
    brought_back = retention.bring_back()
    removed = retention.remove_due()
    cleared = sum(len(repairing.clear(keys)) for keys in _some(held.key for held in checking.orphans()))
    deleted, size = trash.empty()
    report = Upkeep(brought_back, removed, cleared, deleted, size)
    if any(asdict(report).values()):
        logger.info("upkeep", extra=asdict(report))
    return report


def _some(keys: Iterable[str]) -> Iterator[list[str]]:
    walked = iter(keys)
    while some := list(itertools.islice(walked, AT_ONCE)):
        yield some
