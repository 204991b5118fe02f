"""The score: four parts of 25, gates apart from it, and one sentence on what would lift it to 90.

Background and fill follow the seed's formulas to the digit (INVENTORY D). Edge is 25 times a product of ramps over
measures with known detection rates; colour is a ramp on CIEDE2000. Ramps are documented where they stand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from processing.params import ChannelSpec, ScoringParams
from processing.quality import gates, measures
from processing.types import Gate, MaskArray, Measure, QualityReport, RGBArray

PART = 25.0
MAX_SHOWN_FAILURES = 50
AUTO_LINE = 90.0

# (full score up to, nothing left from); measured on good and planted-defect results, see docs/scoring.md
HALO = (0.10, 0.60)
MISSING = (0.04, 0.35)
FRINGE = (3.0, 14.0)
HOLES = (0.0005, 0.02)
ROUGH = (0.06, 0.45)
WIDE_PX = (4.5, 12.0)
NARROW_PX = (0.35, 0.05)
CONFIDENCE = (0.55, 0.05)
COLOUR_DE = (1.0, 5.0)
CAST = (4.0, 12.0)


@dataclass(frozen=True, slots=True)
class _Part:
    value: float
    measures: tuple[Measure, ...]
    advice: str = ""


def background_part(rate: float, passed: bool) -> float:
    """25 if PASS else int(25 x rate) (QC-05; 002 L247-249). Counts of 50 are exact: 20 bad give 15, 21 give 14."""
    return PART if passed else float(int(PART * rate + 1e-9))


def fill_part(fill: float, target: float = 0.85) -> float:
    """25 if fill >= target else int(25 x fill / target) (QC-07; 002 L254-256): 0.425 -> 12, 0.80 -> 23."""
    return PART if fill >= target else float(int(PART * max(0.0, fill) / target + 1e-9))


def colour_part(shift_de: float) -> float:
    """25 up to a median CIEDE2000 of 1, 0 from 5."""
    return PART * ramp(shift_de, *COLOUR_DE)


def ramp(value: float, full: float, nothing: float) -> float:
    """Return 1 at `full` and better, 0 at `nothing` and worse, linear between; `nothing` may lie on either side."""
    share = (nothing - value) / (nothing - full)
    return min(1.0, max(0.0, share))


def score(
    frame: RGBArray,
    alpha: MaskArray,
    *,
    channel: ChannelSpec,
    scoring: ScoringParams,
    expected: RGBArray | None = None,
    confidence: float = 1.0,
    is_cut: bool = False,
    has_colour_reference: bool = True,
    residual_cast: float | None = None,
) -> QualityReport:
    """Score one result before it is encoded.

    `frame`: (H, W, 3) uint8, the product on its background without generated shadow. `alpha`: its matte. `expected`:
    the source warped to the same grid with the declared correction, backdrop included; None when there is none (then
    edge colour measures and the colour part are not measured). `confidence`: the remover's, 0..1. `is_cut`: the product
    touches the source's edge. `has_colour_reference`: a neutral backdrop or card fixed the white balance;
    `residual_cast`: chroma left on it after the correction. Never raises for a bad picture: the gates say that.
    """
    asks_white = channel.background == "pure_white"
    sampled = measures.background_samples(
        frame,
        samples=scoring.perimeter_samples,
        tolerance=scoring.white_tolerance,
        wanted_rate=scoring.compliance_rate,
    )
    off_white = measures.off_white_share(frame, alpha)
    near = measures.surroundings(expected, alpha) if expected is not None and bool((alpha > 0.5).any()) else None
    loss = measures.content_loss(near) if near is not None else None
    checks = _gates(frame, alpha, near, loss, is_cut)
    if asks_white:
        checks.append(gates.background_white(sampled.passed, off_white, sampled.compliance_rate))
    background = _background(sampled, off_white, asks_white)
    edge = _edge(frame, alpha, near, confidence)
    fill = _fill(alpha, channel, scoring)
    shift = measures.colour_shift(frame, expected, alpha) if expected is not None else None
    colour = _colour(shift, residual_cast, has_colour_reference)
    total = background.value + edge.value + fill.value + colour.value
    loss_measure = _loss_measure(loss)
    return QualityReport(
        total=total,
        background=background.value,
        edge=edge.value,
        fill=fill.value,
        colour=colour.value,
        colour_measured=shift is not None and has_colour_reference,
        background_status=("PASS" if sampled.passed else "FAIL") if asks_white else "NOT_REQUIRED",
        compliance_rate=sampled.compliance_rate,
        failures=sampled.failures[:MAX_SHOWN_FAILURES] if asks_white else (),
        gates=tuple(checks),
        measures=(*background.measures, *edge.measures, *fill.measures, *colour.measures, loss_measure),
        checks=_output_checks(frame, alpha, checks),
        advice=_advice(total, (background, edge, fill, colour), checks),
    )


def _gates(
    frame: RGBArray, alpha: MaskArray, near: measures.Surroundings | None, loss: float | None, is_cut: bool
) -> list[Gate]:
    leftover = measures.leftover_ratio(near) if near is not None and near.is_uniform else 0.0
    return [
        gates.blank(frame, alpha),
        gates.content_kept(loss),
        gates.no_artifacts(leftover),
        gates.product_whole(is_cut),
    ]


def _output_checks(frame: RGBArray, alpha: MaskArray, checks: list[Gate]) -> dict[str, bool]:
    """QC-15: the five booleans of a finished output. Encoding is checked again on the file's own bytes."""
    passed = {gate.code: gate.passed for gate in checks}
    return {
        "not_blank": passed["blank"],
        "has_content": bool((alpha > 0.5).any()) and passed["content_loss"],
        "no_corruption": passed["artifacts"],
        "correct_dimensions": frame.shape[:2] == alpha.shape and min(alpha.shape) > 0,
        "proper_format": frame.dtype == "uint8" and frame.ndim == 3 and frame.shape[2] == 3,
    }


