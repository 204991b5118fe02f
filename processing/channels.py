"""Channels: a marketplace's image rules as data, one cut-out rendered by them, the ENCODED bytes held against them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np

from processing import channel_rules, geometry
from processing.cutout import CutOut, Framed, framed, open_cutout
from processing.errors import InputRejected
from processing.finishing import Labels, finish
from processing.geometry import Framing
from processing.naming import build_alt_text, build_filename
from processing.params import ChannelSpec, ProcessingParams
from processing.plates import NO_PLATES, Plates
from processing.quality.verification import verify
from processing.shown import chained, shown
from processing.types import Rendered, RGBArray, Shown

__all__ = [
    "Prepared",
    "build_alt_text",
    "build_filename",
    "load_channels",
    "preview",
    "render",
    "render_whole",
    "verify",
]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A cut-out in a channel's frame already; `composed` (h, w, 3) on its background too, shadow included."""

    framing: Framing
    inside: Framed
    composed: RGBArray | None = None


def load_channels() -> dict[str, ChannelSpec]:
    """Return the shipped channels by key. Raises InputRejected when a row is wrong: it names the field."""
    return {key: ChannelSpec.from_dict({"key": key, **row}) for key, row in channel_rules.rows().items()}


def render(
    cutout: CutOut | Path,
    spec: ChannelSpec,
    *,
    params: ProcessingParams,
    tokens: Mapping[str, str],
    metadata: Mapping[str, str] | None = None,
    prepared: Prepared | None = None,
    plates: Plates = NO_PLATES,
    today: date | None = None,
) -> Rendered:
    """Render a cut-out, or an RGBA file of one, for one channel and verify the result (EXP-14).

    `prepared`: the frame of this very cut-out, preset and channel, when it is at hand already.
    Steps, recorded in this order: open, resize_for_platform, convert_color_space, ensure_pure_white, generate_filename,
    save_with_config, verify_output_compliance. A rule that fails is in `checks`, it doesn't raise.
    `today` brings dated rules into force (None: the row as it begins); further files are the result's `companions`.
    Raises InputRejected for a missing token (code missing_token), a source below the channel's minimum (too_small), a
    logo where none may be (overlay_refused) or one that isn't there (plate_missing), and StageFailed when no quality
    fits the channel's size limit (too_many_bytes).
    """
    in_force = spec if today is None else spec.on(today)
    cut = open_cutout(cutout) if isinstance(cutout, Path) else cutout
    _check_large_enough(cut, in_force)
    ready = prepared or _framed(cut, params, in_force)
    labels, notes = Labels(tokens, metadata or {}), ready.framing.findings
    return finish(
        ready.inside.rgb, ready.inside.matte, spec, params=params, labels=labels, notes=notes, plates=plates,
        today=today, composed=ready.composed, soft=ready.inside.soft,
    )  # fmt: skip


def preview(
    cut: CutOut,
    spec: ChannelSpec,
    *,
    params: ProcessingParams,
    texts: Mapping[str, str],
    plates: Plates = NO_PLATES,
) -> Shown:
    """Return what `render` would deliver first, unverified, for a viewer: its `matrix` maps source pixels to its own.

    `spec` is in force already. Raises as `render`.
    """
    _check_large_enough(cut, spec)
    ready = _framed(cut, params, spec)
    seen = shown(ready.inside.rgb, ready.inside.matte, spec, params=params, texts=texts, plates=plates)
    return replace(seen, matrix=chained(ready.framing.matrix, seen.matrix))


def render_whole(
    rgb: RGBArray,
    spec: ChannelSpec,
    *,
    tokens: Mapping[str, str],
    metadata: Mapping[str, str] | None = None,
    params: ProcessingParams | None = None,
    today: date | None = None,
) -> Rendered:
    """Render a photo (H, W, 3) uint8 that nobody cuts out, such as a room, for a channel that takes it as it is.

    Raises InputRejected(code="needs_cutout") where the channel asks for a background or a fill, and as `render`.
    """
    if spec.background != "any" or spec.fill_min:
        raise InputRejected(f"{spec.name} takes products cut out, not whole photos.", code="needs_cutout")
    whole = CutOut(rgb, np.full(rgb.shape[:2], 255, np.uint8), shows_backdrop=False)
    row = replace(spec, sizing="full_resolution", aspect="")
    return render(whole, row, params=params or ProcessingParams(), tokens=tokens, metadata=metadata, today=today)


def _check_large_enough(cut: CutOut, spec: ChannelSpec) -> None:
    height, width = cut.alpha.shape
    if spec.min_dimension and max(height, width) < spec.min_dimension:
        raise InputRejected(
            f"The photo is {width} x {height} px; {spec.name} needs at least {spec.min_dimension} px. "
            "Send a larger original.",
            code="too_small",
        )


def _framed(cut: CutOut, params: ProcessingParams, spec: ChannelSpec) -> Prepared:
    """Bring the cut-out into the channel's frame: padded, never stretched, never enlarged beyond the preset."""
    framing = geometry.plan_frame(cut.alpha, params, spec)
    return Prepared(framing, framed(cut, framing))
