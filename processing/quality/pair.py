"""Scoring a finished file against its photo, whoever made it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from processing import colour, compositing, registration
from processing.errors import InputRejected, StageFailed
from processing.geometry import touches_frame
from processing.params import ChannelSpec, ProcessingParams, ScoringParams
from processing.quality.cast import cast_measures
from processing.quality.score import score
from processing.types import Finding, MaskArray, Measure, QualityReport, RGBArray

FloatMatrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PairReport:
    """`quality` of the pair; `affine` (2 x 3, photo pixels to result pixels) or None when the result could not be laid
    over the photo; `alpha_source` is "given" or "white"; `findings` say what could not be done."""

    quality: QualityReport
    affine: tuple[tuple[float, ...], ...] | None
    alpha_source: str
    findings: tuple[Finding, ...]


def score_pair(
    before: RGBArray,
    after: RGBArray,
    channel: ChannelSpec,
    scoring: ScoringParams,
    *,
    alpha: MaskArray | None = None,
    affine: FloatMatrix | None = None,
    declared: ProcessingParams | None = None,
    is_encoded: bool = True,
) -> PairReport:
    """Score `after` (h, w, 3) against `before` (H, W, 3), both uint8 sRGB.

    `alpha`: the result's matte in the grid of `after`, or the cut-out's in the grid of `before`; None: read from the
    white of `after`. `affine`: 2 x 3, photo to result; None: found, or the identity when the sizes are equal and the
    pictures lie on each other. `declared`: the preset whose colour correction is no error; None: none was declared.
    When the result can't be found in the photo that is a finding, the wrong-file gate fails, and edge and colour earn
    nothing: they weren't measured.
    Raises InputRejected(code="wrong_size") for a matte of neither size.
    """
    findings: list[Finding] = []
    matte, source_alpha = _sorted_matte(alpha, before, after)
    shape = matte if matte is not None else registration.alpha_from_white(after)
    if affine is None:
        try:
            affine = _found(before, after, shape)
        except StageFailed as failure:
            findings.append(Finding(failure.code, "warning", str(failure), "Pass the alpha, or check the pair."))
    if source_alpha is not None and affine is not None:
        matte = _moved(source_alpha, affine, after)
    final = matte if matte is not None else shape
    expected, reference, cast = None, True, None
    if affine is not None:
        expected = registration.warped(before, affine, (after.shape[1], after.shape[0]))
        if declared is not None:
            own = source_alpha if source_alpha is not None else _back(final, affine, before)
            transform, _ = colour.plan_correction(before, own, declared.colour)
            expected, reference, cast = transform.apply(expected), transform.is_balanced, transform.residual_cast
    quality = score(
        after,
        final,
        channel=channel,
        scoring=scoring,
        expected=expected,
        is_cut=source_alpha is not None and touches_frame(source_alpha),
        has_colour_reference=reference,
        residual_cast=cast,
        is_encoded=is_encoded,
        is_found=affine is not None,
    )
    if declared is not None and alpha is not None:
        quality = replace(quality, measures=quality.measures + _shadow(after, final, channel, declared))
    matrix = None if affine is None else tuple(tuple(round(float(v), 5) for v in row) for row in affine)
    return PairReport(quality, matrix, "white" if alpha is None else "given", tuple(findings))


def _shadow(after: RGBArray, alpha: MaskArray, channel: ChannelSpec, declared: ProcessingParams) -> tuple[Measure, ...]:
    """Hold a drawn shadow against the declared one (QC-22); nothing where none is drawn."""
    if not compositing.draws_shadow(declared, channel) or alpha.shape != after.shape[:2]:
        return ()
    try:
        ground = compositing.background_for((after.shape[1], after.shape[0]), declared, channel)
    except InputRejected:  # the brand's picture isn't at hand
        return ()
    return cast_measures(after, ground, alpha, declared.shadow)


def _sorted_matte(
    alpha: MaskArray | None, before: RGBArray, after: RGBArray
) -> tuple[MaskArray | None, MaskArray | None]:
    """Tell a matte in the result's grid from one in the photo's."""
    if alpha is None:
        return None, None
    if alpha.shape == after.shape[:2]:
        return alpha, None
    if alpha.shape == before.shape[:2]:
        return None, alpha
    raise InputRejected(
        f"The alpha is {alpha.shape[1]} x {alpha.shape[0]} px: neither the size of the photo nor of the result.",
        code="wrong_size",
    )


def _found(before: RGBArray, after: RGBArray, alpha: MaskArray) -> FloatMatrix:
    if before.shape == after.shape:
        inside = alpha > 0.9
        pair = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[inside].astype(np.float32) for picture in (before, after)]
        if inside.any() and float(np.median(np.abs(pair[0] - pair[1]))) < 12:
            return np.array([[1.0, 0, 0], [0, 1.0, 0]])
    return registration.find_affine(before, after, alpha)


def _moved(alpha: MaskArray, affine: FloatMatrix, after: RGBArray) -> MaskArray:
    moved = registration.warped(np.round(alpha * 255).astype(np.uint8), affine, (after.shape[1], after.shape[0]))
    return np.asarray(moved, np.float32) / np.float32(255)


def _back(alpha: MaskArray, affine: FloatMatrix, before: RGBArray) -> MaskArray:
    size = (before.shape[1], before.shape[0])
    inverse = np.asarray(cv2.invertAffineTransform(affine), np.float64)
    return np.asarray(cv2.warpAffine(alpha, inverse, size, flags=cv2.INTER_LINEAR), np.float32)
