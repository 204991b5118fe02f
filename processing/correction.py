"""Everything that may be known of a shoot's colours, put into the one declared correction of a photo."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from processing import colour, matching
from processing.colour import ColourTransform
from processing.errors import InputRejected
from processing.geometry import Matte, levels
from processing.params import ColourParams
from processing.types import Finding, RGBArray


@dataclass(frozen=True, slots=True)
class Aids:
    """What the batch knows beside the photo. All of it is optional; with none the photo is corrected by itself.

    `card`: nine numbers of a fitted reference card (`reference_card.CardFit.matrix`). `reference`: histogram of a
    reference picture (`matching.histogram`). `shared`: the correction of the SKU (`set_colour.shared_transform`), taken
    instead of the photo's own. `offset_ev`: the batch's exposure offset (`set_colour.plan_exposures`).
    """

    card: tuple[float, ...] = ()
    reference: matching.Histogram | None = None
    shared: ColourTransform | None = None
    offset_ev: float = 0.0
    match_limit: float = 0.12


NO_AIDS = Aids()


def plan(
    rgb: RGBArray, alpha: Matte, params: ColourParams, aids: Aids = NO_AIDS
) -> tuple[ColourTransform, tuple[Finding, ...]]:
    """Return the photo's correction and what to say about it. `rgb` (H, W, 3) uint8 and `alpha` (H, W) share a grid.

    Without aids exactly `colour.plan_correction`. A card outranks the backdrop for white balance and exposure: it was
    made for that. Raises InputRejected for a card of other than nine numbers.
    """
    if aids.shared is not None:
        measured = colour.backdrop_reference(rgb, alpha)
        return replace(aids.shared, reference=measured).exposed(aids.offset_ev), ()
    no_findings: tuple[Finding, ...] = ()
    if aids.card:
        transform, findings = _from_card(rgb, alpha, params, aids.card), no_findings
    else:
        transform, findings = colour.plan_correction(rgb, alpha, params)
    if aids.reference is not None:
        transform, note = _matched(rgb, alpha, transform, aids.reference, aids.match_limit)
        findings = (*findings, note)
    return (transform.exposed(aids.offset_ev) if aids.offset_ev else transform), findings


def _from_card(rgb: RGBArray, alpha: Matte, params: ColourParams, card: tuple[float, ...]) -> ColourTransform:
    if len(card) != 9:
        raise InputRejected(f"A card's matrix has nine numbers, not {len(card)}.", code="invalid_parameter")
    return ColourTransform(
        matrix=card,
        contrast=params.contrast / 100.0,
        saturation=params.saturation / 100.0,
        reference=colour.backdrop_reference(rgb, alpha),
        is_balanced=True,
    )


def _matched(
    rgb: RGBArray, alpha: Matte, transform: ColourTransform, reference: matching.Histogram, limit: float
) -> tuple[ColourTransform, Finding]:
    """Fit the curves to what the rest of the correction leaves; they come before contrast and saturation."""
    step = max(1, int((alpha.size / 1_000_000) ** 0.5))
    small, mask = rgb[::step, ::step].copy(), levels(alpha[::step, ::step]).astype(np.float32) / np.float32(255)
    before = matching.histogram(replace(transform, contrast=0.0, saturation=0.0).apply(small), mask)
    bent = replace(transform, curves=matching.match(before, reference, limit=limit))
    after = matching.histogram(replace(bent, contrast=0.0, saturation=0.0).apply(small), mask)
    away, left = matching.distance(before, reference), matching.distance(after, reference)
    if left >= away:
        note = Finding(
            "reference_not_matched", "info", f"The reference picture is no nearer by curves ({away:.1f} levels)."
        )
        return transform, note
    message = f"Brought nearer to the reference picture: {away:.1f} levels apart before, {left:.1f} after."
    return bent, Finding("reference_matched", "info", message)
