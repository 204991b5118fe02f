"""Channels: a marketplace's image rules as data, one cut-out rendered by them, the ENCODED bytes held against them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import numpy as np

from processing import channel_rules, codecs, geometry
from processing.errors import InputRejected
from processing.finishing import Labels, finish
from processing.naming import build_alt_text, build_filename
from processing.params import ChannelSpec, ProcessingParams
from processing.plates import NO_PLATES, Plates
from processing.quality.verification import verify
from processing.types import Finding, MaskArray, Rendered, RGBArray

__all__ = ["build_alt_text", "build_filename", "load_channels", "render", "verify"]


def load_channels() -> dict[str, ChannelSpec]:
    """Return the shipped channels by key. Raises InputRejected when a row is wrong: it names the field."""
    return {key: ChannelSpec.from_dict({"key": key, **row}) for key, row in channel_rules.rows().items()}


def render(
    cutout: Path,
    spec: ChannelSpec,
    *,
    params: ProcessingParams,
    tokens: Mapping[str, str],
    metadata: Mapping[str, str] | None = None,
    plates: Plates = NO_PLATES,
    today: date | None = None,
) -> Rendered:
    """Render the stored RGBA cut-out for one channel and verify the result (EXP-14).

    Steps, recorded in this order: open, resize_for_platform, convert_color_space, ensure_pure_white, generate_filename,
    save_with_config, verify_output_compliance. A rule that fails is in `checks`, it doesn't raise.
    `today` brings dated rules into force (None: the row as it begins); further files are the result's `companions`.
    Raises InputRejected for a missing token (code missing_token), a source below the channel's minimum (too_small), a
    logo where none may be (overlay_refused) or one that isn't there (plate_missing), and StageFailed when no quality
    fits the channel's size limit (too_many_bytes).
    """
    in_force = spec if today is None else spec.on(today)
    rgba, _ = codecs.decode_rgba(cutout)
    rgb, alpha = rgba[..., :3], rgba[..., 3].astype(np.float32) / np.float32(255)
    framed, matte, notes = _framed(np.ascontiguousarray(rgb), alpha, params, in_force)
    labels = Labels(tokens, metadata or {})
    return finish(framed, matte, spec, params=params, labels=labels, notes=notes, plates=plates, today=today)


def _framed(
    rgb: RGBArray, alpha: MaskArray, params: ProcessingParams, spec: ChannelSpec
) -> tuple[RGBArray, MaskArray, tuple[Finding, ...]]:
    """Bring the cut-out into the channel's frame: padded, never stretched, never enlarged beyond the preset."""
    height, width = alpha.shape
    if spec.min_dimension and max(height, width) < spec.min_dimension:
        raise InputRejected(
            f"The photo is {width} x {height} px; {spec.name} needs at least {spec.min_dimension} px. "
            "Send a larger original.",
            code="too_small",
        )
    framing = geometry.plan_frame(alpha, params, spec)
    matte = np.asarray(geometry.to_frame(alpha, framing), np.float32)
    weighted = np.round(rgb * alpha[..., None]).astype(np.uint8)
    frame = np.asarray(geometry.to_frame(weighted, framing), np.uint8).copy()
    soft = (matte > 0) & (matte < 1)
    straight = frame[soft] / np.maximum(matte[soft][:, None], 1 / 255)
    frame[soft] = np.round(np.clip(straight, 0, 255)).astype(np.uint8)
    return frame, matte, framing.findings
