"""The four parts of 25 as ramps over measures, with the words people read. Limits are documented in docs/scoring.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from processing.params import ChannelSpec, ScoringParams
from processing.quality import regions
from processing.quality.content import Content
from processing.quality.edges import LocalMeasure
from processing.quality.outline import Outline
from processing.types import MaskArray, Measure

PART = 25.0
COLOUR_DE = (1.0, 5.0)
CAST = (4.0, 12.0)
MOST_BOXES = 8

# (full score up to, nothing left from), and what to do about it. Set on the tuning half of benchmarks/defects.py.
LIMITS: dict[str, tuple[float, float]] = {
    "edge_width": (6.5, 9.0),
    "edge_hardness": (0.2, 0.5),
    "edge_roughness": (0.65, 1.0),
    "specks": (0.012, 0.02),
    "removal_confidence": (0.55, 0.05),
    "halo": (0.7, 1.1),
    "missing_edge": (0.75, 1.0),
    "fringe": (0.75, 0.92),
    "stray": (0.55, 1.3),
    "thin_edge": (1.2, 3.0),
    "unsupported": (0.35, 0.45),
    "holes": (0.0005, 0.003),
    "lost": (0.003, 0.01),
    "remains": (36.0, 120.0),  # 6 x 6 px at a Lab distance of 15 from white is what a person sees at 1:1
    "gaps": (36.0, 120.0),
    "detail": (0.88, 0.68),
    "content": (0.8, 0.6),  # good results reach 0.84 and more, a changed place mostly less than half of that
    "colour_spot": (3.0, 8.0),
}
ADVICE = {
    "edge_width": "Sharpen the matte: its edge is blurred",
    "edge_hardness": "Soften the matte: its edge is a staircase",
    "edge_roughness": "Smooth the outline: it is jagged",
    "specks": "Clear the specks round the outline",
    "removal_confidence": "Check the cut-out: the remover was unsure of it",
    "halo": "Pull the edge in: backdrop shows along it",
    "missing_edge": "Let the edge out: product is cut away along it",
    "fringe": "Take the backdrop's colour out of the edge",
    "stray": "Clear the veil of backdrop round the product",
    "thin_edge": "Make the product solid up to its edge",
    "unsupported": "Redraw the outline where the photo has no edge",
    "holes": "Fill the holes and thin places inside the product",
    "lost": "Bring back what was cut away",
    "remains": "Clear the small remains of backdrop or shadow",
    "gaps": "Open the gaps through which the backdrop shows",
    "detail": "Keep the product's detail: the result is blurred",
    "content": "Put the product back as the photo shows it: its inside was changed",
    "colour_spot": "Bring the colours back where they are off",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One measure with the factor 0..1 it gives its part."""

    measure: Measure
    factor: float

    @property
    def advice(self) -> str:
        """What to do about it, with the number and its limit."""
        limit = f"{self.measure.threshold:g}" if self.measure.threshold is not None else "none"
        unit = f" {self.measure.unit}" if self.measure.unit not in ("", "share") else ""
        text = ADVICE.get(self.measure.name, self.measure.name)
        return f"{text} ({self.measure.value:.3g}{unit}, limit {limit})"


