"""How many pictures of a lot to look at, and when to stop: plans fixed before the first look. Pure.

A find is taken out or mended, so what counts is the residual: defects of the lot less those found. Sources: H. F.
Dodge and H. G. Romig, "Sampling Inspection Tables" (1959); the stopping at boundaries is the idea of risk-limiting
election audits (P. B. Stark, "Conservative statistical post-election audits", Annals of Applied Statistics 2, 2008),
made exact here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil

import numpy as np
from scipy import special

from reviewapp.policies.quality.bounds import (
    Floats,
    binomial_defects_upper,
    checked,
    cp_lower,
    found_at_most,
    hypergeometric,
    thinning,
    tolerated,
)

STAGES = 24
"""Boundaries of an expanding audit; a lot that reaches none of them is looked at whole. Later ones cost no risk to
speak of: a lot just above the limit seldom gets there.
"""
SHRINK = 0.9
"""Each further stage gets this share of the error the one before it got."""
JUMP_LOOKS, JUMP_SHARE = 29, 0.10
"""29 clean looks (29 more after one find) release a lot that is a tenth defective with a probability of at most 10 %.
"""
LONE_FIND_LOOKS = 45
"""In smaller samples one find asks for as many looks again. From 45 on (sensitivity 0.85) at most one find is rare
enough in a lot that is a tenth defective: P(Bin(45, 0.085) <= 1) < 0.10.
"""


@lru_cache(maxsize=65536)
def n_single(lot: int, accept: int, alpha: float = 0.02, delta: float = 0.05, sensitivity: float = 1.0) -> int | None:
    """Return the fewest looks n after which at most `accept` finds release a lot with at most `delta` risk, or None.

    The risk is P(found <= accept | D1 + accept defects), D1 = floor(alpha lot) + 1: the finds are mended, so that many
    must have been there for too many to be left. None: not even looking at all of it proves it (a small lot and eyes
    that miss), or the lot can't hold that many. A lot of 0 needs 0. Golden: 1000 -> 132, 100 -> 63.
    Raises ValueError for values out of range.
    """
    checked(delta=delta, sensitivity=sensitivity, alpha=alpha)
    if accept < 0:
        raise ValueError(f"Accepting {accept} finds is impossible.")
    bad = tolerated(lot, alpha) + 1 + accept
    if lot == 0:
        return 0
    if bad > lot or found_at_most(accept, bad, lot, lot, sensitivity) > delta:
        return None
    return _fewest(lot, accept, delta, bad, sensitivity, (0, lot))


def _fewest(lot: int, accept: int, delta: float, bad: int, sensitivity: float, between: tuple[int, int]) -> int:
    """Return the fewest looks above between[0], at most between[1] (known to suffice), that keep the risk."""
    low, high = between
    while low < high - 1:
        middle = (low + high) // 2
        if found_at_most(accept, bad, lot, middle, sensitivity) <= delta:
            high = middle
        else:
            low = middle
    return high


def release_risk(lot: int, boundaries: tuple[int, ...], alpha: float = 0.02, sensitivity: float = 1.0) -> float:
    """Return sup over D of P(released with more than alpha lot defects left), 0..1, by exact dynamic programming.

    `boundaries` n_0 < n_1 < …: released at n_j with at most j finds; no boundary, no release, no risk. Those with fewer
    than j are gone before, so release at stage j means exactly j finds. D beyond D1 + J needs no look: from there on
    every release is a bad one and more defects only make it rarer.
    """
    checked(sensitivity=sensitivity, alpha=alpha)
    first = tolerated(lot, alpha) + 1
    if not boundaries or first > lot:
        return 0.0
    most = min(lot, first + len(boundaries) - 1)
    released = _released(lot, boundaries, most)
    risks = [
        float(thinning(bad, sensitivity) @ released[: bad + 1, : bad - first + 1].sum(axis=1))
        for bad in range(first, most + 1)
    ]
    return max(risks)


def _released(lot: int, boundaries: tuple[int, ...], most: int) -> Floats:
    """Return P(released at stage j | d defects that would be seen), shape (most + 1, stages)."""
    stages = len(boundaries)
    seen = np.arange(most + 1.0)[:, None]
    released = np.zeros((most + 1, stages))
    finds = np.arange(stages + 0.0)
    alive = hypergeometric(finds, lot, seen, boundaries[0])
    for stage in range(stages):
        if stage:  # whoever is still here has found at least `stage`: `alive` starts there
            made, more = boundaries[stage - 1], boundaries[stage] - boundaries[stage - 1]
            left = np.maximum(seen - finds[stage:], 0.0)[:, :, None]
            gain = finds[None, stage:] - finds[stage:, None]
            move = hypergeometric(gain[None], lot - made, left, more)
            alive = np.einsum("df,dft->dt", alive, move)
        released[:, stage] = alive[:, 0]
        alive = alive[:, 1:]
    return released


@lru_cache(maxsize=16384)
def expanding(
    lot: int, alpha: float = 0.02, delta: float = 0.05, sensitivity: float = 1.0, stages: int = STAGES
) -> tuple[int, ...]:
    """Return the boundaries of the expanding audit: release at the j-th with at most j finds, after the last look at
    all.

    n_j = n_single(lot, j, alpha, d 0.9^j), d as large as keeps `release_risk` at or below `delta`. Empty: no sample
    proves this lot, look at all of it. Golden for 1000: 149, 220, 276, 323; with sensitivity 0.85: 176, 259, 325, 381.
    """
    checked(delta=delta, sensitivity=sensitivity, alpha=alpha)
    worst = _boundaries(lot, alpha, delta, sensitivity, stages)
    if release_risk(lot, worst, alpha, sensitivity) <= delta:
        return worst
    low, high = 0.0, delta
    best: tuple[int, ...] = ()
    for _ in range(16):
        share = (low + high) / 2
        found = _boundaries(lot, alpha, share, sensitivity, stages, worst, best)
        if found != best and release_risk(lot, found, alpha, sensitivity) > delta:
            high, worst = share, found
        else:
            low, best = share, found
    return best


def _boundaries(
    lot: int,
    alpha: float,
    delta: float,
    sensitivity: float,
    stages: int,
    above: tuple[int, ...] = (),
    up_to: tuple[int, ...] = (),
) -> tuple[int, ...]:
    """Return n_0 < n_1 < … of one `delta`. `above`, `up_to`: those of a larger and of a smaller one, to search
    between.
    """
    found: list[int] = []
    for stage in range(min(stages, lot)):
        bad, share = tolerated(lot, alpha) + 1 + stage, delta * SHRINK**stage
        top = up_to[stage] if stage < len(up_to) else lot
        if bad > lot or (top == lot and found_at_most(stage, bad, lot, lot, sensitivity) > share):
            break
        bottom = above[stage] - 1 if stage < len(above) else 0
        looks = _fewest(lot, stage, share, bad, sensitivity, (bottom, top))
        if looks >= lot or (found and looks <= found[-1]):
            break
        found.append(looks)
    return tuple(found)


def jump_guard(lot: int) -> int:
    """Return how many looks every lot gets whatever its scope has proven: a tenth of it, at most 29; 0 of nothing.

    29 of them, 29 more after a lone find, let a lot with 10 % defects pass with a probability of at most 10 %
    (sensitivity 1). Raises ValueError for a negative lot.
    """
    if lot < 0:
        raise ValueError(f"A lot of {lot} is impossible.")
    return min(JUMP_LOOKS, ceil(JUMP_SHARE * lot))


@lru_cache(maxsize=4096)
def hold_limit(looks: int, alpha: float = 0.02, sensitivity: float = 1.0) -> int:
    """Return xc, the finds in a certified scope's lot sample that stop the lot; at least 2.

    xc = max(2, min(a, b)): a, the fewest finds that a rate of alpha gives with at most 10 % probability; b, the most
    that still catch a rate of 10 % in 90 % of lots. Golden (0.85): 2 up to 60 looks, 3 at 70, 4 at 80, 5 at 100, 8 at
    200.
    """
    checked(alpha=alpha, sensitivity=sensitivity)
    a = next(x for x in range(looks + 2) if x > 0 and 1.0 - special.bdtr(x - 1, looks, alpha) <= 0.10)
    b = 0
    while b < looks and special.bdtr(b, looks, 0.10 * sensitivity) <= 0.10:
        b += 1
    return max(2, min(a, b))


@dataclass(frozen=True, slots=True)
class Inspected:
    """What a whole lot's inspection allows: `residual` is the most defects left (with 1 - delta), None unbounded."""

    action: str  # "release" | "second_pass" | "redo"
    residual: int | None
    is_incident: bool


