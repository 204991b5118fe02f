"""The files of one run: `n` of them, the same for the same seed; known bombs first, then a fixed share of each kind."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from benchmarks.fuzzing import archives, bombs, pictures

SHARES = {
    "jpg segments": 16, "jpg bytes": 12, "jpg profiles": 5, "png chunks": 14, "png bytes": 8, "webp chunks": 8,
    "webp bytes": 6, "tif directories": 9, "tif bytes": 9, "avif bytes": 3, "zip": 5, "csv": 5,
}  # fmt: skip
SMALLEST = 1500
ROUND = 200
"""Drawn at a time: hypothesis tries few ideas in a short run and repeats itself in a long one."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A file to send. `kind` is what was done to it, `name` what it is sent as."""

    number: int
    kind: str
    name: str
    data: bytes
    is_known: bool = False

    @property
    def ending(self) -> str:
        """jpg, png, webp, tif, avif, zip or csv."""
        return self.kind.split(" ", 1)[0]


def samples(n: int, first_seed: int) -> Iterator[Sample]:
    """Yield `n` files in an order that mixes the kinds."""
    known = [*bombs.bombs(), *archives.bombs(), *archives.sheet_bombs()]
    rng = random.Random(first_seed)
    room = max(0, n - len(known))
    drawn = pictures.strategies() | archives.strategies()
    total = sum(SHARES[kind] for kind in drawn)
    wanted = {kind: round(room * SHARES[kind] / total) for kind in drawn}
    number = 0
    for name, data in known[:n]:
        # Below this size nothing is opened, and the bomb would prove nothing.
        is_photo = not name.startswith(("zip", "csv"))
        yield replace(_named(number, name, data.ljust(SMALLEST, b"\0") if is_photo else data), is_known=True)
        number += 1
    rounds = 0
    while number < n:
        batch = []
        for kind, strategy in drawn.items():
            part = min(ROUND, wanted[kind])
            wanted[kind] -= part
            batch += [(kind, data) for data in _drawn(strategy, part, first_seed + rounds)]
        if not batch:  # rounding left a few
            batch = [("jpg bytes", data) for data in _drawn(drawn["jpg bytes"], n - number, first_seed - 1)]
        rng.shuffle(batch)
        for kind, data in batch[: n - number]:
            yield _named(number, kind, data)
            number += 1
        rounds += 1


def _named(number: int, kind: str, data: bytes) -> Sample:
    return Sample(number, kind, f"f{number:05d}.{kind.split(' ', 1)[0]}", data)


def _drawn(strategy: st.SearchStrategy[bytes], count: int, number: int) -> list[bytes]:
    found: list[bytes] = []
    if count:
        keep = settings(
            max_examples=count, phases=[Phase.generate], database=None, deadline=None,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip

        def take(data: bytes) -> None:
            found.append(data)

        keep(seed(number)(given(strategy)(take)))()
    return found[:count]


def main() -> None:
    """Print what a run would send, without sending it: python -m benchmarks.fuzzing.samples 300."""
    for sample in samples(int(sys.argv[1]), 1):
        print(sample.number, sample.kind, len(sample.data))


if __name__ == "__main__":
    main()
