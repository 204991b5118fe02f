"""The one door to chance that nobody may foresee: who is sampled, which photos go on trial, when a known picture comes.

Not for passwords and tokens. Everything drawn is kept with its row, so that a draw can be repeated and shown.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

_source: random.Random = random.SystemRandom()


def seed() -> str:
    """Return 64 hex digits that fix an order for good."""
    return f"{_source.getrandbits(256):064x}"


def share() -> float:
    """Return a number in [0, 1)."""
    return _source.random()


def number() -> int:
    """Return a whole number in 0..2^31 - 1."""
    return _source.getrandbits(31)


@contextmanager
def foreseen(luck: int) -> Iterator[None]:
    """Let this process, for the block, draw the same every time: for simulations only."""
    global _source
    before, _source = _source, random.Random(luck)
    try:
        yield
    finally:
        _source = before
