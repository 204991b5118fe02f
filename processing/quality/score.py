"""The score: four parts of 25, gates apart from it, and one sentence on what would lift it to 90.

Background and fill follow the seed's formulas to the digit (INVENTORY D). Edge is 25 times a product of ramps over
local measures with known detection rates; colour is a ramp on CIEDE2000. See docs/scoring.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from processing.geometry import touches_frame
from processing.params import ChannelSpec, ScoringParams
from processing.quality import edges, gates, measures, outline, parts, regions
from processing.quality.content import Content, content
from processing.quality.gaps import Gaps, gaps
from processing.quality.labels import LabelMap
from processing.quality.parts import PART, background_part, colour_part, fill_part, fill_ratio, ramp
from processing.quality.remains import Remains, remains
from processing.types import Gate, MaskArray, Measure, QualityReport, RGBArray

__all__ = ["background_part", "colour_part", "fill_part", "fill_ratio", "ramp", "score"]

MAX_SHOWN_FAILURES = 50
AUTO_LINE = 90.0
RINGING_MARGIN_PX = 8
"""JPEG rings up to one 8 px block round the product; further out a white background must be exact (B5)."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """Everything looked at once: the outline and its view, the scene and the areas found in it."""

    line: outline.Outline | None = None
    shape: tuple[edges.LocalMeasure, ...] = ()
    edge: edges.EdgeView | None = None
    scene: regions.Scene | None = None
    lost: regions.BoolArray | None = None
    loss: float | None = None
    beside: regions.BoolArray | None = None
    hanging: regions.BoolArray | None = None
    pierced: regions.BoolArray | None = None
    remains: Remains | None = None
    content: Content | None = None
    gaps: Gaps | None = None

    def along(self) -> tuple[edges.LocalMeasure, ...]:
        """All measures of the outline; with the photo at hand a ruggedness that the product has itself is none."""
        by_photo = self.edge.measures if self.edge is not None else ()
        names = {item.name for item in by_photo}
        return (*(item for item in self.shape if item.name not in names), *by_photo)


@dataclass(frozen=True, slots=True)
class _White:
    """The perimeter's samples; the share of background pixels (or of the frame's ring) off white, and which."""

    sampled: measures.Background
    off: float
    wrong: regions.BoolArray | None


@dataclass(frozen=True, slots=True)
class Closer:
    """A result as large as its photo resolves it: `frame` (h, w, 3) uint8, `alpha` (h, w) 0..1 and `expected` (h, w, 3)
    uint8 or None, laid out as the frame that ships."""

    frame: RGBArray
    alpha: MaskArray
    expected: RGBArray | None


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
    is_encoded: bool = False,
    is_found: bool = True,
    has_backdrop: bool = True,
    closer: Closer | None = None,
) -> QualityReport:
    """Score one result.

    `frame`: (H, W, 3) uint8, the product on its background without generated shadow. `alpha`: its matte. `expected`:
    the source warped to the same grid with the declared correction, backdrop included; None when there is none (then
    edge colour measures and the colour part are not measured). `confidence`: the remover's, 0..1. `is_cut`: the product
    touches the source's edge. `has_colour_reference`: a neutral backdrop or card fixed the white balance;
    `residual_cast`: chroma left on it after the correction. `is_encoded`: the frame comes from a lossy file, so white
    is exact only beyond `RINGING_MARGIN_PX`. `is_found`: False when the product was looked for in its photo in vain:
    then the wrong-file gate fails and neither edge nor colour earns a point. `has_backdrop`: False for a file that came
    cut out, whose ground in `expected` is a stand-in: no fringe is measured against it. `closer`: the same result
    larger, when the frame shows less than the photo holds: outline, areas and colours are judged there, so that a small
    frame hides nothing; boxes stay in px of `frame`. Never raises for a bad picture: the gates say that.
    """
    view = Closer(frame, alpha, expected) if closer is None else closer
    asks_white = channel.background == "pure_white"
    white = _white(frame, alpha, scoring, is_encoded)
    solid = (alpha > 0.5).view(np.uint8)
    box = parts.box_of(solid)
    seen = _look(view, has_backdrop, solid if closer is None else None)
    four = (
        _background(white, asks_white),
        _edge(view, seen, confidence) if is_found else parts.unfound_edge(),
        parts.fill(box, alpha.shape, channel, scoring),
        parts.colour(seen.scene, residual_cast, has_colour_reference, is_found),
    )
    shift = next((measure.value for measure in four[3].measures if measure.threshold is not None), None)
    is_cut = is_cut or (channel.sizing == "fit" and touches_frame(alpha))
    checks = [*_gates(frame, alpha, seen, is_cut), gates.right_file(_likeness(seen), shift, is_found)]
    checks += _asked(channel, parts.fill_of(box, alpha.shape), white if asks_white else None)
    return QualityReport(
        total=sum(part.value for part in four),
        background=four[0].value,
        edge=four[1].value,
        fill=four[2].value,
        colour=four[3].value,
        colour_measured=shift is not None and has_colour_reference,
        background_status=("PASS" if white.sampled.passed else "FAIL") if asks_white else "NOT_REQUIRED",
        compliance_rate=white.sampled.compliance_rate,
        failures=white.sampled.failures[:MAX_SHOWN_FAILURES] if asks_white else (),
        gates=tuple(checks),
        measures=_placed(four, _gate_measures(seen), alpha.shape[1] / view.alpha.shape[1]),
        checks=_output_checks(frame, alpha, checks),
        advice=_advice(four, checks),
        label_map=_label_map(seen, four[1], white if asks_white else None, view.alpha.shape),
    )


def _placed(four: tuple[parts.Part, ...], gate: list[Measure], scale: float) -> tuple[Measure, ...]:
    """All measures, the boxes of those judged closer brought to the frame's px; the others are the frame's own."""
    closer = {measure.name for part in (four[1], four[3]) for measure in part.measures} | {item.name for item in gate}
    found = [measure for part in four for measure in part.measures] + gate
    if scale == 1.0:
        return tuple(found)
    return tuple(item.scaled(scale) if item.name in closer else item for item in found)


def _likeness(seen: _Seen) -> float | None:
    return regions.likeness(seen.scene) if seen.scene is not None else None


def _gates(frame: RGBArray, alpha: MaskArray, seen: _Seen, is_cut: bool) -> list[Gate]:
    return [
        gates.blank(frame, alpha),
        gates.content_kept(seen.loss),
        gates.no_artifacts(
            _share(seen.beside), _share(seen.hanging), seen.remains.visible if seen.remains is not None else 0.0
        ),
        gates.product_whole(is_cut),
    ]


def _share(found: regions.BoolArray | None) -> float:
    return 0.0 if found is None else float(found.mean())


def _look(closer: Closer, has_backdrop: bool, solid: npt.NDArray[np.uint8] | None) -> _Seen:
    frame, alpha, expected = closer.frame, closer.alpha, closer.expected
    line = outline.trace(alpha, solid)
    shape = edges.shape_of(line, alpha) if line is not None else ()
    if expected is None or not measures.holds_product(alpha):
        return _Seen(line, shape)
    scene, inside = _areas(frame, alpha, expected)
    view = edges.view(line, alpha, expected, frame, has_backdrop) if line is not None else None
    rim = regions.Rim(np.zeros((0, 2), np.int64), np.zeros(0, bool))
    if view is not None:
        rim = regions.Rim((view.outline.points * scene.scale).astype(np.int64), view.loosened())
    dropped = regions.lost(scene)
    return _Seen(
        line,
        shape,
        view,
        scene,
        dropped,
        regions.loss_ratio(scene, dropped),
        regions.detached(scene, rim),
        regions.attached(scene, rim),
        regions.pierced(scene, rim),
        remains(view, scene, expected, frame, alpha) if view is not None else None,
        inside,
        gaps(scene) if has_backdrop else None,
    )


def _areas(frame: RGBArray, alpha: MaskArray, expected: RGBArray) -> tuple[regions.Scene, Content | None]:
    """What is seen from afar; the averaged pictures are let go before the outline needs memory."""
    near = regions.near(expected, frame, alpha)
    return regions.scene(expected, frame, alpha, near), content(near, frame, expected, alpha)


def _white(frame: RGBArray, alpha: MaskArray, scoring: ScoringParams, is_encoded: bool) -> _White:
    sampled = measures.background_samples(
        frame,
        samples=scoring.perimeter_samples,
        tolerance=scoring.white_tolerance,
        wanted_rate=scoring.compliance_rate,
    )
    margin = RINGING_MARGIN_PX if is_encoded else 0
    off = max(measures.off_white_share(frame, alpha, margin), measures.off_white_ring(frame) if is_encoded else 0.0)
    if off == 0:
        return _White(sampled, 0.0, None)
    return _White(sampled, off, measures.off_white_mask(frame, alpha, margin))


def _background(white: _White, asks_white: bool) -> parts.Part:
    limit, sampled = (0.0 if asks_white else None), white.sampled
    where = () if white.wrong is None else measures.box_of(white.wrong)
    rows = (
        Measure("compliance_rate", sampled.compliance_rate, "share", "background", 0.95, sampled.passed),
        Measure("off_white", white.off, "share", "background", limit, white.off == 0 or None, "", where),
    )
    # QC-33: a channel that doesn't ask for white doesn't judge it.
    base = background_part(sampled.compliance_rate, sampled.passed) if asks_white else PART
    return parts.Part(
        base, tuple(parts.Row(row, 1.0) for row in rows), "Make the background pure white up to the frame"
    )


def _edge(closer: Closer, seen: _Seen, confidence: float) -> parts.Part:
    rows = [parts.row("removal_confidence", confidence, "share")]
    if seen.line is not None:
        rows += [parts.local_row(item, seen.line) for item in seen.along()]
        share = seen.line.crumbs_px / seen.line.length_px
        rows.append(parts.row("specks", share, "share", seen.line.crumbs[: parts.MOST_BOXES]))
    if seen.scene is not None and closer.expected is not None:
        kept = max(1, int((seen.scene.alpha > 0.5).sum()))
        if seen.pierced is not None:
            where = regions.boxes(seen.pierced, seen.scene)
            rows.append(parts.row("holes", float(seen.pierced.sum()) / kept, "share", where))
        if seen.loss is not None and seen.lost is not None:
            rows.append(parts.row("lost", seen.loss, "share", regions.boxes(seen.lost, seen.scene)))
        if seen.remains is not None:
            rows.append(parts.row("remains", seen.remains.visible, "px", seen.remains.boxes[: parts.MOST_BOXES]))
        if seen.gaps is not None:
            rows.append(parts.row("gaps", seen.gaps.visible, "px", seen.gaps.boxes[: parts.MOST_BOXES]))
        detail = regions.detail_ratio(closer.frame, closer.expected, closer.alpha, seen.scene)
        if detail is not None:
            rows.append(parts.row("detail", detail[0], "ratio", (detail[1],)))
        if seen.content is not None:
            rows += parts.content_rows(seen.content)
    return parts.edge_part(rows)


def _gate_measures(seen: _Seen) -> list[Measure]:
    limit, loss = gates.CONTENT_LOSS_LIMIT, seen.loss
    if loss is None or seen.scene is None or seen.lost is None:
        found = [Measure("content_loss", 0.0, "share", "gate", limit, None, "not measured")]
    else:
        where = regions.boxes(seen.lost, seen.scene)
        found = [Measure("content_loss", round(loss, 4), "share", "gate", limit, loss <= limit, "", where)]
    for name, left, most in (
        ("leftover", seen.hanging, gates.LEFTOVER_LIMIT), ("leftover_beside", seen.beside, gates.BESIDE_LIMIT),
    ):  # fmt: skip
        if seen.scene is not None and left is not None:
            share, where = _share(left), regions.boxes(left, seen.scene)
            found.append(Measure(name, round(share, 5), "share", "gate", most, share <= most, "", where))
    return found


def _output_checks(frame: RGBArray, alpha: MaskArray, checks: list[Gate]) -> dict[str, bool]:
    """QC-15: the five booleans of a finished output. Encoding is checked again on the file's own bytes."""
    passed = {gate.code: gate.passed for gate in checks}
    return {
        "not_blank": passed["blank"],
        "has_content": measures.holds_product(alpha) and passed["content_loss"],
        "no_corruption": passed["artifacts"],
        "correct_dimensions": frame.shape[:2] == alpha.shape and min(alpha.shape) > 0,
        "proper_format": frame.dtype == "uint8" and frame.ndim == 3 and frame.shape[2] == 3,
    }