def _background(sampled: measures.Background, off_white: float, asks_white: bool) -> _Part:
    shown = (
        Measure("compliance_rate", sampled.compliance_rate, "share", "background", 0.95, sampled.passed),
        Measure("off_white", off_white, "share", "background", 0.0 if asks_white else None, off_white == 0 or None),
    )
    if not asks_white:  # QC-33: a channel that doesn't ask for white doesn't judge it
        return _Part(PART, shown)
    value = background_part(sampled.compliance_rate, sampled.passed)
    return _Part(value, shown, "Make the background pure white up to the frame.")


def _edge(frame: RGBArray, alpha: MaskArray, near: measures.Surroundings | None, confidence: float) -> _Part:
    shape = measures.edge_shape(alpha)
    rows: list[tuple[Measure, float, str]] = [
        _row("edge_width", shape.width_px, "px", WIDE_PX, "Sharpen the matte: its edge is blurred."),
        _row("edge_hardness", shape.width_px, "px", NARROW_PX, "Soften the matte: its edge is a staircase."),
        _row("edge_roughness", shape.roughness, "share", ROUGH, "Smooth the outline: it is jagged."),
        _row("removal_confidence", confidence, "share", CONFIDENCE, "Check the cut-out: the remover was unsure of it."),
    ]
    if near is not None:
        rows += [
            _row("halo", measures.halo_ratio(near), "share", HALO, "Pull the edge in: backdrop shows along it."),
            _row(
                "missing_edge",
                measures.missing_edge_ratio(near),
                "share",
                MISSING,
                "Let the edge out: product is cut away.",
            ),
            _row(
                "fringe",
                measures.fringe_difference(frame, near),
                "dE2000",
                FRINGE,
                "Take the backdrop's colour out of the edge.",
            ),
            _row("holes", measures.hole_ratio(near), "share", HOLES, "Fill the holes inside the product."),
        ]
    value, worst = PART, min(rows, key=lambda row: row[1])
    for _, factor, _ in rows:
        value *= factor
    return _Part(value, tuple(row[0] for row in rows), worst[2])


def _row(name: str, value: float, unit: str, limits: tuple[float, float], advice: str) -> tuple[Measure, float, str]:
    factor = ramp(value, *limits)
    return Measure(name, round(value, 4), unit, "edge", limits[0], factor >= 1.0), factor, advice


def _fill(alpha: MaskArray, channel: ChannelSpec, scoring: ScoringParams) -> _Part:
    fill = fill_ratio(alpha)
    if not channel.fill_min:
        return _Part(PART, (Measure("fill", round(fill, 4), "share", "fill"),))
    target = max(channel.fill_min, scoring.fill_target)
    return _Part(
        fill_part(fill, target),
        (Measure("fill", round(fill, 4), "share", "fill", target, fill >= target),),
        f"Let the product fill {target:.0%} of the frame; it fills {fill:.0%}.",
    )


def fill_ratio(alpha: MaskArray) -> float:
    """Return the product's longest side as a share of the frame's side it runs along, 0 when empty."""
    solid = alpha > 0.5
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    if not rows.size:
        return 0.0
    tall, wide = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    return float(max(tall / alpha.shape[0], wide / alpha.shape[1]))


def _colour(shift: float | None, cast: float | None, has_reference: bool) -> _Part:
    if shift is None:
        return _Part(PART, (Measure("colour_shift", 0.0, "dE2000", "colour", None, None, "not measured"),))
    value = colour_part(shift)
    rows = [Measure("colour_shift", round(shift, 3), "dE2000", "colour", COLOUR_DE[0], shift <= COLOUR_DE[0])]
    advice = f"Bring the colours back: they are off by {shift:.1f}."
    if not has_reference:
        rows.append(Measure("white_reference", 0.0, "", "colour", None, None, "no neutral backdrop to measure against"))
    elif cast is not None:
        value *= ramp(cast, *CAST)
        rows.append(Measure("residual_cast", round(cast, 2), "chroma", "colour", CAST[0], cast <= CAST[0]))
        if cast > CAST[0]:
            advice = "Balance the white: the backdrop still has a colour cast."
    return _Part(value, tuple(rows), advice)


def _loss_measure(loss: float | None) -> Measure:
    if loss is None:
        return Measure("content_loss", 0.0, "share", "gate", gates.CONTENT_LOSS_LIMIT, None, "not measured")
    return Measure(
        "content_loss", round(loss, 4), "share", "gate", gates.CONTENT_LOSS_LIMIT, loss <= gates.CONTENT_LOSS_LIMIT
    )


def _advice(total: float, parts: tuple[_Part, ...], checks: list[Gate]) -> str:
    failed = next((gate for gate in checks if not gate.passed), None)
    if failed is not None:
        return failed.message
    if total >= AUTO_LINE:
        return ""
    weakest = min(parts, key=lambda part: part.value)
    return f"{weakest.advice} That part has {int(weakest.value)} of 25."
