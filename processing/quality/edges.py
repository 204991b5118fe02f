"""What is wrong along the outline, stretch by stretch: numbers a mean over the whole edge would hide.

Each measure is a value per stretch of the outline (about 1/64 of it) and the percentile that is held against its limit.
Sources: the alpha matting equation and blur-fusion's idea of local foreground colours (Forte, "Approximate Fast
Foreground Colour Estimation", 2021); edge support along normals as in active contours (Kass, Witkin,
Terzopoulos, "Snakes", 1988).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from processing.quality.outline import Outline, Profiles, distance, dotted, over_windows, sampled, unroll
from processing.types import MaskArray, RGBArray

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
SECOND_WORST = -1.0
_TELL = 10.0  # Lab distance from which product and surroundings can be told apart at the edge
_VISIBLE = 4.0  # a backdrop nearer to the new ground than this leaves a fringe nobody can see
_STEP_PX = 3
_LEAST_STEP = 1.2
_GRAINS = 2.6
_LEAST_STANDING = 0.42  # white on white has no more where it is faintest
_GRAINS_STANDING = 1.4
_LEAST_SHARE = 0.25
_SHARP = 0.4
_SHARP_DARK = 0.7
_LEAST_LINE = 2.5
_RIM_OVER = 1.15
_TURN = 0.1
_HERE_SHARE = 0.6
_LIKE = 6.0
_LOOSE = 0.5
_FADING = 10.0  # Lab distance over 3 px that the penumbra of a cast shadow stays below,
_FADING_SHARE, _FAINT = 0.62, 3.0  # and its share of the whole contrast there; a step that is nothing anywhere
_NEIGHBOURS = 15
_WHITE = 255.0
_WHITE_L = 100.0
_LEAST_JUDGED = 3
_BINARY_STEP = 0.78  # alpha per px from which an edge is a staircase: an anti-aliased one spreads over two


@dataclass(frozen=True, slots=True)
class LocalMeasure:
    """`windows` (M,) one value per stretch, NaN where it can't be judged, higher is worse; `value` its percentile, or
    with `SECOND_WORST` the second worst stretch: a single one may be an accident of light."""

    name: str
    unit: str
    windows: FloatArray
    percentile: float

    @property
    def value(self) -> float:
        """The percentile over the judged stretches; 0 when fewer than three can be judged."""
        judged = self.windows[np.isfinite(self.windows)]
        if len(judged) < _LEAST_JUDGED:
            return 0.0
        if self.percentile == SECOND_WORST:
            return float(np.sort(judged)[-2])
        return float(np.percentile(judged, self.percentile))

    @property
    def is_judged(self) -> bool:
        """Whether at least three stretches could be judged."""
        return int(np.isfinite(self.windows).sum()) >= _LEAST_JUDGED


@dataclass(frozen=True, slots=True)
class EdgeView:
    """All local measures of one result; `loose` (N,): contour points where the photo has no sharp edge at all; `faded`
    (N,): those where it changes no faster than in the penumbra of a shadow."""

    outline: Outline
    measures: tuple[LocalMeasure, ...]
    loose: BoolArray
    faded: BoolArray

    def named(self, name: str) -> LocalMeasure:
        """Return one measure. Raises KeyError."""
        return {measure.name: measure for measure in self.measures}[name]

    def loosened(self) -> BoolArray:
        """Return which contour points (N,) are loose with the larger part of their neighbours along the outline."""
        row = self.loose.astype(np.float32)[:, None]
        near = cv2.blur(row, (1, _NEIGHBOURS))[:, 0] if len(row) else row[:, 0]
        return np.asarray(self.loose & (near > _LOOSE))


def shape_of(outline: Outline, alpha: MaskArray) -> tuple[LocalMeasure, ...]:
    """What the matte (H, W) alone tells: its softness and its ruggedness. No source needed."""
    offsets = np.arange(-16, 17, dtype=np.float32)
    places = outline.points[:, None] + offsets[None, :, None] * outline.normals[:, None]
    along = np.asarray(sampled(alpha, places), np.float32)
    # A linear ramp of width w has an integral of 4a(1 - a) of 2w / 3.
    width = over_windows(outline, 1.5 * (4 * along * (1 - along) * _own_edge(along)).sum(axis=1))
    near = along[:, 13:20]
    is_step = np.abs(np.diff(near, axis=1)).max(axis=1) > _BINARY_STEP
    return (
        LocalMeasure("edge_width", "px", width, SECOND_WORST),
        LocalMeasure("edge_hardness", "share", over_windows(outline, is_step.astype(np.float32)), 50),
        LocalMeasure("edge_roughness", "px", np.sqrt(over_windows(outline, outline.jitter**2)), 75),
    )


def _own_edge(along: FloatArray) -> BoolArray:
    """Where the matte's rows (N, 33) still belong to the edge in their middle, not to the other side of a strap."""
    outwards, inwards = along[:, 16:], 1 - along[:, 15::-1]
    kept = [
        np.logical_and.accumulate(side - np.minimum.accumulate(side, axis=1) < _TURN, axis=1)
        for side in (outwards, inwards)
    ]
    return np.concatenate([kept[1][:, ::-1], kept[0]], axis=1)


