"""The order a lot is looked at: random, fixed before scoring, reproducible, and nobody can pick from it. Pure.

The seed is drawn (by the caller, from the system's random source) and its hash stored before the lot is scored; that
order and the reviewers' sight are all the guarantees rest on, not the score.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable


def seed_hash(seed_hex: str) -> str:
    """Return the SHA-256 of the seed, as hex: what is stored and shown before the lot is scored.

    Raises ValueError when the seed isn't hex.
    """
    return hashlib.sha256(bytes.fromhex(seed_hex)).hexdigest()


def key(seed_hex: str, image_id: str) -> bytes:
    """Return HMAC-SHA256(seed, image id), 32 bytes (RFC 2104). Raises ValueError when the seed isn't hex."""
    return hmac.new(bytes.fromhex(seed_hex), image_id.encode(), hashlib.sha256).digest()


def ordered(seed_hex: str, image_ids: Iterable[str]) -> list[str]:
    """Return the ids in the order they are looked at; repeats count once, none gives []. SMP-11.

    The same seed gives the same order whatever order the ids come in. Raises ValueError when the seed isn't hex.
    """
    return sorted(set(image_ids), key=lambda image_id: (key(seed_hex, image_id), image_id))


def rank(seed_hex: str, image_ids: Iterable[str], image_id: str) -> int:
    """Return the place of one id in `ordered`, from 0. Raises ValueError when it isn't among them or for a bad seed."""
    return ordered(seed_hex, image_ids).index(image_id)


def share_of(seed_hex: str, image_id: str) -> float:
    """Return a number in 0..1 that is fixed by seed and id, uniform over ids: who is in a canary or a random share."""
    return int.from_bytes(key(seed_hex, image_id)[:7], "big") / float(1 << 56)