def _advice(four: tuple[parts.Part, ...], checks: list[Gate]) -> str:
    failed = next((gate for gate in checks if not gate.passed), None)
    if failed is not None:
        return failed.message
    return "" if sum(part.value for part in four) >= AUTO_LINE else parts.lifting(four, AUTO_LINE)


def _asked(channel: ChannelSpec, filled: float, white: _White | None) -> list[Gate]:
    """What this channel asks beyond what all do; `white`: the ground's, where it must be white."""
    checks = [gates.well_filled(filled, channel.fill_min)] if channel.fill_min else []
    if white is not None:
        checks.append(gates.background_white(white.sampled.passed, white.off, white.sampled.compliance_rate))
    return checks


def _label_map(seen: _Seen, edge: parts.Part, white: _White | None, shape: tuple[int, ...]) -> str:
    drawn = LabelMap((shape[0], shape[1]))
    failed = {measure.name for measure in edge.measures if measure.passed is False}
    if seen.line is not None:
        if "specks" in failed:
            drawn.add_boxes("specks", seen.line.crumbs)
        for item in seen.along():
            if item.name in failed:
                drawn.add_stretches(item.name, seen.line, parts.flagged(item))
    for name, found in (("holes", seen.pierced), ("lost", seen.lost)):
        if found is not None and name in failed:
            drawn.add_area(name, found)
    for found, most in ((seen.beside, gates.BESIDE_LIMIT), (seen.hanging, gates.LEFTOVER_LIMIT)):
        if found is not None and _share(found) > most:
            drawn.add_area("leftover", found)
    if seen.remains is not None and "remains" in failed:
        drawn.add_boxes("leftover", seen.remains.boxes)
    if seen.gaps is not None and "gaps" in failed:
        drawn.add_area("leftover", seen.gaps.found)
    if seen.content is not None and "content" in failed:
        drawn.add_boxes("content", (seen.content.where,))
    if white is not None and white.wrong is not None:
        drawn.add_area("off_white", white.wrong)
    return drawn.encoded()
