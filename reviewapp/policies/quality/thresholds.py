"""Thresholds that keep their promise: proposed on old labels, certified on new ones by Learn-then-Test. Pure.

Source: A. N. Angelopoulos, S. Bates, E. J. Candès, M. I. Jordan, L. Lei, "Learn then Test", arXiv 2110.01052 (fixed
sequences of tests, each at full level until the first failure), with Clopper-Pearson in strata of equal inclusion.
Holds for pictures like those of the certification window; drift alarms make it void.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from reviewapp.policies.quality.bounds import Floats, checked, cp_upper
from reviewapp.policies.quality.calibration import Bools

SAMPLED_SHARE = 0.8
"""Of the error allowed to the strata that were sampled; the rest is for those looked at whole."""
CHAIN_SHARES, FALLBACK_UP = (0.8, 0.2), 4.0
MARGINS = (1.3, 0.7, 0.0)


@dataclass(frozen=True, slots=True)
class Window:
    """Pictures of one period: `scores` 0..100, chances `pi` of a look [0..1], `seen` who got one, `bad` the verdict.

    All of shape (n,). `bad` counts only where `seen`. The strata are the groups of equal pi.
    """

    scores: Floats
    pi: Floats
    seen: Bools
    bad: Bools


@dataclass(frozen=True, slots=True)
class Stratum:
    """Pictures at or above a threshold that were chosen with the same chance."""

    share: float
    pi: float
    looks: int
    finds: int


def strata(window: Window, tau: float) -> list[Stratum]:
    """Return the strata of the pictures with a score of `tau` or more, by rising pi; [] when there is none."""
    kept = window.scores >= tau
    total = np.count_nonzero(kept)
    found = []
    for pi in np.unique(window.pi[kept]).tolist():
        inside = kept & (window.pi == pi)
        seen = inside & window.seen
        finds, looks = int(np.count_nonzero(seen & window.bad)), int(np.count_nonzero(seen))
        found.append(Stratum(float(np.count_nonzero(inside) / total), pi, looks, finds))
    return found


def split_error(groups: list[Stratum], delta: float) -> list[float]:
    """Return each stratum's part of `delta`: 80 % over the sampled ones, 20 % over those looked at whole; sums to
    delta.
    """
    sampled = sum(group.pi < 1.0 for group in groups)
    whole = len(groups) - sampled
    if not groups:
        return []
    if not sampled or not whole:
        return [delta / len(groups)] * len(groups)
    parts = (delta * SAMPLED_SHARE / sampled, delta * (1.0 - SAMPLED_SHARE) / whole)
    return [parts[group.pi >= 1.0] for group in groups]


def risk_upper(window: Window, tau: float, delta: float = 0.05) -> float:
    """Return R_U(tau), 0..1: with probability 1 - delta no larger share of what `tau` approves is found defective.

    sum over strata of share x CP upper bound; a stratum without a look counts 1, no picture at all gives 1 (nothing is
    proven). Raises ValueError for a delta outside 0..1.
    """
    checked(delta=delta)
    groups = strata(window, tau)
    parts = split_error(groups, delta)
    total = sum(g.share * cp_upper(g.finds, g.looks, part) for g, part in zip(groups, parts, strict=True))
    return min(1.0, total) if groups else 1.0


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the windows prove. `tau`: the lowest certified threshold, None: none is. `risk`: R_U there.

    `start`: where the tests began (None: nowhere was a pass predicted); `tried`: (tau, R_U, part of delta, passed) in
    order; `labels_needed`: further clean looks that would certify `start` as things stand.
    """

    tau: float | None
    risk: float | None
    start: float | None
    tried: tuple[tuple[float, float, float, bool], ...]
    labels_needed: int


def certify(
    old: Window,
    new: Window,
    *,
    alpha: float = 0.02,
    delta: float = 0.05,
    sensitivity: float = 1.0,
    grid: tuple[int, int] = (70, 99),
) -> Proposal:
    """Propose where to start on `old`, certify on `new`: down point by point from there until the first failure.

    A threshold passes if R_U <= alpha s_L (eyes that miss see s p only). Most of `delta` is for the chain from the
    start; if already the start fails, one chain from 4 points above gets the rest. P(R(tau) > alpha) <= delta if the
    labels of `new` had no part in the proposal. Empty windows certify nothing. Raises ValueError for values out of
    range.
    """
    checked(delta=delta, sensitivity=sensitivity, alpha=alpha)
    limit = alpha * sensitivity
    start = predicted_start(old, new, limit, delta * CHAIN_SHARES[0], grid)
    if start is None:
        needed = labels_needed(0, alpha * sensitivity, delta)
        return Proposal(None, None, None, (), max(0, needed - _looks(new, grid[1])))
    tried: list[tuple[float, float, float, bool]] = []
    chains = ((start, grid[0]), (min(start + FALLBACK_UP, float(grid[1])), start + 1))
    for share, (top, bottom) in zip(CHAIN_SHARES, chains, strict=True):
        passed = _chain(new, top, bottom, limit, delta * share, tried)
        if passed is not None:
            return Proposal(passed[0], passed[1], start, tuple(tried), 0)
    return Proposal(None, None, start, tuple(tried), clean_looks_left(new, start, limit, delta * CHAIN_SHARES[0]))


def _chain(
    new: Window, top: float, bottom: float, limit: float, delta: float, tried: list[tuple[float, float, float, bool]]
) -> tuple[float, float] | None:
    best = None
    tau = top
    while tau >= bottom:
        risk = risk_upper(new, tau, delta)
        tried.append((tau, risk, delta, risk <= limit))
        if risk > limit:
            break
        best, tau = (tau, risk), tau - 1.0
    return best


