"""Where a score lost its points: how much each measure cost, and the places of a label map as shapes for a viewer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from processing.quality import parts
from processing.quality.labels import CODES, COLOUR_STEPS, decoded
from processing.types import Measure, QualityReport

Box = tuple[int, int, int, int]
ByteArray = npt.NDArray[np.uint8]

COLOUR_LEVELS = (1.0, 2.0, 3.0, 5.0)
"""CIEDE2000 from which a place of the colour map belongs to a level: just seen side by side, up to plainly off."""
_NAMES = {code: name for name, code in CODES.items()}
_LEAST_FACTOR = 0.001  # a factor of 0 would claim the whole part and leave nothing for the others


@dataclass(frozen=True, slots=True)
class Place:
    """What was found under one name: connected `boxes` (x, y, w, h) in frame px with their `areas` (map px), largest
    first, and all of it as the data of an SVG path in frame px."""

    name: str
    boxes: tuple[Box, ...]
    areas: tuple[int, ...]
    path: str


def lost_points(report: QualityReport) -> dict[str, float]:
    """Return the points each measure cost, by its name; measures that cost nothing are left out.

    A part is 25 times the product of its factors, so what it lost is shared out by the factors' logarithms: the sum
    over all measures is 100 minus the total, up to rounding. What is lost without a failed measure (nothing could be
    measured) stands under the part's first.
    """
    lost: dict[str, float] = {}
    for part, value in (
        ("background", report.background), ("edge", report.edge), ("fill", report.fill), ("colour", report.colour),
    ):  # fmt: skip
        missing = parts.PART - value
        rows = [measure for measure in report.measures if measure.part == part]
        if missing < 0.005 or not rows:
            continue
        weights = {row.name: -math.log(max(_LEAST_FACTOR, _factor(row))) for row in rows}
        total = sum(weights.values())
        if total <= 0:
            weights, total = {rows[0].name: 1.0}, 1.0
        lost |= {name: round(missing * weight / total, 2) for name, weight in weights.items() if weight > 0}
    return {name: points for name, points in lost.items() if points > 0}


def _factor(row: Measure) -> float:
    """The factor 0..1 a measure gave its part."""
    if row.passed is not False:
        return 1.0
    if row.name == "compliance_rate":
        return parts.background_part(row.value, False) / parts.PART
    if row.name == "fill":
        return parts.fill_part(row.value, row.threshold or 1.0) / parts.PART
    if row.name == "colour_shift":
        return parts.colour_part(row.value) / parts.PART
    if row.name == "residual_cast":
        return parts.ramp(row.value, *parts.CAST)
    return parts.ramp(row.value, *parts.LIMITS[row.name]) if row.name in parts.LIMITS else 1.0


def places(label_map: str, frame: tuple[int, int], most: int = 12) -> tuple[Place, ...]:
    """Return what a label map shows of a frame (w, h) px, one Place per name, at most `most` boxes each; () for ""."""
    codes = decoded(label_map)
    found = [int(code) for code in np.unique(codes) if int(code) in _NAMES] if codes.size else []
    return tuple(_place(_NAMES[code], np.asarray(codes == code, np.uint8), frame, most) for code in found)


def colour_levels(colour_map: str, frame: tuple[int, int]) -> tuple[str, ...]:
    """Return SVG path data in frame px, one per COLOUR_LEVELS, each of what reaches it but not the next."""
    values = decoded(colour_map)
    if not values.size:
        return ()
    edges = [round(level * COLOUR_STEPS) for level in (*COLOUR_LEVELS, 1000.0)]
    return tuple(_path(np.asarray((values >= low) & (values < high), np.uint8), frame) for low, high in pairwise(edges))


def _place(name: str, mask: ByteArray, frame: tuple[int, int], most: int) -> Place:
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    order = np.argsort(-stats[1:, cv2.CC_STAT_AREA], kind="stable")[:most] + 1
    across, down = frame[0] / mask.shape[1], frame[1] / mask.shape[0]
    boxes = tuple(
        (int(x * across), int(y * down), math.ceil(w * across), math.ceil(h * down))
        for x, y, w, h in (stats[label, :4] for label in order)
    )
    return Place(name, boxes, tuple(int(stats[label, cv2.CC_STAT_AREA]) for label in order), _path(mask, frame))


def _path(mask: ByteArray, frame: tuple[int, int]) -> str:
    """One rectangle per run of set pixels in a row, equal runs of rows below each other joined."""
    across, down = frame[0] / mask.shape[1], frame[1] / mask.shape[0]
    steps = np.diff(np.pad(mask.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    rows, starts = np.nonzero(steps == 1)
    ends = np.nonzero(steps == -1)[1]
    open_runs: dict[tuple[int, int], tuple[int, int]] = {}
    done: list[tuple[int, int, int, int]] = []
    for row, start, end in zip(rows.tolist(), starts.tolist(), ends.tolist(), strict=True):
        first, last = open_runs.get((start, end), (row, row - 1))
        if last != row - 1:
            done.append((start, end, first, last))
            first = row
        open_runs[start, end] = (first, row)
    done += [(start, end, first, last) for (start, end), (first, last) in open_runs.items()]
    return "".join(
        f"M{start * across:g} {first * down:g}h{(end - start) * across:g}v{(last + 1 - first) * down:g}"
        f"h{-(end - start) * across:g}z"
        for start, end, first, last in sorted(done, key=lambda run: (run[2], run[0]))
    )
