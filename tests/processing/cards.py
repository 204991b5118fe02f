"""Photos of a 24-patch card under a known cast, for the tests of the reference card."""

from __future__ import annotations

import cv2
import numpy as np

from processing.colour import ColourTransform
from processing.reference_card import PATCHES
from processing.types import RGBArray

PITCH, GAP = 100, 20
UPRIGHT = ((300.0, 200.0), (800.0, 240.0), (780.0, 600.0), (280.0, 540.0))
"""Outer corners of the card in `card_photo`, px: dark skin's first, then round."""
CAST = (0.95, 0.05, 0.02, 0.03, 0.80, 0.03, 0.0, 0.10, 0.60)


def card_picture() -> RGBArray:
    """The card itself, flat and exact: patches of 80 px on a dark board."""
    board = np.full((PITCH * 4 + GAP, PITCH * 6 + GAP, 3), 25, np.uint8)
    for index, colour in enumerate(PATCHES):
        row, column = divmod(index, 6)
        board[GAP + row * PITCH : (row + 1) * PITCH, GAP + column * PITCH : (column + 1) * PITCH] = colour
    return board


def card_photo(
    corners: tuple[tuple[float, float], ...] = UPRIGHT, cast: tuple[float, ...] = CAST, noise: float = 2.0
) -> RGBArray:
    """A grey table, a green thing, and the card in perspective under the cast, a little soft and noisy (900 x 1200)."""
    card, photo = card_picture(), np.full((900, 1200, 3), 205, np.uint8)
    cv2.rectangle(photo, (850, 650), (1100, 850), (60, 110, 90), -1)
    height, width = card.shape[:2]
    flat = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    matrix = cv2.getPerspectiveTransform(flat, np.array(corners, np.float32))
    shown = cv2.warpPerspective(card, matrix, (1200, 900), flags=cv2.INTER_AREA)
    where = cv2.warpPerspective(np.ones((height, width), np.uint8), matrix, (1200, 900)) > 0
    photo[where] = shown[where]
    tinted = cv2.GaussianBlur(ColourTransform(matrix=cast).apply(photo), (0, 0), 0.8).astype(np.float32)
    grain = np.random.default_rng(0).normal(0, noise, photo.shape)
    return np.clip(tinted + grain, 0, 255).astype(np.uint8)


def corner_patches(
    corners: tuple[tuple[float, float], ...] = UPRIGHT,
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Where the centres of the four corner patches lie in `card_photo`."""
    height, width = PITCH * 4 + GAP, PITCH * 6 + GAP
    flat = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    matrix = cv2.getPerspectiveTransform(flat, np.array(corners, np.float32))
    half = (PITCH + GAP) / 2
    inner = np.array([(half, half), (width - half, half), (width - half, height - half), (half, height - half)])
    return np.asarray(cv2.perspectiveTransform(inner.reshape(1, -1, 2), matrix)[0], np.float64)
