"""Two presets on the same pictures, judged blind side by side: is the challenger better, and by how sure? Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

ROLLBACK_AT = 20.0
VETO_AFTER = 1
"""Pictures approved before on which the challenger may lose a part or alter the product; one more refuses it."""
GRAVE = frozenset({"partial_removal", "product_altered"})


@dataclass(frozen=True, slots=True)
class Pair:
    """Fresh blind verdicts on both outputs of one replay picture. `weight`: 1 / pi of the replay draw, > 0.

    `grave`: what the challenger's output was rejected for, of GRAVE; `was_approved`: the picture had been approved
    before.
    """

    champion_bad: bool
    challenger_bad: bool
    weight: float = 1.0
    was_approved: bool = False
    grave: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """D: weighted difference of defect rates (challenger - champion, -1..1), its standard error, and the verdict."""

    difference: float
    standard_error: float
    pairs: int
    grave: int
    is_won: bool
    why: str


def decide(pairs: Sequence[Pair], margin: float = 1.0) -> Outcome:
    """Say whether the challenger wins: D + margin SE < 0 and no grave fault on more than one picture approved before.

    D = sum w d / sum w, SE^2 = sum (w / sum w)^2 d^2, d = bad(challenger) - bad(champion). Old verdicts must not be
    reused: the picture was drawn because of them (regression to the mean). No pairs: nobody wins. Source: the paired
    form of Q. McNemar, Psychometrika 12 (1947), weighted. Raises ValueError for a weight that isn't above 0.
    """
    if not pairs:
        return Outcome(0.0, float("inf"), 0, 0, False, "Nothing was compared.")
    weights = np.array([pair.weight for pair in pairs], dtype=np.float64)
    if not np.all(weights > 0.0):
        raise ValueError("Every pair needs a weight above 0.")
    gaps = np.array([float(pair.challenger_bad) - float(pair.champion_bad) for pair in pairs])
    shares = weights / weights.sum()
    difference, error = float(shares @ gaps), float(np.sqrt((shares**2 * gaps**2).sum()))
    grave = sum(pair.was_approved and pair.grave for pair in pairs)
    if grave > VETO_AFTER:
        return Outcome(difference, error, len(pairs), grave, False, f"{grave} approved pictures lost a part.")
    is_won = difference + margin * error < 0.0
    why = "Fewer defects, beyond doubt's margin." if is_won else "Not clearly better."
    return Outcome(difference, error, len(pairs), grave, is_won, why)


def discordant_evidence(worse: int, better: int) -> float:
    """Return the e-value that the challenger is worse, from pairs on which only one of the two is bad.

    e = 2^(n+1) B(b+1, c+1) P(Beta(b+1, c+1) > 1/2), b pairs where only the challenger is bad, c where only the champion
    is: the mean likelihood ratio over P(b) uniform on (1/2, 1) against 1/2. May be read after every pair; at 20 it is
    rolled back. 1 without pairs. Source: J. Ville (1939). Raises ValueError for negative counts.
    """
    if worse < 0 or better < 0:
        raise ValueError(f"{worse} and {better} pairs are impossible.")
    total = worse + better
    log = (total + 1) * np.log(2.0) + special.betaln(worse + 1, better + 1)
    return float(np.exp(log) * special.betaincc(worse + 1, better + 1, 0.5))
