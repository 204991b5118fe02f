"""From a framed cut-out to a channel's verified files: compose, whiten, logo, sizes, encode, verify (EXP-14)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from processing import compositing, encoding, geometry, metadata, naming, tagline, variants, watermark
from processing.errors import InputRejected
from processing.geometry import Matte, Places
from processing.params import ChannelSpec, ProcessingParams
from processing.plates import NO_PLATES, Plates
from processing.quality.verification import verify
from processing.types import Finding, Rendered, RGBArray, RuleCheck

CONTENT_TYPES = {"JPEG": "image/jpeg", "WEBP": "image/webp", "PNG": "image/png", "TIFF": "image/tiff",
                 "AVIF": "image/avif"}  # fmt: skip
PRODUCT_TRACE = 0.02
"""Alpha below which a pixel of a pure white channel is background and made exactly 255: at most 5 of 255 levels."""
_STEPS_BEFORE = ("open", "resize_for_platform", "convert_color_space")
_STEPS_AFTER = ("generate_filename", "save_with_config", "verify_output_compliance")


@dataclass(frozen=True, slots=True)
class Labels:
    """Words that go with a picture: `tokens` for its name and alt text, `texts` for its metadata."""

    tokens: Mapping[str, str]
    texts: Mapping[str, str] = field(default_factory=dict)


def finish(
    frame: RGBArray,
    matte: Matte,
    spec: ChannelSpec,
    *,
    params: ProcessingParams,
    labels: Labels,
    notes: tuple[Finding, ...] = (),
    plates: Plates = NO_PLATES,
    today: date | None = None,
    composed: RGBArray | None = None,
    soft: Places | None = None,
) -> Rendered:
    """Turn `frame` (H, W, 3) uint8, straight colours, and its `matte` (H, W), uint8 or 0..1, into the channel's file.

    Further files of the same picture (other sizes, the fallback format) are its `companions`. `today` brings the
    channel's dated rules into force; None takes the row as it begins. Broken rules are in `checks`, they don't raise.
    `composed`: this very frame on this row's background already, when it is at hand; it is left as it is. `soft`: where
    the matte is neither 0 nor full, when that is.
    Raises InputRejected (missing_token, overlay_refused, plate_missing) and StageFailed(code="too_many_bytes").
    """
    row, spec = spec, spec if today is None else spec.on(today)
    picture, steps = _drawn(frame, matte, spec, params, plates, composed if spec == row else None, soft)
    made = []
    for shape in variants.shapes(picture, matte, spec):
        shape = replace(shape, findings=notes + shape.findings)
        made += [_file(shape, fmt, labels, (*steps, *_STEPS_AFTER)) for fmt in _formats(spec)]
    first, *rest = made
    if not spec.variants and spec.changes:
        days = tuple(day for day in row.change_days() if today is None or day > today)
        first = replace(first, checks=first.checks + _upcoming(first, row, days, matte, labels))
    return replace(first, companions=tuple(rest))


def main_picture(
    frame: RGBArray,
    matte: Matte,
    spec: ChannelSpec,
    *,
    params: ProcessingParams,
    plates: Plates = NO_PLATES,
    composed: RGBArray | None = None,
) -> variants.Shape:
    """Return the picture that `finish` encodes first. `spec` is in force already; raises as `finish`."""
    picture, _ = _drawn(frame, matte, spec, params, plates, composed)
    return variants.shapes(picture, matte, spec)[0]


def encoded(shape: variants.Shape, texts: Mapping[str, str]) -> bytes:
    """Return the bytes of a shape's file, exactly those that `finish` delivers. Raises StageFailed(too_many_bytes)."""
    return encoding.encode(shape.picture, shape.spec, _tags(shape.spec, texts))


def _drawn(
    frame: RGBArray,
    matte: Matte,
    spec: ChannelSpec,
    params: ProcessingParams,
    plates: Plates,
    composed: RGBArray | None,
    soft: Places | None = None,
) -> tuple[RGBArray, list[str]]:
    """The finished picture (H, W, 3), not encoded, and the steps it took."""
    wants_logo = watermark.is_wanted(params.watermark, spec)
    wants_tagline = watermark.is_wanted(params.tagline, spec)
    picture = (
        compositing.compose(frame, matte, params, spec, plates=plates, soft=soft) if composed is None else composed
    )
    steps = list(_STEPS_BEFORE)
    if spec.background == "pure_white":
        picture = _whitened(picture, matte, soft)
        steps.append("ensure_pure_white")
    if wants_logo:
        if plates.logo is None:
            raise InputRejected(f"The logo {params.watermark.logo} isn't there.", code="plate_missing")
        picture = watermark.stamp(picture, plates.logo, params.watermark)
        steps.append("add_watermark")
    if wants_tagline:
        picture = tagline.write(picture, params.tagline, plates.font)
        steps.append("add_tagline")
    return picture, steps


def _whitened(picture: RGBArray, matte: Matte, soft: Places | None) -> RGBArray:
    """Make the background (H, W, 3) exactly 255, faint traces of the product too: compositing left them alone."""
    white = picture.copy()
    white[geometry.faint_pixels(matte, PRODUCT_TRACE, soft)] = 255
    return white


def _formats(spec: ChannelSpec) -> tuple[str, ...]:
    return (spec.format, spec.fallback_format) if spec.fallback_format else (spec.format,)


def _file(shape: variants.Shape, fmt: str, labels: Labels, steps: tuple[str, ...]) -> Rendered:
    spec = shape.spec if fmt == shape.spec.format else replace(shape.spec, format=fmt, fallback_format="")
    height, width = shape.matte.shape
    tokens = {**labels.tokens, "variant": shape.name, "width": str(width), "height": str(height)}
    filename = naming.build_filename(spec, tokens)
    data = encoded(replace(shape, spec=spec), labels.texts)
    checks = verify(data, spec, alpha=shape.matte, filename=filename, metadata=labels.texts, picture=shape.picture)
    part = [shape.name] if shape.name else []
    return Rendered(
        filename=filename,
        data=data,
        content_type=CONTENT_TYPES[spec.format],
        width=width,
        height=height,
        checks=(*checks, *(_noted(note) for note in shape.findings)),
        steps=steps,
        alt_text=naming.build_alt_text(spec, tokens),
        part="-".join(part + ([fmt.lower()] if fmt != shape.spec.format else [])),
    )


def _upcoming(
    first: Rendered, row: ChannelSpec, days: tuple[date, ...], matte: Matte, labels: Labels
) -> tuple[RuleCheck, ...]:
    """Say now what a dated rule will refuse: a warning that names the day, never a block before it."""
    broken_now = {check.rule for check in first.checks if not check.passed}
    found = []
    for day in days:
        later = verify(first.data, row.on(day), alpha=matte, filename=first.filename, metadata=labels.texts)
        for check in later:
            if not check.passed and check.severity == "error" and check.rule not in broken_now:
                broken_now.add(check.rule)
                found.append(
                    RuleCheck(f"from {day.isoformat()}: {check.rule}", False, check.expected, check.actual, "warning")
                )
    return tuple(found)


def _noted(note: Finding) -> RuleCheck:
    """A finding as a row of the verification: seen by people, never blocking (EXP-27)."""
    kind = "variant" if note.code in ("product_cut", "variant_reduced") else "framing"
    return RuleCheck(f"{kind}: {note.code}", False, "no finding", note.message, "warning")


def _tags(spec: ChannelSpec, values: Mapping[str, str]) -> bytes:
    """Return the EXIF block with the names this channel allows (EXP-18); never a place or a serial number."""
    return metadata.write({name: values.get(name, "") for name in spec.metadata})
