"""One photo through the line: decode, removal, white check, crop, colour, score, encode. Bytes out, nothing written.

The order of the named stages is the run's record (PRO-09): removal, rgb_verify, crop, colour, score.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

from processing import codecs, compositing, correction, geometry, matting, mending
from processing.colour import ColourTransform
from processing.correction import NO_AIDS, Aids
from processing.cutout import CutOut, Framed, framed, on_unlike_ground
from processing.dust import verified
from processing.errors import InputRejected
from processing.geometry import Framing
from processing.params import ChannelSpec, ProcessingParams, ScoringParams
from processing.plates import NO_PLATES, Plates
from processing.quality.consistency import look_of
from processing.quality.labels import colour_map
from processing.quality.score import Closer, score
from processing.removal.base import Remover
from processing.shown import chained, shown
from processing.types import AlphaArray, Finding, QualityReport, Result, RGBArray, StageTiming

VIEWER_SIDE = 2000
THUMB_SIDE = 320
_GLANCE_SIDE = 2048  # removers and colours look at no more: the large picture is shrunk once for all of them
_CLOSER_SIDE = 2000  # Amazon's frame: every channel is judged as closely
_SOLID = 255
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
            spent = StageTiming(name, time.perf_counter() - wall, time.process_time() - cpu)
            if self.done and self.done[-1].name == name:  # the same stage, in two parts
                before = self.done.pop()
                spent = StageTiming(name, before.wall_s + spent.wall_s, before.cpu_s + spent.cpu_s)
            self.done.append(spent)


@dataclass(frozen=True, slots=True)
class _Found:
    """What the removal step leaves: the cut-out in the source grid, by whom, how sure.

    `before` is the photo, `small` the same halved to _GLANCE_SIDE when it was at hand.
    """

    cut: CutOut
    before: RGBArray
    confidence: float
    remover: str
    model_name: str = ""
    model_sha256: str = ""
    findings: tuple[Finding, ...] = ()
    small: RGBArray | None = None
    is_colour_final: bool = False
    photo: codecs.Photo | None = None

    @property
    def is_bare(self) -> bool:
        """Whether the file came cut out: no photo shows its backdrop."""
        return not self.cut.shows_backdrop and not self.is_colour_final


@dataclass(frozen=True, slots=True)
class Made:
    """A photo cut out, framed for one channel and scored, nothing encoded yet.

    `frame`: (h, w, 3) uint8, the product on its background as it would ship; `before`: the upright photo; `photo`: the
    same as it was decoded, its pixels halved to _GLANCE_SIDE where the line did so; None for an editor's file.
    `expected`: (h, w, 3) uint8, what the frame was held against.
    """

    cut: CutOut
    before: RGBArray
    framing: Framing
    framed: Framed
    frame: RGBArray
    expected: RGBArray
    quality: QualityReport
    confidence: float
    remover: str
    model_name: str
    model_sha256: str
    findings: tuple[Finding, ...]
    timings: tuple[StageTiming, ...]
    photo: codecs.Photo | None = None


@dataclass(frozen=True, slots=True)
class Extras:
    """What a batch may know beside the photo: `aids` to its colours, the brand's `plates` that its preset names, and
    the `texts` that the channel's file carries in its own metadata. `mends`: the line puts right what its score finds
    small (`mending`); off to see what it would be without."""

    aids: Aids = NO_AIDS
    plates: Plates = NO_PLATES
    texts: Mapping[str, str] = field(default_factory=dict)
    mends: bool = True


NO_EXTRAS = Extras()


@dataclass(frozen=True, slots=True)
class _Order:
    """What a photo is made with and for."""

    params: ProcessingParams
    channel: ChannelSpec
    scoring: ScoringParams
    extras: Extras


def make(
    source: Path,
    params: ProcessingParams,
    channel: ChannelSpec,
    scoring: ScoringParams,
    remover: Remover,
    extras: Extras = NO_EXTRAS,
) -> Made:
    """Cut out, correct, frame for `channel` and score one photo. Reads `source`, writes and encodes nothing.

    Raises InputRejected (the photo's fault, or a brand picture that is missing), StageFailed (no usable cut-out),
    ResourceUnavailable (from the remover).
    """
    clock = _Clock()
    with clock.stage("decode"):
        photo = codecs.open_photo(source)
    with clock.stage("removal"):
        found = _cut_out(photo, params, remover)
    order = _Order(params, channel, scoring, extras)
    made = _finish(found, order, clock)
    if found.is_bare or not extras.mends or not mending.is_worth_it(made.quality):
        return made
    with clock.stage("mend"):
        made = _mended(found, made, order)
    return replace(made, timings=tuple(clock.done))


def process(
    source: Path,
    params: ProcessingParams,
    channel: ChannelSpec,
    scoring: ScoringParams,
    remover: Remover,
    extras: Extras = NO_EXTRAS,
) -> Result:
    """`make`, with the pictures that people see and the matte encoded. Raises as `make`."""
    return _encoded(make(source, params, channel, scoring, remover, extras), params, channel, extras)


def rescore(
    source: Path,
    corrected: Path,
    params: ProcessingParams,
    channel: ChannelSpec,
    scoring: ScoringParams,
    extras: Extras = NO_EXTRAS,
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
        alpha = geometry.levels(edited.alpha) if edited.alpha is not None else _alpha_on_white(edited.rgb, original.rgb)
    cut = CutOut(edited.rgb, alpha, shows_backdrop=False)
    found = _Found(cut, original.rgb, 1.0, "editor", findings=edited.findings, is_colour_final=True)
    made = _finish(found, _Order(params, channel, scoring, extras), clock)
    return _encoded(made, params, channel, extras)


def _check_same_size(original: codecs.Photo, edited: codecs.Photo) -> None:
    wanted, got = original.info, edited.info
    if (wanted.width, wanted.height) != (got.width, got.height):
        raise InputRejected(
            f"The file is {got.width} x {got.height} px; the original is {wanted.width} x {wanted.height} px. "
            "Upload the cut-out at the original's size, uncropped.",
            code="wrong_size",
        )


def _alpha_on_white(edited: RGBArray, original: RGBArray) -> AlphaArray:
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
    return np.where(backdrop, np.uint8(0), np.uint8(_SOLID))


def _cut_out(photo: codecs.Photo, params: ProcessingParams, remover: Remover) -> _Found:
    if photo.alpha is not None and params.removal.transparency == "preserve":
        note = Finding("transparency_kept", "info", "The file came with its own transparency; it was kept.")
        cut = CutOut(photo.rgb, geometry.levels(photo.alpha), shows_backdrop=False)
        return _Found(cut, photo.rgb, 1.0, "source alpha", findings=(*photo.findings, note), photo=photo)
    small = geometry.halved(photo.rgb, _GLANCE_SIDE)
    removal = remover.remove(small)
    refined = matting.refine(photo.rgb, removal.mask, params.edge, removal.outline_px)
    cut = CutOut(photo.rgb, refined.alpha, is_decontaminated=params.edge.decontaminate)
    maker, model, digest = (remover.name, remover.model_name, remover.model_sha256)
    if removal.made_by:
        maker, model, digest = removal.made_by, removal.model_name, removal.model_sha256
    findings = photo.findings + removal.findings + refined.findings
    seen = replace(photo, rgb=small) if photo.alpha is None else photo
    return _Found(cut, photo.rgb, removal.confidence, maker, model, digest, findings, small, photo=seen)


def _finish(found: _Found, order: _Order, clock: _Clock) -> Made:
    """The second half of the line, shared by machine and editor cut-outs."""
    with clock.stage("rgb_verify"):
        alpha, specks = verified(found.cut.alpha)
        cut = replace(found.cut, alpha=alpha)
    with clock.stage("crop"):
        framing = geometry.plan_frame(alpha, order.params, order.channel)
    notes: tuple[Finding, ...] = ()
    with clock.stage("colour"):
        if not found.is_colour_final:
            transform, notes = _corrected(found, cut, order)
            cut = replace(cut, transform=transform)
    made = _judged(found, cut, framing, order, clock)
    return replace(made, findings=found.findings + specks + framing.findings + notes)


def _judged(found: _Found, cut: CutOut, framing: Framing, order: _Order, clock: _Clock) -> Made:
    """Frame and score a cut-out whose correction is known."""
    with clock.stage("colour"):
        inside = framed(cut, framing)
        plain = _composed(inside, order, shadow=False)
    with clock.stage("score"):
        source = _meant(found, cut, inside, framing)
        quality = score(
            plain,
            inside.alpha,
            channel=order.channel,
            scoring=order.scoring,
            expected=source,
            confidence=found.confidence,
            is_cut=geometry.touches_frame(cut.alpha),
            has_colour_reference=cut.transform.is_balanced,
            residual_cast=cut.transform.residual_cast,
            has_backdrop=not found.is_bare,
            closer=_closer(found, cut, framing, order),
        )
    frame = plain
    if compositing.draws_shadow(order.params, order.channel):
        frame = _composed(inside, order, shadow=True)
    return Made(
        cut, found.before, framing, inside, frame, source, quality, found.confidence, found.remover, found.model_name,
        found.model_sha256, found.findings, tuple(clock.done), found.photo,
    )  # fmt: skip


def _mended(found: _Found, made: Made, order: _Order) -> Made:
    """The same with what the score found to mend taken off, where the score then says that it is better."""
    places = mending.places_of(made.quality, made.framing)
    alpha = mending.mended(made.before, made.cut.alpha, places)
    if alpha is None:
        return made
    alpha, _ = verified(alpha)
    cut = replace(made.cut, alpha=alpha)
    framing = geometry.plan_frame(alpha, order.params, order.channel)
    better = _judged(found, cut, framing, order, _Clock())
    if not mending.is_better(better.quality, made.quality):
        return made
    note = Finding("mended", "info", f"Small remains of the backdrop were cleared (places: {len(places)}).")
    quality = replace(better.quality, measures=(*better.quality.measures, mending.told(places, framing)))
    return replace(better, quality=quality, findings=(*made.findings, note))


def _composed(inside: Framed, order: _Order, *, shadow: bool) -> RGBArray:
    return compositing.compose(
        inside.rgb, inside.matte, order.params, order.channel, shadow=shadow, plates=order.extras.plates,
        soft=inside.soft,
    )  # fmt: skip


def _closer(found: _Found, cut: CutOut, framing: Framing, order: _Order) -> Closer | None:
    """Return what a channel's small frame is judged by: the same frame as large as the photo resolves it."""
    larger = framing.closer(_CLOSER_SIDE)
    if larger is None:
        return None
    inside = framed(cut, larger)
    return Closer(_composed(inside, order, shadow=False), inside.alpha, _meant(found, cut, inside, larger))


def _corrected(found: _Found, cut: CutOut, order: _Order) -> tuple[ColourTransform, tuple[Finding, ...]]:
    small = geometry.halved(cut.rgb, _GLANCE_SIDE) if found.small is None else found.small
    seen = geometry.halved(cut.alpha, _GLANCE_SIDE)
    if found.is_bare:
        small = on_unlike_ground(small, seen, geometry.soft_pixels(seen))
    return correction.plan(small, seen, order.params.colour, order.extras.aids)


def _meant(found: _Found, cut: CutOut, inside: Framed, framing: Framing) -> RGBArray:
    """Return what the frame is held against: the corrected photo; of a file that came cut out only what it shows."""
    if found.is_bare:
        return on_unlike_ground(inside.rgb, inside.matte, inside.soft)
    if inside.source is None:
        return cut.transform.apply(geometry.frame_source(found.before, framing))
    return inside.source


def _encoded(made: Made, params: ProcessingParams, channel: ChannelSpec, extras: Extras) -> Result:
    clock = _Clock(list(made.timings))
    with clock.stage("encode"):
        height, width = made.cut.alpha.shape
        before, before_scale = geometry.shrunk(made.before, VIEWER_SIDE)
        inside = made.framed
        seen = shown(
            inside.rgb, inside.matte, channel, params=params, texts=extras.texts, plates=extras.plates,
            composed=made.frame,
        )  # fmt: skip
        thumb = geometry.shrunk(made.frame, THUMB_SIDE)[0]
        look = look_of(thumb, inside.matte)
        pictures = (
            codecs.encode_webp(before, quality=85),
            codecs.encode_webp(geometry.shrunk(before, THUMB_SIDE)[0], quality=80),
            codecs.encode_webp(thumb, quality=80),
        )
        alpha = codecs.encode_png(made.cut.alpha)
        colours = colour_map(made.frame, made.expected, inside.matte)
    return Result(
        alpha_png=alpha,
        recipe=made.cut.recipe,
        after=seen,
        before=pictures[0],
        thumb_before=pictures[1],
        thumb_after=pictures[2],
        frame_matrix=chained(made.framing.matrix, seen.matrix),
        before_scale=before_scale,
        source_size=(width, height),
        scored_size=made.framing.frame,
        remover=made.remover,
        model_name=made.model_name,
        model_sha256=made.model_sha256,
        confidence=made.confidence,
        quality=replace(made.quality, colour_map=colours),
        timings=tuple(clock.done),
        findings=made.findings,
        params_digest=params.digest(),
        look=look,
    )
