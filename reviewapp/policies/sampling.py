"""Statistical samples of what shipped by score alone: how many, which ones, when to stop, what they tell. Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from decimal import Decimal

from scipy import special

# Above this many judged samples a fixed count no longer speaks of a systemic fault; then the share decides.
PAUSE_SHARE = 0.10
FIRST_LEAST = 5
FIRST_SHARE = 0.10
"""A first sample, done before the rest of its batch: this share unless somebody chooses, never fewer than that."""


def sample_size(n: int, rate: float) -> int:
    """Return how many of `n` results to look at (SMP-01): max(1, int(n * rate)), 0 for none of them or a rate of 0.

    Worked values at 0.1: 1, 5, 9, 10, 19 -> 1; 25 -> 2; 100 -> 10. The product is taken in decimal: in binary
    100 * 0.29 is 28.999… and would lose one. Raises ValueError when `n` is negative or `rate` is outside 0..1.
    """
    if n < 0:
        raise ValueError(f"A population of {n} is impossible.")
    if not 0.0 <= rate <= 1.0:
        raise ValueError(f"A sample rate of {rate} is outside 0..1.")
    if n == 0 or rate == 0:
        return 0
    return max(1, int(Decimal(n) * Decimal(str(rate))))


def first_size(n: int, share: float) -> int:
    """Return how many of `n` photos are done before the rest (SMP-06): `sample_size`, five at least, `n` at most.

    Raises ValueError like `sample_size`.
    """
    return min(n, max(FIRST_LEAST, sample_size(n, share))) if share > 0 else 0


def population_digest(sha256s: Iterable[str]) -> str:
    """Return one SHA-256 over the sorted content hashes: whoever has the photos can check what was drawn from."""
    return hashlib.sha256("\n".join(sorted(set(sha256s))).encode()).hexdigest()


def draw(seed_hex: str, sha256s: Iterable[str], size: int) -> list[str]:
    """Return `size` of the content hashes, in rank order: those with the smallest HMAC-SHA256(seed, hash) (SMP-11).

    The same seed and population always give the same members in any order of asking, and without the seed nobody can
    tell beforehand which photo will be looked at. Repeats count once; a size above the population gives all of it.
    Raises ValueError when the seed isn't hex or the size is negative.
    """
    if size < 0:
        raise ValueError(f"A sample of {size} is impossible.")
    seed = bytes.fromhex(seed_hex)
    return sorted(set(sha256s), key=lambda sha: (hmac.new(seed, sha.encode(), hashlib.sha256).digest(), sha))[:size]


def should_pause(rejected: int, judged: int, limit: int) -> bool:
    """Say whether the rejected samples speak of a systemic fault (SMP-03).

    `limit` rejections are enough while few samples are judged; in a big sample a tenth of the judged must be rejected
    too, so that 2 bad ones of 200 don't stop a batch of thousands. A limit of 0 never pauses.
    """
    return 0 < limit <= rejected and rejected >= PAUSE_SHARE * judged


def rejection_interval(rejected: int, judged: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the Clopper-Pearson interval of the escape rate, as shares 0..1 (SMP-10). (0, 1) when nothing is judged.

    Source: C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits", Biometrika 26 (1934).
    Raises ValueError unless 0 <= rejected <= judged.
    """
    if not 0 <= rejected <= judged:
        raise ValueError(f"{rejected} rejected of {judged} judged is impossible.")
    if judged == 0:
        return 0.0, 1.0
    tail = (1.0 - confidence) / 2.0
    low = 0.0 if rejected == 0 else float(special.betaincinv(rejected, judged - rejected + 1, tail))
    high = 1.0 if rejected == judged else float(special.betaincinv(rejected + 1, judged - rejected, 1.0 - tail))
    return low, high
