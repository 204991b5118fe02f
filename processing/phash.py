"""Perceptual hash of 64 bits: equal-looking pictures differ in few bits, also after resizing or recompression."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from processing.types import RGBArray

HASH_DIGITS = 16
NEAR_BITS = 6
"""Pictures at most this many bits apart count as near duplicates; different products measured 10 and more apart."""

_GRID = 32
_ODD_COLUMNS = int("10101010" * 8, 2)  # horizontal frequencies 1, 3, 5, 7 of every row


def perceptual_hash(rgb: RGBArray) -> str:
    """Return 16 hex digits: the signs of the lowest 8 x 8 DCT terms without the constant column.

    Mirroring flips the sign of exactly the odd horizontal frequencies, so the mirror's hash follows from this one.
    """
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_GRID, _GRID), interpolation=cv2.INTER_AREA).astype(np.float32)
    terms = cv2.dct(small)[:8, 1:9]
    value = 0
    for is_set in (terms > 0).ravel():
        value = value << 1 | int(is_set)
    return f"{value:0{HASH_DIGITS}x}"


def phash_distance(first: str, second: str, *, allow_mirror: bool = True) -> int:
    """Return how many of 64 bits differ, taking the mirrored second picture when that is closer."""
    apart = int(first, 16) ^ int(second, 16)
    plain = apart.bit_count()
    if not allow_mirror:
        return plain
    return min(plain, (apart ^ _ODD_COLUMNS).bit_count())


def near_duplicates(hashes: Mapping[str, str], *, limit: int = NEAR_BITS) -> list[tuple[str, str, int]]:
    """Return pairs of names at most `limit` bits apart, with the distance; empty hashes are skipped."""
    known = [(name, value) for name, value in hashes.items() if value]
    pairs = []
    for index, (name, value) in enumerate(known):
        for other, other_value in known[index + 1 :]:
            distance = phash_distance(value, other_value)
            if distance <= limit:
                pairs.append((name, other, distance))
    return pairs
