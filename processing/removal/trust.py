"""How far to trust each of two cut-outs of one picture, from signals that need no truth.

For each candidate a logistic model gives the chance that its overlap with the true cut-out is at least 0.9 (IoU). Its
weights, in trust.json, are fitted by `python -m training.fit_trust` on held-out generated pictures; docs/removal.md
has the reliability tables.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from processing.removal.confidence import Signals
from processing.types import MaskArray

AUTO_CUT = 0.92
"""From here on 95 of 100 held-out cut-outs overlap the true one by 0.9; on photos less (see docs/removal.md)."""

WEIGHTS = Path(__file__).with_name("trust.json")
FEATURES = (
    "spread", "inliers", "at_frame", "edge", "clear_edge", "gap", "texture", "shadow_like", "area", "parts",
    "agreement", "outline_agreement", "undecided", "support", "leak", "missed", "backing",
)  # fmt: skip
_FAR_OUT = 3.0  # standard deviations: beyond, the model has seen nothing and one signal must not decide
_LEAST_AREA, _MOST_AREA = 0.001, 0.97

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about one candidate without the truth.

    `signals`: see Signals. `agreement`: overlap (IoU) of the two candidates; `outline_agreement`: share of this
    outline with the other's within 1 % of the picture; `undecided`: share of the network's grid that is neither, by
    product area; `support`: mean probability inside; `leak`: probability mass outside by product area; `missed`: share
    of this candidate that the other leaves out; `backing`: overlap (IoU) with the network's unsettled mask.
    """

    signals: Signals
    agreement: float
    outline_agreement: float
    undecided: float
    support: float
    leak: float
    missed: float
    backing: float

    def features(self) -> tuple[float, ...]:
        """Return the model's inputs in the order of FEATURES."""
        own = (self.agreement, self.outline_agreement, math.log(self.undecided + 0.02), self.support,
               math.log(self.leak + 0.02), self.missed, self.backing)  # fmt: skip
        return self.signals.features() + own


def weigh(product: BoolArray, other: BoolArray, probability: MaskArray, signals: Signals) -> Evidence:
    """Collect the evidence for `product` (H, W) beside the `other` candidate and the network's `probability`."""
    area = max(1.0, float(product.sum()))
    return Evidence(
        signals=signals,
        agreement=_overlap(product, other),
        outline_agreement=_outline_agreement(product, other),
        undecided=min(4.0, float(((probability > 0.1) & (probability < 0.9)).sum()) / area),
        support=float(probability[product].mean()) if product.any() else 0.0,
        leak=min(4.0, float(probability[~product].sum()) / area),
        missed=float((product & ~other).sum()) / area,
        backing=_overlap(product, np.asarray(probability > 0.5)),
    )


def _overlap(one: BoolArray, other: BoolArray) -> float:
    return float((one & other).sum()) / max(1.0, float((one | other).sum()))


def _outline_agreement(product: BoolArray, other: BoolArray) -> float:
    kernel = np.ones((3, 3), np.uint8)
    mine, theirs = (cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_GRADIENT, kernel) for mask in (product, other))
    reach = max(3, round(0.01 * max(product.shape))) * 2 + 1
    near = cv2.dilate(theirs, np.ones((reach, reach), np.uint8))
    return float(near[mine > 0].mean()) if mine.any() else 0.0


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted logistic model; `centre` and `scale` standardise the features."""

    centre: Sequence[float]
    scale: Sequence[float]
    weights: Sequence[float]
    bias: float

    def chance(self, evidence: Evidence) -> float:
        """Return the calibrated chance 0..1 of an overlap of at least 0.9."""
        if not _LEAST_AREA <= evidence.signals.area <= _MOST_AREA:
            return 0.0
        total = self.bias
        for value, centre, scale, weight in zip(
            evidence.features(), self.centre, self.scale, self.weights, strict=True
        ):
            total += weight * max(-_FAR_OUT, min(_FAR_OUT, (value - centre) / scale))
        return 1.0 / (1.0 + math.exp(-total))


@functools.cache
def model_for(candidate: str) -> Model:
    """Return the fitted model of a candidate: "studio" or "compact"."""
    fitted = json.loads(WEIGHTS.read_text())["models"][candidate]
    return Model(fitted["centre"], fitted["scale"], fitted["weights"], fitted["bias"])
