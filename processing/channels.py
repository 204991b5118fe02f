"""Channels: a marketplace's image rules as data, one cut-out rendered by them, the ENCODED bytes held against them."""

from __future__ import annotations

import string
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from processing import compositing, encoding, geometry, metadata
from processing.cutout import CutOut, Framed, framed, open_cutout
from processing.errors import InputRejected
from processing.geometry import Framing
from processing.params import ChannelSpec, ProcessingParams
from processing.quality.verification import verify
from processing.types import Finding, Rendered, RuleCheck

__all__ = ["build_alt_text", "build_filename", "load_channels", "render", "verify"]

EXTENSIONS = {"JPEG": "jpg", "WEBP": "webp", "PNG": "png", "TIFF": "tif"}
CONTENT_TYPES = {"JPEG": "image/jpeg", "WEBP": "image/webp", "PNG": "image/png", "TIFF": "image/tiff"}
_SAFE = frozenset(string.ascii_letters + string.digits + "._-")
MAX_NAME = 120


@cache
def _rows() -> dict[str, dict[str, Any]]:
    text = resources.files("processing").joinpath("channels.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def load_channels() -> dict[str, ChannelSpec]:
    """Return the shipped channels by key. Raises InputRejected when a row is wrong: it names the field."""
    return {key: ChannelSpec.from_dict({"key": key, **row}) for key, row in _rows().items()}


class _Tokens(string.Formatter):
    """Fills a template; an unknown or empty token stops it, so that no file is ever called None."""

    def get_value(self, key: int | str, args: Any, kwargs: Mapping[str, Any]) -> str:
        value = str(kwargs.get(str(key)) or "").strip()
        if not value or value.lower() == "none":
            name = str(key).upper() if str(key) in ("sku", "asin") else str(key)
            raise InputRejected(
                f"The file name needs the {name} of this photo, and it has none. Add it to the batch's CSV.",
                code="missing_token",
            )
        return value


def build_filename(spec: ChannelSpec, tokens: Mapping[str, str]) -> str:
    """Return the file's name by the channel's template (EXP-12), in letters, digits, dot, underscore and hyphen.

    `ext` is added from the format. Raises InputRejected(code="missing_token") naming what is missing.
    """
    values = {**tokens, "ext": EXTENSIONS[spec.format]}
    try:
        name = _Tokens().vformat(spec.naming, (), values)
    except (ValueError, AttributeError, LookupError, TypeError) as error:
        raise InputRejected(
            f"The file name template {spec.naming!r} of {spec.name} can't be filled: {error}.", code="invalid_parameter"
        ) from error
    clean = "".join(sign if sign in _SAFE else "-" for sign in name).strip(".-")
    stem, _, ext = clean.rpartition(".")
    return f"{stem[: MAX_NAME - len(ext) - 1]}.{ext}" if stem else clean


def build_alt_text(spec: ChannelSpec, tokens: Mapping[str, str]) -> str:
    """Return the alternative text by the channel's template; missing words are left out, never "None" (EXP-20)."""
    words = {key: value for key, value in tokens.items() if value and value.strip().lower() != "none"}
    named = [part for _, part, _, _ in string.Formatter().parse(spec.alt_text) if part]
    text = spec.alt_text.format_map({key: words.get(key, "") for key in named})
    return " ".join(text.replace(" ,", ",").split()).strip(" ,") or words.get("description") or words.get("sku", "")


def render(
    cutout: CutOut | Path,
    spec: ChannelSpec,
    *,
    params: ProcessingParams,
    tokens: Mapping[str, str],
    metadata: Mapping[str, str] | None = None,
    prepared: tuple[Framing, Framed] | None = None,
) -> Rendered:
    """Render a cut-out, or an RGBA file of one, for one channel and verify the result (EXP-14).

    `prepared`: the frame of this very cut-out, preset and channel, when it is at hand already.
    Steps, recorded in this order: open, resize_for_platform, convert_color_space, ensure_pure_white, generate_filename,
    save_with_config, verify_output_compliance. A rule that fails is in `checks`, it doesn't raise.
    Raises InputRejected for a missing token (code missing_token) or a source below the channel's minimum (too_small),
    and StageFailed when no quality fits the channel's size limit (too_many_bytes).
    """
    steps = ["open"]
    filename = build_filename(spec, tokens)
    cut = open_cutout(cutout) if isinstance(cutout, Path) else cutout
    _check_large_enough(cut, spec)
    framing, inside = prepared or _framed(cut, params, spec)
    matte = inside.alpha
    steps.append("resize_for_platform")
    picture = compositing.compose(inside.rgb, matte, params, spec)
    steps.append("convert_color_space")
    if spec.background == "pure_white":
        picture[matte <= 0] = 255
        steps.append("ensure_pure_white")
    steps.append("generate_filename")
    data = encoding.encode(picture, spec, _tags(spec, metadata or {}))
    steps.append("save_with_config")
    verified = verify(data, spec, alpha=matte, filename=filename, metadata=metadata)
    checks = (*verified, *(_noted(note) for note in framing.findings))
    steps.append("verify_output_compliance")
    height, width = picture.shape[:2]
    return Rendered(
        filename=filename,
        data=data,
        content_type=CONTENT_TYPES[spec.format],
        width=width,
        height=height,
        checks=checks,
        steps=tuple(steps),
        alt_text=build_alt_text(spec, tokens),
    )


def _check_large_enough(cut: CutOut, spec: ChannelSpec) -> None:
    height, width = cut.alpha.shape
    if spec.min_dimension and max(height, width) < spec.min_dimension:
        raise InputRejected(
            f"The photo is {width} x {height} px; {spec.name} needs at least {spec.min_dimension} px. "
            "Send a larger original.",
            code="too_small",
        )


def _framed(cut: CutOut, params: ProcessingParams, spec: ChannelSpec) -> tuple[Framing, Framed]:
    """Bring the cut-out into the channel's frame: padded, never stretched, never enlarged beyond the preset."""
    framing = geometry.plan_frame(cut.alpha, params, spec)
    return framing, framed(cut, framing)


def _noted(note: Finding) -> RuleCheck:
    """A framing finding as a row of the verification: seen by people, never blocking (EXP-27)."""
    return RuleCheck(f"framing: {note.code}", False, "no finding", note.message, "warning")


def _tags(spec: ChannelSpec, values: Mapping[str, str]) -> bytes:
    """Return the EXIF block with the names this channel allows (EXP-18); never a place or a serial number."""
    return metadata.write({name: values.get(name, "") for name in spec.metadata})