@dataclass(frozen=True, slots=True)
class Part:
    """A part: `base` 0..25 by its formula times the factors of its rows. `advice` says what to do about the base."""

    base: float
    rows: tuple[Row, ...]
    advice: str = ""

    @property
    def value(self) -> float:
        """The part's points."""
        return self.base * float(np.prod([row.factor for row in self.rows])) if self.rows else self.base

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The measures behind it."""
        return tuple(row.measure for row in self.rows)


def ramp(value: float, full: float, nothing: float) -> float:
    """Return 1 at `full` and better, 0 at `nothing` and worse, linear between; `nothing` may lie on either side."""
    share = (nothing - value) / (nothing - full)
    return min(1.0, max(0.0, share))


def background_part(rate: float, passed: bool) -> float:
    """25 if PASS else int(25 x rate) (QC-05; 002 L247-249). Counts of 50 are exact: 20 bad give 15, 21 give 14."""
    return PART if passed else float(int(PART * rate + 1e-9))


def fill_part(fill: float, target: float = 0.85) -> float:
    """25 if fill >= target else int(25 x fill / target) (QC-07; 002 L254-256): 0.425 -> 12, 0.80 -> 23."""
    return PART if fill >= target else float(int(PART * max(0.0, fill) / target + 1e-9))


def colour_part(shift_de: float) -> float:
    """25 up to a median CIEDE2000 of 1, 0 from 5."""
    return PART * ramp(shift_de, *COLOUR_DE)


def fill_ratio(alpha: MaskArray) -> float:
    """Return the product's longest side as a share of the frame's side it runs along, 0 when empty."""
    return fill_of(product_box(alpha), alpha.shape)


def fill_of(box: tuple[int, int, int, int], shape: tuple[int, ...]) -> float:
    """Return the fill of a product's box (x, y, w, h) in a frame of `shape` (H, W)."""
    return float(max(box[3] / shape[0], box[2] / shape[1]))


def product_box(alpha: MaskArray) -> tuple[int, int, int, int]:
    """Return the box (x, y, w, h) of what is more than half opaque, px; no width and height when nothing is."""
    return box_of((alpha > 0.5).view(np.uint8))


