"""Hard gates: what never ships by itself, whatever the score says (C1). Each answers with a sentence for people."""

from __future__ import annotations

import numpy as np

from processing.quality.measures import holds_product
from processing.types import Gate, MaskArray, RGBArray

CONTENT_LOSS_LIMIT = 0.5
LEFTOVER_LIMIT = 0.0004
BESIDE_LIMIT = 0.0003
"""A loose piece stands out more than one that hangs on the product."""
VISIBLE_LIMIT_PX = 360.0
"""Weighed px of small remains, ten times what costs points: nobody overlooks a strip of 30 x 12 px at a Lab distance
of 15 from white."""
LIKENESS_LIMIT = 0.5
OTHER_COLOURS = 5.0
_SOLID_SPREAD = 2.0


def blank(frame: RGBArray, alpha: MaskArray) -> Gate:
    """QC-12: an output of one colour, or one whose matte holds nothing."""
    # Every eighth pixel settles it for nearly all pictures.
    is_solid = all(int(np.ptp(part)) < 16 for part in (frame[::8, ::8], frame)) and float(frame.std()) < _SOLID_SPREAD
    is_empty = not holds_product(alpha)
    return Gate(
        "blank", not (is_solid or is_empty), "Invalid output: solid color" if is_solid or is_empty else "Not blank"
    )


def content_kept(loss: float | None) -> Gate:
    """QC-13: more than half of the product gone. Exactly 0.5 passes; None (not measurable) is said elsewhere."""
    failed = loss is not None and loss > CONTENT_LOSS_LIMIT
    return Gate("content_loss", not failed, f"Excessive content loss: {loss:.0%}" if failed else "Content kept")


def no_artifacts(beside: float, hanging: float, visible: float = 0.0) -> Gate:
    """QC-14: background or shadow left, as shares of the frame: pieces beside the product, pieces hanging on it.

    `visible`: small remains in px weighed by their contrast.
    """
    if beside > BESIDE_LIMIT:
        return Gate("artifacts", False, "Visual artifacts detected: background left beside the product")
    if hanging > LEFTOVER_LIMIT:
        return Gate("artifacts", False, "Visual artifacts detected: background or shadow left on the product's outline")
    if visible > VISIBLE_LIMIT_PX:
        return Gate("artifacts", False, "Visual artifacts detected: small remains of background or shadow stay visible")
    return Gate("artifacts", True, "Clean")


def right_file(likeness: float | None, shift: float | None, is_found: bool = True) -> Gate:
    """The result shows the photo: `likeness` correlates their lightness inside the product, `shift` is CIEDE2000.

    None (too flat, or nothing to compare) passes; a product that was looked for in the photo and not found fails.
    """
    is_other = likeness is not None and likeness < LIKENESS_LIMIT and (shift is None or shift > OTHER_COLOURS)
    is_other = is_other or not is_found
    message = "The result doesn't show this photo's product: wrong file?" if is_other else "The result shows the photo."
    return Gate("wrong_file", not is_other, message)


def background_white(passed: bool, off_white: float, compliance_rate: float) -> Gate:
    """QC-03, QC-34: on pure white, one failed perimeter check or one off-white pixel of the mask is final."""
    if not passed:
        return Gate("background", False, f"The background is not white: {compliance_rate:.0%} of the samples are.")
    if off_white > 0:
        return Gate("background", False, f"{off_white:.2%} of the background is not exactly 255, 255, 255.")
    return Gate("background", True, "The background is exactly white.")


def well_filled(fill: float, least: float) -> Gate:
    """QC-37: the seed's formula leaves 92 points at a fill of 0.6, but the channel refuses the file for it (QC-11)."""
    message = f"The product fills {fill:.1%} of the frame; the channel asks for {least:.0%}."
    return Gate("underfilled", fill >= least, message if fill < least else "The product fills the frame.")


def product_whole(is_cut: bool) -> Gate:
    """The product runs out of the photo or out of the frame."""
    message = "The product is cut off by the edge of the picture." if is_cut else "The whole product is in the picture."
    return Gate("product_cut", not is_cut, message)