@lru_cache(maxsize=16384)
def inspection_error(lot: int, alpha: float = 0.02, delta: float = 0.05, sensitivity: float = 1.0) -> float:
    """Return the error allowed to the test after a whole lot's first inspection (each further pass gets half as much).

    That test comes after an audit that has already spent of `delta`: both at 5 % came to 5.03 % for some small lots.
    The largest delta / 2^k, k <= 8, with which audit and tests together stay at or below `delta` for every number of
    defects.
    """
    checked(delta=delta, sensitivity=sensitivity, alpha=alpha)
    if sensitivity >= 1.0 or lot == 0:
        return delta
    boundaries = expanding(lot, alpha, delta, sensitivity)
    for halvings in range(8):
        if _whole_risk(lot, boundaries, alpha, delta * 0.5**halvings, sensitivity) <= delta:
            return delta * 0.5**halvings
    return delta * 0.5**8


def _whole_risk(lot: int, boundaries: tuple[int, ...], alpha: float, error: float, sensitivity: float) -> float:
    """Return sup over D of P(too many left | audit, then up to three inspections of all), the later ones by their
    sum.
    """
    limit = tolerated(lot, alpha)
    accepts = [_accepted(limit, error * 0.5**place, 1.0 - (1.0 - sensitivity) ** (place + 1)) for place in range(3)]
    most = min(lot, max(limit + 1 + len(boundaries), max(accepts) + limit + 2))
    released = _released(lot, boundaries, most) if boundaries else np.zeros((most + 1, 1))
    risks = [0.0]
    for bad in range(limit + 1, most + 1):
        spare = bad - limit - 1
        seen = thinning(bad, sensitivity)
        part = released[: bad + 1]
        early = float(seen @ part[:, : spare + 1].sum(axis=1))
        last = min(accepts[0], spare)
        whole = float(seen[: last + 1] @ (1.0 - part.sum(axis=1))[: last + 1]) if last >= 0 else 0.0
        later = sum(
            float(special.bdtr(min(accept, spare), bad, 1.0 - (1.0 - sensitivity) ** (place + 2)))
            for place, accept in enumerate(accepts[1:])
            if accept >= 0
        )
        risks.append(early + whole + later)
    return max(risks)


