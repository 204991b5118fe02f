"""Exact bounds on how many defects a sample leaves unseen: binomial, finite lot, imperfect eyes. Pure.

Everywhere: `delta` is the chance of error that is tolerated (0.05 for 95 %), every bound is one-sided, `sensitivity` is
the chance that a look at a defective picture finds the defect (0..1], and a sample of nothing proves nothing.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Numbers = Floats | np.float64 | float


def checked(*, delta: float = 0.05, sensitivity: float = 1.0, alpha: float = 0.02) -> None:
    """Raise ValueError unless 0 < delta < 1, 0 < sensitivity <= 1 and 0 < alpha < 1."""
    if not 0.0 < delta < 1.0:
        raise ValueError(f"A delta of {delta} is outside 0..1.")
    if not 0.0 < sensitivity <= 1.0:
        raise ValueError(f"A sensitivity of {sensitivity} is outside 0..1.")
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"A tolerated rate of {alpha} is outside 0..1.")


def counted(finds: int, looks: int) -> None:
    """Raise ValueError unless 0 <= finds <= looks."""
    if not 0 <= finds <= looks:
        raise ValueError(f"{finds} finds in {looks} looks is impossible.")


def cp_upper(finds: int, looks: int, delta: float = 0.05) -> float:
    """Return the one-sided Clopper-Pearson upper bound of a rate, 0..1; 1 when nothing was looked at or all was bad.

    Source: C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits", Biometrika 26 (1934).
    Raises ValueError unless 0 <= finds <= looks and 0 < delta < 1.
    """
    checked(delta=delta)
    counted(finds, looks)
    return 1.0 if finds >= looks else float(special.betaincinv(finds + 1, looks - finds, 1.0 - delta))


def cp_lower(finds: int, looks: int, delta: float = 0.05) -> float:
    """Return the one-sided Clopper-Pearson lower bound of a rate, 0..1; 0 without finds. Source and errors:
    `cp_upper`.
    """
    checked(delta=delta)
    counted(finds, looks)
    return 0.0 if finds == 0 else float(special.betaincinv(finds, looks - finds + 1, delta))


def cp_upper_each(finds: Floats, looks: Floats, delta: float) -> Floats:
    """Return `cp_upper` element by element for arrays of equal shape; the counts are not checked."""
    inner = special.betaincinv(finds + 1, np.maximum(looks - finds, 1), 1.0 - delta)
    upper: Floats = np.where(finds >= looks, 1.0, inner)
    return upper


def tolerated(lot: int, alpha: float) -> int:
    """Return floor(alpha * lot), the most defects a lot may keep. In decimal: in binary 100 * 0.29 is 28.999…

    Raises ValueError for a negative lot or an alpha outside 0..1.
    """
    checked(alpha=alpha)
    if lot < 0:
        raise ValueError(f"A lot of {lot} is impossible.")
    return int(Decimal(lot) * Decimal(str(alpha)))


def hypergeometric(drawn: Numbers, lot: Numbers, bad: Numbers, looks: Numbers) -> Floats:
    """Return P(exactly `drawn` bad among `looks` without replacement from `lot` with `bad`), arrays broadcast together.

    Impossible combinations have probability 0.
    """
    wide = np.broadcast_arrays(*(np.asarray(a, dtype=np.float64) for a in (drawn, lot, bad, looks)))
    k, size, defects, taken = wide
    possible = (k >= 0) & (k <= defects) & (k <= taken) & (taken - k <= size - defects) & (taken <= size)
    k, size, defects, taken = (np.where(possible, part, 0.0) for part in wide)
    log = _choose(defects, k) + _choose(size - defects, taken - k) - _choose(size, taken)
    return np.asarray(np.where(possible, np.exp(log), 0.0), dtype=np.float64)


def _choose(n: Floats, k: Floats) -> Floats:
    table = _log_factorials(1 << int(n.max(initial=1.0) + 1).bit_length())
    whole, part = n.astype(np.int64), k.astype(np.int64)
    return np.asarray(table[whole] - table[part] - table[whole - part], dtype=np.float64)


@lru_cache(maxsize=32)
def _log_factorials(size: int) -> Floats:
    logs: Floats = special.gammaln(np.arange(size) + 1.0)
    return logs


def thinning(bad: int, sensitivity: float) -> Floats:
    """Return P(d of `bad` defects would be seen if looked at), shape (bad + 1,): Binomial(bad, sensitivity)."""
    seen = np.arange(bad + 1)
    if sensitivity >= 1.0:
        return np.asarray(seen == bad, dtype=np.float64)
    log = _choose(np.full(bad + 1, float(bad)), seen.astype(np.float64))
    logs = log + special.xlogy(seen, sensitivity) + special.xlog1py(bad - seen, -sensitivity)
    return np.asarray(np.exp(logs), dtype=np.float64)


def found_at_most(finds: int, bad: int, lot: int, looks: int, sensitivity: float = 1.0) -> float:
    """Return P(at most `finds` found | `bad` defects in `lot`, `looks` random looks that miss 1 - sensitivity), 0..1.

    By thinning: a defect that would be missed is as good as none, so the seen ones are Binomial and the drawn of those
    hypergeometric. Raises ValueError for impossible counts.
    """
    checked(sensitivity=sensitivity)
    if not 0 <= looks <= lot or not 0 <= bad <= lot or finds < 0:
        raise ValueError(f"{bad} bad and {looks} looks in a lot of {lot} is impossible.")
    drawn = np.arange(min(finds, bad, looks) + 1.0)[None, :]
    seen = np.arange(bad + 1.0)[:, None]
    cdf = hypergeometric(drawn, lot, seen, looks).sum(axis=1)
    return float(min(1.0, thinning(bad, sensitivity) @ cdf))


def defects_upper(lot: int, finds: int, looks: int, delta: float = 0.05, sensitivity: float = 1.0) -> int:
    """Return D_U, the most defects a lot can have had when `looks` random looks found `finds`; `lot` when none was
    made.

    The largest D for which so few finds have a probability above `delta`; what is left is D_U - finds. With perfect
    sight all of the lot looked at gives `finds`. Source: the finite-population form of Clopper-Pearson (J. P.
    Buonaccorsi, "A note on confidence intervals for proportions in finite populations", The American Statistician 41,
    1987). Raises ValueError for impossible counts.
    """
    checked(delta=delta, sensitivity=sensitivity)
    counted(finds, looks)
    if looks > lot:
        raise ValueError(f"{looks} looks in a lot of {lot} is impossible.")
    top = lot if sensitivity < 1.0 else lot - looks + finds
    low, high = finds, top
    while low < high:
        middle = (low + high + 1) // 2
        if found_at_most(finds, middle, lot, looks, sensitivity) > delta:
            low = middle
        else:
            high = middle - 1
    return low


@lru_cache(maxsize=65536)
def binomial_defects_upper(finds: int, chance: float, delta: float = 0.05) -> int | None:
    """Return max{D : BinCDF(finds; D, chance) > delta}, None (no bound) for a chance of 0.

    `chance` is how likely each defect is found (0..1), for instance sampling rate times sensitivity.
    Golden: chance 0.1 gives 28, 45, 60, 75 for 0, 1, 2, 3 finds. Raises ValueError for a chance outside 0..1.
    """
    checked(delta=delta)
    if finds < 0 or not 0.0 <= chance <= 1.0:
        raise ValueError(f"{finds} finds at a chance of {chance} is impossible.")
    if chance == 0.0:
        return None
    low, high = finds, finds + 1
    while special.bdtr(finds, high, chance) > delta:
        low, high = high, high * 2
    while low < high - 1:
        middle = (low + high) // 2
        if special.bdtr(finds, middle, chance) > delta:
            low = middle
        else:
            high = middle
    return low