def view(outline: Outline, alpha: MaskArray, source: RGBArray, frame: RGBArray, has_backdrop: bool = True) -> EdgeView:
    """Compare matte and result with the photo along every normal, all in one grid; `source` declared-corrected.

    `has_backdrop`: False where the source's ground is a stand-in: how much of it is left in the edge says nothing.
    """
    rows = unroll(outline, alpha, source, frame)
    offsets = rows.offsets
    contrast = rows.contrast
    tell = contrast > _TELL
    likeness = _product_share(rows)
    outside, inside = (offsets > 0) & (offsets <= 7), (offsets <= 0) & (offsets >= -7)
    kept_backdrop = ((likeness < 0.4) & (rows.alpha > 0.8) & inside).sum(axis=1)
    left_product = ((likeness > 0.6) & (rows.alpha < 0.2) & outside).sum(axis=1)
    soft = (rows.alpha > 0.03) & (rows.alpha < 0.95)
    off_outer, off_inner = (distance(rows.source, side[:, None]) for side in (rows.outer, rows.inner))
    stray = (soft & (off_outer < _LIKE) & (offsets >= 3) & rows.is_far).sum(axis=1)
    thin = (soft & (off_inner < 0.5 * off_outer) & (offsets <= -3) & rows.is_far).sum(axis=1)
    steps, middle = _steps(rows)
    unsupported, loose = _unsupported(rows, contrast, steps, middle)
    # A polished or pale rim is like the backdrop, but the photo has its edge where the matte has it: no halo.
    # And beside a contact shadow it has its edge between product and shadow, or none that is sharp: nothing is missing.
    from_inside, from_outside = (_is_edge_here(side, middle) for side in (steps, steps[:, ::-1]))
    kept_backdrop[from_inside | _is_rim(steps, middle, rows.noise) | _has_line(rows, contrast)] = 0
    left_product[from_outside | _fades(rows, contrast, steps, middle)] = 0
    stray_jitter = np.where(from_inside & from_outside, np.float32(0), outline.jitter)
    return EdgeView(
        outline,
        (
            LocalMeasure("halo", "px", _mean(outline, kept_backdrop, tell), 75),
            LocalMeasure("missing_edge", "px", _mean(outline, left_product, tell), 90),
            LocalMeasure("fringe", "share", _fringe(outline, rows, tell & has_backdrop), 75),
            LocalMeasure("stray", "px", _mean(outline, stray, rows.has_outer), SECOND_WORST),
            LocalMeasure("thin_edge", "px", _mean(outline, thin, tell), SECOND_WORST),
            LocalMeasure("edge_roughness", "px", np.sqrt(_mean(outline, stray_jitter**2, None)), 75),
            LocalMeasure("unsupported", "share", _mean(outline, unsupported, None), SECOND_WORST),
        ),
        loose,
        _is_fading(steps, middle, contrast),
    )


def _mean(outline: Outline, rows: npt.NDArray[np.generic], judged: BoolArray | None) -> FloatArray:
    return over_windows(outline, np.asarray(rows, np.float32), judged)


def _product_share(rows: Profiles) -> FloatArray:
    """Where each source pixel lies between surroundings (0) and product (1), (N, K)."""
    line = rows.inner - rows.outer
    length = np.maximum(dotted(line[:, None], line[:, None]), 1e-6)
    return np.asarray(dotted(rows.source - rows.outer[:, None], line[:, None]) / length, np.float32)


def _steps(rows: Profiles) -> tuple[FloatArray, FloatArray]:
    """Lab distance over 3 px along each normal (N, K - 3), and the offset it is centred at."""
    step = distance(rows.source[:, _STEP_PX:], rows.source[:, :-_STEP_PX])
    middle = (rows.offsets[_STEP_PX:] + rows.offsets[:-_STEP_PX]) / 2
    return np.asarray(step, np.float32), np.asarray(middle, np.float32)