def box_of(solid: npt.NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Return the box (x, y, w, h) of what isn't 0 in `solid` (H, W), px."""
    x, y, width, height = cv2.boundingRect(solid)
    return int(x), int(y), int(width), int(height)


def row(name: str, value: float, unit: str, where: tuple[tuple[int, int, int, int], ...] = (), note: str = "") -> Row:
    """One measure of the edge part by its limits."""
    full, nothing = LIMITS[name]
    factor = ramp(value, full, nothing)
    return Row(Measure(name, round(value, 4), unit, "edge", full, factor >= 1.0, note, where), factor)


def local_row(measure: LocalMeasure, outline: Outline) -> Row:
    """One measure of the outline; its boxes are the worst stretches beyond the limit."""
    if not measure.is_judged:
        note = "not measured: product and backdrop look alike, or the backdrop isn't known"
        return Row(Measure(measure.name, 0.0, measure.unit, "edge", LIMITS[measure.name][0], None, note), 1.0)
    over = flagged(measure)
    order = np.argsort(-np.nan_to_num(measure.windows))[: min(MOST_BOXES, int(over.sum()))]
    return row(measure.name, measure.value, measure.unit, outline.boxes(order))


def content_rows(found: Content) -> list[Row]:
    """The product's inside against the photo's: the worst place is judged, the means are told (QC-18)."""
    return [
        row("content", found.worst, "SSIM", (found.where,)),
        Row(Measure("ssim", round(found.ssim, 4), "SSIM", "edge"), 1.0),
        Row(Measure("psnr", round(found.psnr, 2), "dB", "edge"), 1.0),
    ]


def flagged(measure: LocalMeasure) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """The stretches (M,) that are beyond the limit when the measure is; none when it isn't."""
    limit = LIMITS[measure.name][0]
    beyond = np.nan_to_num(measure.windows, nan=-1.0) > limit
    return np.asarray(beyond if measure.value > limit else np.zeros_like(beyond))


def edge_part(rows: Sequence[Row]) -> Part:
    """25 times the product of all factors: one bad value is enough to sink it."""
    return Part(PART, tuple(rows))


def unfound_edge() -> Part:
    """The edge of a result whose product isn't in the photo: nothing was measured, nothing is earned."""
    unmeasured = Measure("edge_support", 0.0, "", "edge", None, None, "not measured: not found in the photo")
    return Part(0.0, (Row(unmeasured, 1.0),), "Score it against the photo it was made from")


def fill(box: tuple[int, int, int, int], shape: tuple[int, ...], channel: ChannelSpec, scoring: ScoringParams) -> Part:
    """The fill part for the product's box in a frame of `shape`; a channel without a minimum isn't judged (QC-33)."""
    share = fill_of(box, shape)
    if not channel.fill_min:
        return Part(PART, (Row(Measure("fill", round(share, 4), "share", "fill"), 1.0),))
    target = max(channel.fill_min, scoring.fill_target)
    measure = Measure("fill", round(share, 4), "share", "fill", target, share >= target, "", (box,))
    advice = f"Let the product fill {target:.0%} of the frame; it fills {share:.0%}"
    return Part(fill_part(share, target), (Row(measure, 1.0),), advice)


def colour(view: regions.Scene | None, cast: float | None, has_reference: bool, is_found: bool = True) -> Part:
    """The colour part: median shift, the worst block, the cast left. What can't be measured is said (QC-08).

    Without a photo the part keeps its 25 beside the flag, as the seed's formula has it; with one that shows nothing to
    compare, or another product, it earns nothing.
    """
    found = regions.colour_shift(view) if view is not None else None
    if found is None:
        unmeasured = Measure("colour_shift", 0.0, "dE2000", "colour", None, None, "not measured")
        base = PART if view is None and is_found else 0.0
        return Part(base, (Row(unmeasured, 1.0),), "Compare the colours with the photo: they could not be measured")
    shift, spot, where = found
    limit = LIMITS["colour_spot"]
    rows = [
        Row(Measure("colour_shift", round(shift, 3), "dE2000", "colour", COLOUR_DE[0], shift <= COLOUR_DE[0]), 1.0),
        Row(
            Measure("colour_spot", round(spot, 3), "dE2000", "colour", limit[0], spot <= limit[0], "", where),
            ramp(spot, *limit),
        ),
    ]
    advice = f"Bring the colours back: they are off by {shift:.1f}"
    if not has_reference:
        note = "no neutral backdrop to measure against"
        rows.append(Row(Measure("white_reference", 0.0, "", "colour", None, None, note), 1.0))
    elif cast is not None:
        measure = Measure("residual_cast", round(cast, 2), "chroma", "colour", CAST[0], cast <= CAST[0])
        rows.append(Row(measure, ramp(cast, *CAST)))
        if cast > CAST[0]:
            advice = "Balance the white: the backdrop still has a colour cast"
    return Part(colour_part(shift), tuple(rows), advice)


def lifting(parts: Sequence[Part], line: float) -> str:
    """Say what would lift the sum of `parts` to `line`: the steps with the largest gain until it is reached.

    Nothing where they don't lift it by a point that is shown.
    """
    rest = list(parts)
    said: list[str] = []
    while sum(part.value for part in rest) < line and len(said) < 3:
        gain, at, better, text = max((step for at, part in enumerate(rest) for step in _steps(at, part)), key=_gain)
        if gain <= 0:
            break
        rest[at] = better
        said.append(text)
    reached = int(sum(part.value for part in rest))
    if not said or reached <= int(sum(part.value for part in parts)):
        return ""
    return f"{'; '.join(said)}. That would make it {reached} of 100."


Step = tuple[float, int, Part, str]


def _gain(step: Step) -> float:
    return step[0]


def _steps(at: int, part: Part) -> list[Step]:
    steps: list[Step] = []
    if part.base < PART:
        better = Part(PART, part.rows, part.advice)
        steps.append((better.value - part.value, at, better, part.advice))
    if part.rows and part.value == 0 and part.base > 0:
        # Several zeros hide each other's gain: then the worst rows are mended together, one by one in words.
        worst = min(part.rows, key=lambda item: item.factor)
        rows = tuple(Row(item.measure, 1.0 if item is worst else item.factor) for item in part.rows)
        better = Part(part.base, rows, part.advice)
        steps.append((max(better.value - part.value, 0.01), at, better, worst.advice))
        return steps
    for item in part.rows:
        if item.factor < 1.0:
            rows = tuple(Row(other.measure, 1.0 if other is item else other.factor) for other in part.rows)
            better = Part(part.base, rows, part.advice)
            steps.append((better.value - part.value, at, better, item.advice))
    return steps or [(0.0, at, part, "")]
