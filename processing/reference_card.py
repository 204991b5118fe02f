"""The reference card of a shoot: found in its first photo, read, and turned into one matrix for all of them (PRO-11).

The card is the 24-patch one of C. S. McCamy, H. Marcus, J. G. Davidson, "A color-rendition chart", Journal of Applied
Photographic Engineering 2 (1976), four rows of six. The fit is the linear one of G. D. Finlayson, M. Mackiewicz,
A. Hurlbert, "Color correction using root-polynomial regression", IEEE Transactions on Image Processing 24 (2015),
section II: it keeps its meaning when the exposure changes, so the matrix of one photo serves the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from processing.colour import ColourTransform, to_linear
from processing.errors import InputRejected
from processing.quality.difference import delta_e_2000, to_lab
from processing.types import JsonMixin, RGBArray

Points = npt.NDArray[np.float64]
"""(N, 2) float64, x and y in px."""

ROWS, COLUMNS = 4, 6
# sRGB values of the patches as their maker publishes them, row by row from dark skin to black.
PATCHES: npt.NDArray[np.uint8] = np.array(
    [(115, 82, 68), (194, 150, 130), (98, 122, 157), (87, 108, 67), (133, 128, 177), (103, 189, 170),
     (214, 126, 44), (80, 91, 166), (193, 90, 99), (94, 60, 108), (157, 188, 64), (224, 163, 46),
     (56, 61, 150), (70, 148, 73), (175, 54, 60), (231, 199, 31), (187, 86, 149), (8, 133, 161),
     (243, 243, 242), (200, 200, 200), (160, 160, 160), (122, 122, 121), (85, 85, 85), (52, 52, 52)],
    np.uint8,
)  # fmt: skip
MOST_RESIDUAL = 5.0
"""Mean CIEDE2000 over the usable patches after the fit, above which it is refused: another card, or turned."""
LEAST_PATCHES = 18
_BURNT, _DROWNED = 252, 2
_UNEVEN = 12.0  # standard deviation in a patch above which something else lies there
_LEAST_PITCH = 6.0


@dataclass(frozen=True, slots=True)
class CardReading:
    """What the card looks like in a photo: `positions` (24, 2) px, `colours` (24, 3) sRGB 0..255, float64.

    `is_usable` (24,) bool leaves out burnt, drowned and uneven patches.
    """

    positions: Points
    colours: npt.NDArray[np.float64]
    is_usable: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class CardFit(JsonMixin):
    """The matrix of a card (nine numbers, row by row, linear sRGB) and what it leaves: CIEDE2000 over the patches."""

    matrix: tuple[float, ...]
    mean_before: float
    mean_after: float
    worst_after: float
    patches: int

    @property
    def transform(self) -> ColourTransform:
        """The correction that this card asks for."""
        return ColourTransform(matrix=self.matrix, is_balanced=True)


def patch_centres(corners: npt.ArrayLike) -> Points:
    """Return the 24 patch centres (24, 2) px from the centres of the four corner patches (4, 2) px.

    Their order: dark skin, bluish green, black, white, that is round the card. Raises
    InputRejected(code="card_unreadable") when they are no convex quadrilateral of a size that can be read.
    """
    quad = np.asarray(corners, np.float64).reshape(-1, 2)
    if quad.shape != (4, 2) or not np.isfinite(quad).all():
        raise InputRejected("A reference card needs four corners, each x and y.", code="card_unreadable")
    edges = np.roll(quad, -1, axis=0) - quad
    turned = np.roll(edges, -1, axis=0)
    turns = edges[:, 0] * turned[:, 1] - edges[:, 1] * turned[:, 0]
    is_convex = bool((turns > 0).all() or (turns < 0).all())
    pitch = np.hypot(*edges.T) / np.array([COLUMNS - 1, ROWS - 1, COLUMNS - 1, ROWS - 1])
    if not is_convex or pitch.min() < _LEAST_PITCH:
        raise InputRejected(
            f"The corners of the reference card don't span it: patches must lie {_LEAST_PITCH:g} px apart or more.",
            code="card_unreadable",
        )
    ideal = np.array([(0, 0), (COLUMNS - 1, 0), (COLUMNS - 1, ROWS - 1), (0, ROWS - 1)], np.float32)
    matrix = np.asarray(cv2.getPerspectiveTransform(ideal, quad.astype(np.float32)), np.float64)
    return _mapped(matrix, _lattice())


def _lattice() -> Points:
    return np.array([(column, row) for row in range(ROWS) for column in range(COLUMNS)], np.float64)


def _mapped(matrix: npt.NDArray[np.float64], points: Points) -> Points:
    return np.asarray(cv2.perspectiveTransform(points.reshape(1, -1, 2), matrix)[0], np.float64)


def read_card(rgb: RGBArray, positions: Points) -> CardReading:
    """Read the patches of a photo (H, W, 3) uint8 at `positions` (24, 2) px: the median of each patch's inner third.

    Raises InputRejected(code="card_unreadable") when a patch lies outside, or fewer than 18 can be used.
    """
    grid = positions.reshape(ROWS, COLUMNS, 2)
    steps = (np.diff(grid, axis=0).reshape(-1, 2), np.diff(grid, axis=1).reshape(-1, 2))
    reach = max(1, int(min(np.hypot(*step.T).min() for step in steps) / 6))
    height, width = rgb.shape[:2]
    colours, usable = np.zeros((len(positions), 3)), np.zeros(len(positions), bool)
    for index, (x, y) in enumerate(np.rint(positions).astype(int)):
        if not (reach <= x < width - reach and reach <= y < height - reach):
            raise InputRejected("The reference card lies partly outside the photo.", code="card_unreadable")
        patch = rgb[y - reach : y + reach + 1, x - reach : x + reach + 1].reshape(-1, 3)
        colours[index] = np.median(patch, axis=0)
        clean = colours[index].max() <= _BURNT and colours[index].min() >= _DROWNED
        usable[index] = clean and float(patch.std(axis=0).max()) <= _UNEVEN
    if int(usable.sum()) < LEAST_PATCHES:
        raise InputRejected(
            f"Only {int(usable.sum())} of 24 patches of the reference card can be read; {LEAST_PATCHES} are needed. "
            "Shoot it flat, evenly lit and not overexposed.",
            code="card_unreadable",
        )
    return CardReading(positions, colours, usable)


def fit_card(reading: CardReading, most_residual: float = MOST_RESIDUAL) -> CardFit:
    """Return the 3 x 3 matrix on linear light that brings the patches nearest to their published colours.

    Least squares over the usable patches. Raises InputRejected(code="card_fit_bad") when the mean CIEDE2000 left is
    above `most_residual`, or the matrix would mirror or flatten the colours.
    """
    chosen = reading.is_usable
    measured = to_linear(reading.colours[chosen] / 255.0)
    wanted = to_linear(PATCHES[chosen] / 255.0)
    solution, _, rank, _ = np.linalg.lstsq(measured, wanted, rcond=None)
    matrix = tuple(round(float(value), 6) for value in solution.T.reshape(-1))
    before = _difference(reading.colours[chosen], PATCHES[chosen])
    seen = np.round(reading.colours[chosen]).astype(np.uint8)
    after = _difference(ColourTransform(matrix=matrix).apply(seen[None])[0], PATCHES[chosen])
    mean_after = float(after.mean())
    if rank < 3 or np.linalg.det(solution) <= 1e-3 or mean_after > most_residual:
        raise InputRejected(
            f"The reference card can't be matched: the patches stay {mean_after:.1f} dE2000 off in the mean; "
            f"{most_residual:g} is the most. Is it the 24-patch card, whole and upright?",
            code="card_fit_bad",
        )
    return CardFit(matrix, float(before.mean()), mean_after, float(after.max()), int(chosen.sum()))


def _difference(seen: npt.NDArray[np.generic], wanted: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    first = to_lab(np.round(np.asarray(seen, np.float64)).astype(np.uint8)[None])[0]
    return delta_e_2000(first, to_lab(wanted[None])[0])


def correct_from_card(rgb: RGBArray, corners: npt.ArrayLike | None = None) -> tuple[CardFit, CardReading]:
    """Find the card in a photo (or take the centres of its corner patches), read it and fit the matrix of the shoot.

    Raises InputRejected: card_not_found, card_unreadable, card_fit_bad.
    """
    if corners is not None:
        reading = read_card(rgb, patch_centres(corners))
        return fit_card(reading), reading
    from processing.card_finder import find_card  # here, because the finder tries fits of its own

    return find_card(rgb)
