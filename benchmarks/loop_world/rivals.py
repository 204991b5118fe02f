"""The plans people use today, on the same lots: flat shares, ISO 2859-1 with switching rules, c = 0 per lot.

A find is mended under all of them. The ISO tables are our transcription of level II, AQL 1.0 (the reduced column above
all); hold them against a licensed copy before relying on them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from reviewapp.policies.quality.bounds import cp_lower
from reviewapp.policies.quality.plans import n_single
from reviewapp.policies.sampling import sample_size

if TYPE_CHECKING:
    from benchmarks.loop_world.pictures import Pictures

ALPHA = 0.02
WEEK = 7
# Lot up to -> (sample, accepted) under normal, tightened, reduced inspection.
ISO_PLANS: tuple[tuple[int, tuple[tuple[int, int], ...]], ...] = (
    (150, ((13, 0), (20, 0), (5, 0))),
    (500, ((50, 1), (80, 1), (20, 1))),
    (1200, ((80, 2), (80, 1), (32, 1))),
    (3200, ((125, 3), (125, 2), (50, 2))),
    (10000, ((200, 5), (200, 3), (80, 3))),
)


class Rival:
    """What all of them share: no proof to check, nothing kept per version."""

    def new_version(self) -> None:
        """They don't know that anything changed."""

    def rolled_back(self) -> None:
        """Nor that it changed back."""

    def check(self, tally: Any) -> None:
        """They claim nothing."""

    def whole(self, pictures: Pictures) -> tuple[int, int, bool]:
        """Look at all of it: looks, escapes, and whether that is an incident."""
        size = pictures.size
        finds = len(pictures.finds(size))
        is_incident = finds >= 3 and cp_lower(finds, size, 0.05) > ALPHA
        return size + pictures.adjudications(size), len(pictures.defects) - pictures.fixed(size), is_incident


class Flat(Rival):
    """A flat share is looked at and the rest ships; a weekly report alarms when its 95 % lower bound is over 2 %."""

    def __init__(self, share: float) -> None:
        self.share, self.finds, self.looks, self.lots = share, 0, 0, 0

    def judge(self, pictures: Pictures, remade: Callable[[], Pictures]) -> Any:
        from benchmarks.loop_world.streams import Judged  # streams imports this module

        looks = sample_size(pictures.size, self.share)
        self.finds, self.looks, self.lots = self.finds + len(pictures.finds(looks)), self.looks + looks, self.lots + 1
        alarm = False
        if self.lots % WEEK == 0:
            alarm = cp_lower(self.finds, self.looks, 0.05) > ALPHA
            self.finds = self.looks = 0
        escapes = len(pictures.defects) - pictures.fixed(looks)
        return Judged(looks + pictures.adjudications(looks), escapes, alarm)


class C0(Rival):
    """Per lot: the c = 0 plan at 2 % LTPD; any find, and all of it is looked at."""

    def judge(self, pictures: Pictures, remade: Callable[[], Pictures]) -> Any:
        from benchmarks.loop_world.streams import Judged  # streams imports this module

        looks = n_single(pictures.size, 0, ALPHA, 0.05, 0.85)
        if looks is None or pictures.finds(looks):
            return Judged(*self.whole(pictures))
        escapes = len(pictures.defects) - pictures.fixed(looks)
        return Judged(looks + pictures.adjudications(looks), escapes)


class Iso(Rival):
    """ISO 2859-1, AQL 1.0, level II: normal, tightened after 2 of 5 refused, reduced after a switching score of 30."""

    def __init__(self) -> None:
        self.severity, self.recent, self.score, self.accepted = 0, [True] * 5, 0, 0

    def judge(self, pictures: Pictures, remade: Callable[[], Pictures]) -> Any:
        from benchmarks.loop_world.streams import Judged  # streams imports this module

        size, limit = next(plans for most, plans in ISO_PLANS if pictures.size <= most)[self.severity]
        looks = min(size, pictures.size)
        finds = len(pictures.finds(looks))
        is_accepted = finds <= limit
        self._switch(is_accepted, finds)
        if not is_accepted:
            return Judged(*self.whole(pictures))
        escapes = len(pictures.defects) - pictures.fixed(looks)
        return Judged(looks + pictures.adjudications(looks), escapes)

    def _switch(self, is_accepted: bool, finds: int) -> None:
        self.recent = [*self.recent[1:], is_accepted]
        self.accepted = self.accepted + 1 if is_accepted else 0
        if self.severity == 2 and not is_accepted:
            self.severity, self.score = 0, 0
        elif self.severity == 1 and self.accepted >= 5:
            self.severity, self.score, self.recent = 0, 0, [True] * 5
        elif self.severity == 0:
            self.score = self.score + (3 if finds == 0 else 2) if is_accepted else 0
            if self.recent.count(False) >= 2:
                self.severity = 1
            elif self.score >= 30:
                self.severity = 2


@lru_cache(maxsize=64)
def dodge_romig(lot: int, rate: float) -> tuple[int, int]:
    """Return (n, c) of the LTPD plan with the least total inspection at the expected defect `rate`."""
    from reviewapp.policies.quality.bounds import found_at_most

    best, plan = float(lot), (lot, 0)
    for accept in range(8):
        looks = n_single(lot, accept, ALPHA, 0.05)
        if looks is None:
            break
        passes = found_at_most(accept, round(rate * lot), lot, looks)
        total = looks + (1.0 - passes) * (lot - looks)
        if total < best:
            best, plan = total, (looks, accept)
    return plan