def _accepted(limit: int, error: float, sight: float) -> int:
    """Return the most finds after which an inspection with `sight` releases: BinCDF(f; f + limit + 1, sight) <=
    error.
    """
    finds = -1
    while finds < 10_000 and special.bdtr(finds + 1, finds + limit + 2, sight) <= error:
        finds += 1
    return finds


def after_inspection(
    lot: int, finds: int, alpha: float = 0.02, delta: float = 0.05, sensitivity: float = 1.0, passes: int = 1
) -> Inspected:
    """Say what to do once every picture of a lot was looked at `passes` times by different people.

    Eyes that miss leave (1 - s) of the defects: inspection alone can't rescue a lot whose found rate is above alpha /
    (1 - s); it is redone, or looked at by a second person whose sight counts once more (1 - (1 - s)^passes). Released
    only if max{D : BinCDF(finds; D, s) > delta} - finds <= alpha lot. An incident (scope back to learning, preset
    frozen, retro-audit): cp_lower(finds, lot) > alpha with at least 3 finds. An empty lot is released. Raises
    ValueError for impossible counts.
    """
    checked(delta=delta, sensitivity=sensitivity, alpha=alpha)
    sight = 1.0 - (1.0 - sensitivity) ** passes
    is_incident = finds >= 3 and cp_lower(finds, lot, 0.05) > alpha
    if lot == 0:
        return Inspected("release", 0, False)
    error = inspection_error(lot, alpha, delta, sensitivity) * 0.5 ** (passes - 1)
    upper = finds if sight >= 1.0 else binomial_defects_upper(finds, sight, error)
    residual = None if upper is None else min(lot, upper) - finds
    if sight < 1.0 and finds / lot > alpha / (1.0 - sight):
        return Inspected("redo", residual, is_incident)
    is_proven = residual is not None and residual <= tolerated(lot, alpha)
    return Inspected("release" if is_proven else "second_pass", residual, is_incident)
