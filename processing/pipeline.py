"""One photo through the line: decode, removal, white check, crop, colour, score, encode. Bytes out, nothing written.

The order of the named stages is the run's record (PRO-09): removal, rgb_verify, crop, colour, score.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from processing import codecs, colour, compositing, geometry, matting
from processing.errors import InputRejected, StageFailed
from processing.params import ChannelSpec, ProcessingParams, ScoringParams
from processing.quality.score import score
from processing.removal.base import Remover
from processing.types import Finding, MaskArray, QualityReport, Removal, Result, RGBArray, StageTiming

VIEWER_SIDE = 2000
THUMB_SIDE = 320
_DUST_SHARE = 0.0005  # loose specks below this share of the product are removed
_WHITE = 255
_WHITE_BEFORE = 250  # mean of the darkest channel from which a patch was white in the photo already


@dataclass(slots=True)
class _Clock:
    """Times the stages in the order they run."""

    done: list[StageTiming] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.done.append(StageTiming(name, time.perf_counter() - wall, time.process_time() - cpu))


@dataclass(frozen=True, slots=True)
class _CutOut:
    """A product cut from its picture, in the upright source grid."""

    source: RGBArray
    alpha: MaskArray
    removal: Removal
    remover: str
    model_name: str
    model_sha256: str
    findings: tuple[Finding, ...]


def process(
    source: Path, params: ProcessingParams, channel: ChannelSpec, scoring: ScoringParams, remover: Remover
) -> Result:
    """Cut out, correct, frame for `channel` and score one photo. Reads `source`, writes nothing.

    Raises InputRejected (the photo's fault), StageFailed (no usable cut-out), ResourceUnavailable (from the remover).
    """
    clock = _Clock()
    with clock.stage("decode"):
        photo = codecs.open_photo(source)
    with clock.stage("removal"):
        cut = _cut_out(photo, params, remover)
    with clock.stage("rgb_verify"):
        alpha, notes = _verified(cut.alpha)
    cut = _CutOut(cut.source, alpha, cut.removal, cut.remover, cut.model_name, cut.model_sha256, cut.findings + notes)
    return _finish(cut, None, params, channel, scoring, clock)


def rescore(
    source: Path, corrected: Path, params: ProcessingParams, channel: ChannelSpec, scoring: ScoringParams
) -> Result:
    """Frame and score an editor's file instead of a machine cut-out; its colours are taken as final.

    `corrected` is a cut-out with transparency, or a flat picture on pure white, of the same pixel size as the upright
    original. Raises InputRejected that says what to upload (codes wrong_size, no_cutout, and those of codecs).
    """
    clock = _Clock()
    with clock.stage("decode"):
        original = codecs.open_photo(source)
        edited = codecs.open_photo(corrected)
        _check_same_size(original, edited)
    with clock.stage("removal"):
        alpha = edited.alpha if edited.alpha is not None else _alpha_on_white(edited.rgb, original.rgb)
    with clock.stage("rgb_verify"):
        alpha, notes = _verified(alpha)
    cut = _CutOut(original.rgb, alpha, Removal(alpha, 1.0), "editor", "", "", edited.findings + notes)
    return _finish(cut, edited.rgb, params, channel, scoring, clock)


def _check_same_size(original: codecs.Photo, edited: codecs.Photo) -> None:
    wanted, got = original.info, edited.info
    if (wanted.width, wanted.height) != (got.width, got.height):
        raise InputRejected(
            f"The file is {got.width} x {got.height} px; the original is {wanted.width} x {wanted.height} px. "
            "Upload the cut-out at the original's size, uncropped.",
            code="wrong_size",
        )


def _alpha_on_white(edited: RGBArray, original: RGBArray) -> MaskArray:
    """Read a cut-out from a flat picture: pure white is backdrop where it touches the frame or was not white before.

    Enclosed white that the photo had already (a highlight, a label) stays product.
    """
    white = (edited.min(axis=2) == _WHITE).astype(np.uint8)
    padded = np.pad(white, 1, constant_values=1)
    count, padded_labels, stats, _ = cv2.connectedComponentsWithStats(padded, connectivity=4)
    labels = padded_labels[1:-1, 1:-1]
    brightness = np.bincount(labels.ravel(), weights=original.min(axis=2).ravel(), minlength=count)
    is_backdrop = brightness / np.maximum(stats[:, cv2.CC_STAT_AREA], 1) < _WHITE_BEFORE
    is_backdrop[0] = False
    is_backdrop[padded_labels[0, 0]] = True  # the padding joins all white that touches the frame
    backdrop = is_backdrop[labels]
    if float(backdrop.mean()) < 0.02:
        raise InputRejected(
            "The file has no transparency and is not on pure white. Upload a PNG cut-out with transparency, or the "
            "finished picture on white (255, 255, 255).",
            code="no_cutout",
        )
    return np.asarray(~backdrop, np.float32)


def _cut_out(photo: codecs.Photo, params: ProcessingParams, remover: Remover) -> _CutOut:
    if photo.alpha is not None and params.removal.transparency == "preserve":
        note = Finding("transparency_kept", "info", "The file came with its own transparency; it was kept.")
        removal = Removal(photo.alpha, 1.0)
        return _CutOut(photo.rgb, photo.alpha.copy(), removal, "source alpha", "", "", (*photo.findings, note))
    removal = remover.remove(photo.rgb)
    if removal.mask.shape != photo.rgb.shape[:2]:
        raise StageFailed("The remover returned a mask of another size than the picture.", code="mask_size")
    refined = matting.refine(photo.rgb, removal.mask, params.edge)
    findings = photo.findings + removal.findings + refined.findings
    maker, model, digest = (remover.name, remover.model_name, remover.model_sha256)
    if removal.made_by:
        maker, model, digest = removal.made_by, removal.model_name, removal.model_sha256
    return _CutOut(photo.rgb, refined.alpha, removal, maker, model, digest, findings)


def _verified(alpha: MaskArray) -> tuple[MaskArray, tuple[Finding, ...]]:
    """Make sure that the background can be exactly the background colour: no dust, no veil, something left to show.

    Raises StageFailed(code="nothing_cut_out" | "everything_kept").
    """
    box = geometry.product_box(alpha)
    if box is None:
        raise StageFailed("No product was found in the picture.", code="nothing_cut_out")
    if float(alpha.min()) > 0.0:
        raise StageFailed("No backdrop was found: the product would fill the whole picture.", code="everything_kept")
    loose, share = _dust(alpha)
    if not loose.any():
        return alpha, ()
    clean = alpha.copy()
    clean[loose] = 0.0
    return clean, (Finding("dust_removed", "info", f"Loose specks were removed ({share:.2%} of the product)."),)


def _dust(alpha: MaskArray) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.bool_]], float]:
    count, labels, stats, _ = cv2.connectedComponentsWithStats((alpha > 0).astype(np.uint8), connectivity=8)
    areas = stats[:, cv2.CC_STAT_AREA].astype(np.int64)
    product = max(1, int(areas[1:].sum()))
    small = areas < max(4, _DUST_SHARE * product)
    small[0] = False
    if count < 3 or not small.any():
        return np.zeros(alpha.shape, bool), 0.0
    return small[labels], float(areas[small].sum()) / product


def _finish(
    cut: _CutOut,
    edited: RGBArray | None,
    params: ProcessingParams,
    channel: ChannelSpec,
    scoring: ScoringParams,
    clock: _Clock,
) -> Result:
    """The second half of the line, shared by machine and editor cut-outs."""
    with clock.stage("crop"):
        framing = geometry.plan_frame(cut.alpha, params, channel)
        frame_alpha = geometry.to_frame(cut.alpha, framing)
        frame_source = geometry.frame_source(cut.source, framing)
    with clock.stage("colour"):
        if edited is None:
            transform, notes = colour.plan_correction(cut.source, cut.alpha, params.colour)
            clean = matting.decontaminate(cut.source, cut.alpha) if params.edge.decontaminate else cut.source
            product = transform.apply(clean)
        else:
            transform, notes, product = colour.ColourTransform(), (), edited
        product = np.where(cut.alpha[..., None] > 0, product, np.uint8(0)).astype(np.uint8)
        frame_rgb = _premultiplied(product, cut.alpha, framing, frame_alpha)
        plain = compositing.compose(frame_rgb, frame_alpha, params, channel, shadow=False)
        frame = plain
        if compositing.draws_shadow(params, channel):
            frame = compositing.compose(frame_rgb, frame_alpha, params, channel)
    with clock.stage("score"):
        quality = score(
            plain,
            frame_alpha,
            channel=channel,
            scoring=scoring,
            expected=transform.apply(frame_source),
            confidence=cut.removal.confidence,
            is_cut=geometry.touches_frame(cut.alpha),
            has_colour_reference=transform.is_balanced,
            residual_cast=transform.residual_cast,
        )
    findings = cut.findings + framing.findings + notes
    return _result(cut, product, frame, framing, quality, findings, params, clock)


def _premultiplied(product: RGBArray, alpha: MaskArray, framing: geometry.Framing, frame_alpha: MaskArray) -> RGBArray:
    """Resize straight colours into the frame weighted by alpha, so that hidden pixels never bleed into the edge."""
    crop = framing.crop
    window = (slice(crop.y0, crop.y1), slice(crop.x0, crop.x1))
    weighted = np.zeros_like(product)
    weighted[window] = np.round(product[window] * alpha[window][..., None]).astype(np.uint8)
    frame = geometry.to_frame(weighted, framing)
    soft = (frame_alpha > 0) & (frame_alpha < 1)
    straight = frame[soft] / np.maximum(frame_alpha[soft][:, None], 1 / 255)
    frame[soft] = np.round(np.clip(straight, 0, 255)).astype(np.uint8)
    return frame


def _result(
    cut: _CutOut,
    product: RGBArray,
    frame: RGBArray,
    framing: geometry.Framing,
    quality: QualityReport,
    findings: tuple[Finding, ...],
    params: ProcessingParams,
    clock: _Clock,
) -> Result:
    with clock.stage("encode"):
        height, width = cut.alpha.shape
        before, before_scale = geometry.shrunk(cut.source, VIEWER_SIDE)
        cutout = codecs.encode_png(np.dstack([product, np.round(cut.alpha * _WHITE).astype(np.uint8)]))
        pictures = (
            codecs.encode_webp(frame, quality=92),
            codecs.encode_webp(before, quality=85),
            codecs.encode_webp(geometry.shrunk(before, THUMB_SIDE)[0], quality=80),
            codecs.encode_webp(geometry.shrunk(frame, THUMB_SIDE)[0], quality=80),
        )
    return Result(
        cutout_png=cutout,
        after=pictures[0],
        before=pictures[1],
        thumb_before=pictures[2],
        thumb_after=pictures[3],
        frame_matrix=framing.matrix,
        before_scale=before_scale,
        source_size=(width, height),
        after_size=framing.frame,
        remover=cut.remover,
        model_name=cut.model_name,
        model_sha256=cut.model_sha256,
        confidence=cut.removal.confidence,
        quality=quality,
        timings=tuple(clock.done),
        findings=findings,
        params_digest=params.digest(),
    )
