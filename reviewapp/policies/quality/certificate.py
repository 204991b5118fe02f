"""What a scope has proven: the rolling certificate, the ledger that may be read at any time, and what it costs. Pure.

A scope is client x category x preset x threshold x score version. Of each lot the first ceil(pi N) looks are its
certificate sample; a defect of the lot lies in it with probability >= pi and is then found with probability >= s_L.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, log, log1p

import numpy as np
from scipy import special

from reviewapp.policies.quality.bounds import Floats, binomial_defects_upper, checked, tolerated

RATE_STEP = 0.0025
LEDGER_SHARES, LEDGER_WEIGHTS = (0.9999, 0.75, 0.5), (0.4, 0.35, 0.25)
"""Three bets of the ledger, as shares of the steepest one that stays finite, and the stake on each."""
PLANNED_QUANTILE = 0.9


@dataclass(frozen=True, slots=True)
class ClosedLot:
    """A lot that shipped. `rate`: planned share looked at whatever is found, fixed before the first look, 0..1.

    `find_ranks`: places (from 0, in the lot's random order) of the defects found by its looks; `other_finds`: defects
    taken out on other ways before release (hunter sample, complaints, second passes).
    """

    size: int
    rate: float
    find_ranks: tuple[int, ...] = ()
    other_finds: int = 0

    def split(self, rate: float) -> tuple[int, int]:
        """Return (f1, f2): finds within the first ceil(rate size) looks, and all others."""
        first = ceil(rate * self.size - 1e-9)
        inside = sum(place < first for place in self.find_ranks)
        return inside, len(self.find_ranks) - inside + self.other_finds


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a window of lots proves. `upper` bounds the defects that escaped, None: nothing is bounded.

    `point`: estimated share of escapes, 0..1, None without a rate. `upper_anytime`: the same bound from the ledger.
    """

    images: int
    f1: int
    f2: int
    pi_min: float
    sensitivity: float
    upper: int | None
    upper_anytime: float | None
    alpha: float
    is_ok: bool
    point: float | None


def certificate(
    lots: Sequence[ClosedLot], sensitivity: float, alpha: float = 0.02, delta: float = 0.05, *, with_ledger: bool = True
) -> Certificate:
    """Return what the lots of one window prove together: U = D_max - f1 - f2 escaped at most, and is U <= alpha W?

    f1 given D is at least as large as Binomial(D, pi s) (W. Hoeffding, "On the distribution of the number of
    successes in independent trials", 1956, for the sum of hypergeometric counts), pi the smallest planned rate of the
    window, so D_max = max{D : BinCDF(f1; D, pi s_L) > delta}. Holds at the date it is made, not if read until it
    pleases (that is `ledger_upper`). No lots, or a rate of 0: no certificate. Raises ValueError for values out of
    range.
    """
    checked(delta=delta, sensitivity=sensitivity, alpha=alpha)
    images = sum(lot.size for lot in lots)
    pi_min = min((lot.rate for lot in lots if lot.size), default=0.0)
    halves = [lot.split(pi_min) for lot in lots]
    f1, f2 = sum(half[0] for half in halves), sum(half[1] for half in halves)
    most = binomial_defects_upper(f1, pi_min * sensitivity, delta) if images else None
    upper = None if most is None else min(images, max(0, most - f1 - f2))
    is_ok = upper is not None and upper <= tolerated(images, alpha)
    chance = pi_min * sensitivity
    point = max(0.0, f1 / chance - f1 - f2) / images if images and chance else None
    anytime = ledger_upper(ledger_entries(lots, sensitivity), delta) if with_ledger else None
    return Certificate(images, f1, f2, pi_min, sensitivity, upper, anytime, alpha, is_ok, point)


def window(lots: Sequence[ClosedLot], images: int) -> tuple[ClosedLot, ...]:
    """Return the fewest most recent lots (they come oldest first) that hold at least `images`, or all of them."""
    total, start = 0, len(lots)
    while start and total < images:
        start -= 1
        total += lots[start].size
    return tuple(lots[start:])


@dataclass(frozen=True, slots=True)
class LedgerEntries:
    """What the ledger needs of a stream: the smallest chance of a find (pi s), and the chance at each find in it."""

    least_chance: float
    chances: tuple[float, ...]


def ledger_entries(lots: Sequence[ClosedLot], sensitivity: float) -> LedgerEntries:
    """Return the ledger's entries for lots: each one's own planned rate counts, finds beyond its sample don't."""
    held = [lot for lot in lots if lot.size]
    chances = tuple(lot.rate * sensitivity for lot in held for _ in range(lot.split(lot.rate)[0]))
    return LedgerEntries(min((lot.rate * sensitivity for lot in held), default=0.0), chances)


def ledger_upper(entries: LedgerEntries, delta: float = 0.05) -> float | None:
    """Return U, the most defects that have escaped, valid at all times at once with probability 1 - delta.

    Of each defect the ledger's wealth is multiplied by e^th if it escapes and by e^-eta if the sample finds it, with
    exp(-eta) = (1 - (1-q) e^th) / q, q = pi s: on average by 1 at most, whatever the stream does next. By J. Ville,
    "Étude critique de la notion de collectif" (1939), the wealth reaches 1/delta with probability delta at most; U is
    where the mix of three bets does. Mixed supermartingales: I. Waudby-Smith, P. B. Stark, A. Ramdas, "RiLACS"
    (2021). None for a chance of 0, 0.0 where everything is seen. Golden for q = 0.1: 33.5, 65.4, 81.8, 97.9.
    """
    checked(delta=delta)
    if entries.least_chance <= 0.0:
        return None
    if entries.least_chance >= 1.0:
        return 0.0
    slopes = bets(entries.least_chance)
    lost = sum((spent(slopes, chance) for chance in entries.chances), np.zeros(len(slopes)))
    low, high = 0.0, 1.0
    while log_wealth(slopes, lost, high) < -log(delta):
        low, high = high, high * 2.0
    for _ in range(60):
        middle = (low + high) / 2.0
        if log_wealth(slopes, lost, middle) < -log(delta):
            low = middle
        else:
            high = middle
    return high


def bets(least_chance: float) -> Floats:
    """Return th of the ledger's three bets, (3,), for the smallest chance (0..1) of a find in the stream."""
    return -log1p(-least_chance) * np.array(LEDGER_SHARES)


def spent(slopes: Floats, chance: float) -> Floats:
    """Return eta of each bet, (3,), for a find at `chance`."""
    if chance >= 1.0:
        return np.zeros(len(slopes))
    kept = (1.0 - (1.0 - chance) * np.exp(slopes)) / chance
    return np.asarray(-np.log(np.maximum(kept, 1e-300)), dtype=np.float64)


def log_wealth(slopes: Floats, lost: Floats, escapes: float) -> float:
    """Return the logarithm of the mixed wealth after `escapes`; `slopes`, `lost`: th and the sum of eta of each bet."""
    return float(special.logsumexp(slopes * escapes - lost, b=np.array(LEDGER_WEIGHTS)))


@lru_cache(maxsize=65536)
def monitor_rate(
    images: int, expected: float, alpha: float = 0.02, delta: float = 0.05, sensitivity: float = 1.0
) -> float:
    """Return pi(W, p): the smallest sampling rate (0..1, steps of 0.0025) that will probably certify a window.

    It does if the window of `images` still certifies with as many finds as 90 % of windows have at most, when
    `expected` (0..1) of its pictures are defective. 1.0 when no rate below does. Raises ValueError for values out of
    range.
    """
    checked(delta=delta, sensitivity=sensitivity, alpha=alpha)
    if images < 0 or not 0.0 <= expected <= 1.0:
        raise ValueError(f"{images} images with {expected} expected defective is impossible.")
    limit = tolerated(images, alpha)
    if limit == 0:  # too few pictures to leave one defective among them
        return 1.0
    for step in range(1, round(1 / RATE_STEP)):
        rate = step * RATE_STEP
        finds = binomial_quantile(images, expected * rate * sensitivity, PLANNED_QUANTILE)
        most = binomial_defects_upper(finds, rate * sensitivity, delta)
        if most is not None and most - finds <= limit:
            return rate
    return 1.0


def binomial_quantile(trials: int, chance: float, quantile: float) -> int:
    """Return the smallest x with P(Binomial(trials, chance) <= x) >= quantile."""
    count = 0
    while count < trials and special.bdtr(count, trials, chance) < quantile:
        count += 1
    return count


def looks_left(lots: Sequence[ClosedLot], rate: float, sensitivity: float, alpha: float, delta: float) -> int | None:
    """Return how many clean looks at `rate` would certify these lots and the next ones together, 0 if certified.

    Counted in pictures of further lots sampled at the window's smallest rate without a find; None without a rate.
    """
    checked(delta=delta, sensitivity=sensitivity, alpha=alpha)
    now = certificate(lots, sensitivity, alpha, delta, with_ledger=False)
    if now.is_ok:
        return 0
    least = min(rate, now.pi_min) if lots else rate
    halves = [lot.split(least) for lot in lots]
    f1, f2 = sum(half[0] for half in halves), sum(half[1] for half in halves)
    most = binomial_defects_upper(f1, least * sensitivity, delta)
    if most is None:
        return None
    return ceil(rate * max(0.0, (most - f1 - f2) / alpha - now.images))


def expected_rate(finds: int, looks: int, sensitivity: float, prior: float = 0.008, weight: float = 125.0) -> float:
    """Return a shrunk estimate of a scope's defect rate, for planning only: (prior weight + finds) / (weight + s
    looks).

    0..1; the prior when nothing was looked at. Never a guarantee: plans made with it are proven by `certificate`.
    """
    checked(sensitivity=sensitivity)
    return min(1.0, (prior * weight + finds) / (weight + looks * sensitivity))
