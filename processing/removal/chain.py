"""The default: the studio remover and the compact network on every picture, each the other's second opinion.

Studio has the sharper outline and fails in kinds (white on white, walls, clutter); the network is coarser and seldom
loses a product whole. Each candidate's chance to be right is estimated from signals that need no truth (trust.py); the
better one is taken, its name is recorded, and a low chance sends the picture to people.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from processing.geometry import quickly_shrunk
from processing.removal.compact import MODEL_NAME, NO_PRODUCT, WEIGHTS_SHA256, CompactNetwork, settled_mask
from processing.removal.shadow_rests import without_contact_shadow
from processing.removal.studio import StudioSettings, segment_fully
from processing.removal.trust import BoolArray, Evidence, model_for, weigh
from processing.types import Finding, MaskArray, Removal, RGBArray

_SIDE = 512
_HALF = 0.5
_DOUBTFUL = 0.5
_LEAST_AREA = 0.001
_DISAGREE = 0.6
_ONE_PRODUCT = 0.9
"""Overlap of both cut-outs (IoU) from which each counts as right by the other, as it does by a true one."""
_SAME = 0.85  # overlap from which a settled mask would say nothing new


@dataclass(frozen=True, slots=True)
class Candidate:
    """One cut-out in the working grid: soft `mask` (h, w), the `evidence` for it and its `chance` to be right."""

    maker: str
    mask: MaskArray
    evidence: Evidence
    chance: float


class PairRemover:
    """Studio and compact together. What `auto` takes when no downloaded model is installed."""

    name = "auto"
    model_name = MODEL_NAME
    model_sha256 = WEIGHTS_SHA256

    def __init__(
        self,
        settings: StudioSettings | None = None,
        network: CompactNetwork | None = None,
        *,
        settle_always: bool = False,
    ) -> None:
        """`settle_always` False: the network's mask is settled by the picture's colours (a third of the time) only
        where it and studio see different products; trust.json must be fitted for the same choice."""
        self._settings = settings or StudioSettings()
        self._network = network or CompactNetwork()
        self._settle_always = settle_always

    def remove(self, image: RGBArray) -> Removal:
        """See Remover.remove. `made_by` of the answer says whose mask it is."""
        studio, compact = self.candidates(image)
        chosen = choose(studio, compact)
        is_compact = chosen.maker == "compact"
        return Removal(
            chosen.mask,
            chosen.chance,
            _findings(chosen),
            made_by=chosen.maker,
            model_name=MODEL_NAME if is_compact else "",
            model_sha256=WEIGHTS_SHA256 if is_compact else "",
        )

    def candidates(self, image: RGBArray) -> tuple[Candidate, Candidate]:
        """Return both cut-outs, studio's first, each with its chance to be right."""
        opinions = self.opinions(image)
        studio, compact = (
            Candidate(name, mask, found, model_for(name).chance(found)) for name, mask, found in opinions
        )
        return studio, compact

    def opinions(self, image: RGBArray) -> tuple[tuple[str, MaskArray, Evidence], ...]:
        """Return (maker, soft mask, evidence) of studio and compact, in a grid of 512 px at most."""
        small = quickly_shrunk(image, _SIDE)
        found = segment_fully(small, self._settings)
        size = (small.shape[1], small.shape[0])
        raw = self._network.mask(small)
        probability = np.asarray(cv2.resize(raw, size, interpolation=cv2.INTER_LINEAR), np.float32)
        coloured = probability
        differs = _differ(found.product, probability)
        if self._settle_always or differs:
            settled = settled_mask(small, raw)
            coloured = np.asarray(cv2.resize(settled, size, interpolation=cv2.INTER_LINEAR), np.float32)
        theirs = np.asarray(coloured > _HALF)
        product = found.product
        if not differs:
            product = without_contact_shadow(product, found.shadow, probability)
        soft = np.asarray(cv2.GaussianBlur(product.astype(np.float32), (0, 0), 0.8), np.float32)
        pairs = (("studio", found.product, theirs, soft), ("compact", theirs, found.product, coloured))
        return tuple(
            (maker, mask, weigh(product, other, probability, found.signals_of(product)))
            for maker, product, other, mask in pairs
        )


def _differ(product: BoolArray, probability: MaskArray) -> bool:
    """Whether studio's `product` (H, W) and the network's `probability` (H, W) overlap (IoU) too little."""
    seen = probability > _HALF
    either = int(np.count_nonzero(product | seen))
    return not either or int(np.count_nonzero(product & seen)) < _SAME * either


def choose(studio: Candidate, compact: Candidate) -> Candidate:
    """Take studio's where both see one product: its outline is the sharper, and the likelier's chance is that of both.

    Elsewhere take the likelier, studio's when they are equal. On the pictures that trust.json is fitted and measured
    with no rule of some twenty had a better overlap; docs/removal.md has the figures on photos.
    """
    if studio.evidence.agreement >= _ONE_PRODUCT:
        return replace(studio, chance=max(studio.chance, compact.chance))
    return studio if studio.chance >= compact.chance else compact


def _findings(chosen: Candidate) -> tuple[Finding, ...]:
    if chosen.evidence.signals.area < _LEAST_AREA:
        return (NO_PRODUCT,)
    if chosen.chance >= _DOUBTFUL:
        return ()
    if chosen.evidence.agreement < _DISAGREE:
        return (Finding("removers_disagree", "warning", "The two removers see different products.",
                        "Check what was kept and what was left out."),)  # fmt: skip
    return (Finding("cutout_doubtful", "warning", "The cut-out is not sure enough.", "Check the outline."),)
