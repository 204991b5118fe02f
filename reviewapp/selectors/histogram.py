"""Scores as bars against the two lines of a policy: the chart of the thresholds page and of a batch's page."""

from __future__ import annotations

import math
from dataclasses import dataclass

from django.utils.translation import gettext as _

from reviewapp.models import RoutingPolicy
from reviewapp.selectors.quality import ScoreBin


@dataclass(frozen=True, slots=True)
class Column:
    """One bar of the histogram in chart units: x and width of 0..1000, y and height of 0..100."""

    x: float
    width: float
    y: float
    height: float
    zone: str
    words: str


@dataclass(frozen=True, slots=True)
class Histogram:
    """Scores in bins, and the policy whose lines are drawn."""

    current: RoutingPolicy
    bins: list[ScoreBin]

    @property
    def scored(self) -> int:
        return sum(one.count for one in self.bins)

    def share(self, low: float, high: float) -> float:
        """Share of scores whose bin begins in low..high; bins are 5 points wide, so it is exact for such limits."""
        return sum(one.count for one in self.bins if low <= one.low < high) / max(1, self.scored)

    @property
    def zones(self) -> list[tuple[str, str, float]]:
        """(zone, words, share) from the bottom of the scale."""
        policy = self.current
        return [
            ("lo", _("Below the review line"), self.share(0, policy.review_at)),
            ("mid", _("In the review band"), self.share(policy.review_at, policy.approve_at)),
            ("hi", _("From the pass line up"), self.share(policy.approve_at, 101)),
        ]

    @property
    def columns(self) -> list[Column]:
        """The histogram's bars."""
        top = max((one.count for one in self.bins), default=0) or 1
        out = []
        for one in self.bins:
            zone = "hi" if one.low >= self.current.approve_at else "mid" if one.low >= self.current.review_at else "lo"
            height = one.count / top * 100
            words = f"{one.low} to {one.high}: {one.count:,}"
            out.append(Column(one.low * 10 + 2, (one.high - one.low) * 10 - 4, 100 - height, height, zone, words))
        return out


def height(share: float) -> float:
    """A share 0..1 in chart units from the top, 0..100, by its square root: small shares can be told apart."""
    return round(100.0 - 100.0 * math.sqrt(share), 2)