def predicted_start(old: Window, new: Window, limit: float, delta: float, grid: tuple[int, int]) -> float | None:
    """Return the lowest threshold predicted to pass: with margin z = 1.3 standard deviations, else 0.7, else 0; or
    None.

    Rates come from the old window, (x + .5) / (n + 1) per stratum, numbers of looks from the new one, whose verdicts
    stay unread.
    """
    rows = [(float(tau), strata(old, tau), strata(new, tau)) for tau in range(grid[0], grid[1] + 1)]
    for margin in MARGINS:
        for tau, past, groups in rows:
            if _predicted_risk(past, groups, delta, margin) <= limit:
                return tau
    return None


def _predicted_risk(past: list[Stratum], groups: list[Stratum], delta: float, margin: float) -> float:
    known = {group.pi >= 1.0: group for group in past}
    total = 0.0
    for group, part in zip(groups, split_error(groups, delta), strict=True):
        before = known.get(group.pi >= 1.0)
        rate = (before.finds + 0.5) / (before.looks + 1.0) if before else 0.5
        finds = group.looks * rate + margin * (group.looks * rate * (1.0 - rate)) ** 0.5
        bound = 1.0 if finds >= group.looks else special.betaincinv(finds + 1.0, group.looks - finds, 1.0 - part)
        total += group.share * float(bound)
    return total if groups else 1.0


def labels_needed(defects: int, alpha: float = 0.02, delta: float = 0.05) -> int:
    """Return the fewest looks that prove a rate of at most alpha with `defects` among them.

    Golden for 2 % at 95 %: 149, 236, 313, 386, 456, 523 with 0 to 5 defects. Raises ValueError for values out of range.
    """
    checked(delta=delta, alpha=alpha)
    low, high = defects, max(2, 2 * defects)
    while cp_upper(defects, high, delta) > alpha:
        low, high = high, high * 2
    while low < high - 1:
        middle = (low + high) // 2
        low, high = (low, middle) if cp_upper(defects, middle, delta) <= alpha else (middle, high)
    return high


def clean_looks_left(window: Window, tau: float, limit: float, delta: float) -> int:
    """Return how many further clean looks in the sampled strata would make R_U(tau) <= limit; -1 if none can.

    What the desk says instead of guessing: "review 164 more to certify 88".
    """
    groups = strata(window, tau)
    if not groups:
        return labels_needed(0, limit, delta)
    parts = split_error(groups, delta)

    def risk(more: int) -> float:
        sampled = [group.pi < 1.0 or group.looks == 0 for group in groups]
        extra = [more if is_sampled else 0 for is_sampled in sampled]
        rows = zip(groups, parts, extra, strict=True)
        return sum(group.share * cp_upper(group.finds, group.looks + added, part) for group, part, added in rows)

    high = 1
    while risk(high) > limit:
        high *= 2
        if high > 1_000_000:
            return -1
    low = 0
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if risk(middle) <= limit else (middle + 1, high)
    return high


def _looks(window: Window, tau: float) -> int:
    return int((window.seen & (window.scores >= tau)).sum())


def redo_is_cheaper(risk: float, look_cost: float, redo_cost: float, looked_again: float) -> bool:
    """Say whether a picture with chance `risk` of a defect is redone at once: risk > 1 - (1 - rho) c_look / c_redo.

    `looked_again` rho: share of redone pictures that still need a look, 0..1. Raises ValueError unless redo costs
    something.
    """
    if redo_cost <= 0.0:
        raise ValueError("A redo that costs nothing has no threshold.")
    return risk > 1.0 - (1.0 - looked_again) * look_cost / redo_cost


def certify_redo(new: Window, taus: tuple[int, ...], limit: float = 0.20, delta: float = 0.05) -> float | None:
    """Return the highest threshold below which at most `limit` of the pictures are good, certified; None: none is.

    The same routine on the other verdict and the other side: from the lowest of `taus` up until the first failure. 14
    clean (all bad) looks are the least that prove 20 %.
    """
    best = None
    for tau in sorted(taus):
        if good_upper(new, tau, delta) > limit:
            break
        best = float(tau)
    return best


def good_upper(new: Window, tau: float, delta: float = 0.05) -> float:
    """Return an upper bound 0..1, at 1 - `delta`, for the share of good pictures among those below `tau`."""
    return risk_upper(_mirrored(new), -tau + 1e-9, delta)


def bad_looks_left(new: Window, tau: float, limit: float = 0.20, delta: float = 0.05) -> int:
    """Return how many further looks at pictures below `tau`, all of them bad, would prove `limit`; -1 if none can."""
    return clean_looks_left(_mirrored(new), -tau + 1e-9, limit, delta)


def _mirrored(window: Window) -> Window:
    """The other verdict from the other side: what is good below a line is what is bad above its mirror image."""
    return Window(-window.scores, window.pi, window.seen, ~window.bad)


def human_share(scores: Floats, tau: float, review_at: float, sampling: float) -> float:
    """Return the share of pictures a person looks at under threshold `tau`: the review band, and the proof above it.

    The best threshold is the one with the least of this, proof included. 0.0 without pictures.
    """
    if not len(scores):
        return 0.0
    band = float(((scores >= review_at) & (scores < tau)).mean())
    return band + float((scores >= tau).mean()) * sampling