def _unsupported(
    rows: Profiles, contrast: FloatArray, steps: FloatArray, middle: FloatArray
) -> tuple[BoolArray, BoolArray]:
    """Contour points with no step in the photo beneath them: product goes on beyond, or what is kept is backdrop.

    First: measured by what the matte's own softness lets expect, so that an out-of-focus edge is no missing one.
    Second: measured by a sharp edge, as a product in focus has and a shadow has not.
    """
    near = np.abs(middle) <= 5
    steepest = steps[:, near].max(axis=1)
    expected = contrast * np.abs(rows.alpha[:, _STEP_PX:] - rows.alpha[:, :-_STEP_PX])[:, near].max(axis=1)
    # An edge stands out at the contour; the slope of a shadow or a lit sweep is as steep to either side.
    standing_out = steps[:, np.abs(middle) <= 2].max(axis=1) - np.median(steps, axis=1)
    faint = standing_out < max(_LEAST_STANDING, _GRAINS_STANDING * rows.noise)
    return np.asarray(faint | (steepest < _LEAST_SHARE * expected)), np.asarray(faint | (steepest < _SHARP * contrast))


def _is_fading(steps: FloatArray, middle: FloatArray, contrast: FloatArray) -> BoolArray:
    steepest = steps[:, np.abs(middle) <= 3].max(axis=1)
    return np.asarray((steepest < _FADING) & (steepest < np.maximum(_FADING_SHARE * contrast, _FAINT)))


def _is_edge_here(steps: FloatArray, middle: FloatArray) -> BoolArray:
    """Whether the photo has a step at the contour itself that isn't much weaker than those just inside.

    With the columns turned round: than those just outside.
    """
    here = steps[:, (middle > 0) & (middle < 1)].max(axis=1)
    return np.asarray(here > _HERE_SHARE * steps[:, (middle > -7) & (middle < 1)].max(axis=1))


def _is_rim(steps: FloatArray, middle: FloatArray, noise: float) -> BoolArray:
    """Whether the photo has a step at the contour that is weaker just inside: a pale rim, not a halo's inner end."""
    here = steps[:, np.abs(middle) < 1].max(axis=1)
    inside = steps[:, (middle > -3) & (middle < -1)].max(axis=1)
    return np.asarray((here > max(_LEAST_STEP, _GRAINS * noise)) & (here > _RIM_OVER * inside))


def _has_line(rows: Profiles, contrast: FloatArray) -> BoolArray:
    """Whether the photo is, at the contour, of a colour that no mixture of what lies 3 px to either side gives."""
    middle = rows.offsets.size // 2
    here, inside, outside = (rows.source[:, at : at + 1] for at in (middle, middle - 3, middle + 3))
    line, off = inside - outside, here - outside
    share = np.clip(dotted(off, line) / np.maximum(dotted(line, line), 1e-3), 0, 1)
    apart = distance(here, outside + share[..., None] * line)[:, 0]
    return np.asarray(apart > np.maximum(_GRAINS * rows.noise, np.maximum(_LEAST_LINE, 0.1 * contrast)))


def _fades(rows: Profiles, contrast: FloatArray, steps: FloatArray, middle: FloatArray) -> BoolArray:
    """Whether no sharp edge lies outside: so a dark product goes over into its contact shadow."""
    sharpest = steps[:, (middle > 0) & (middle < 8)].max(axis=1)
    is_dark = rows.inner[:, 0] < rows.outer[:, 0]
    return np.asarray(sharpest < np.where(is_dark, _SHARP_DARK, _SHARP) * contrast)


def _fringe(outline: Outline, rows: Profiles, tell: BoolArray) -> FloatArray:
    """How much of the backdrop is left in the soft pixels: 0 = clean composite, 1 = nothing was taken out.

    The result is placed between the clean composite of the local product colour and the composite of the photo's own
    pixels, by least squares over each stretch.
    """
    solid = ((rows.alpha > 0.9) & (rows.offsets <= -1) & (rows.offsets >= -7)).astype(np.float32)
    near = np.abs(rows.offsets) <= 5
    matte = rows.alpha[:, near]
    soft, alpha = (matte > 0.1) & (matte < 0.9), matte[..., None]
    clean = rows.local(rows.frame, solid)[:, None] * alpha + _WHITE * (1 - alpha)
    contaminated = alpha * (rows.source_rgb[:, near] - rows.local(rows.source_rgb, solid)[:, None])
    shared = (dotted(rows.frame[:, near] - clean, contaminated) * soft).sum(axis=1)
    energy = (dotted(contaminated, contaminated) * soft).sum(axis=1)
    white = np.array([[[_WHITE_L, 0, 0]]], np.float32)
    visible = tell & (distance(rows.outer[:, None], white)[:, 0] > _VISIBLE)
    left = _mean(outline, shared, visible) / np.maximum(_mean(outline, energy, visible), np.float32(1.0))
    return np.asarray(left, np.float32)
