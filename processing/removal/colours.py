"""Let a picture's own colours settle a coarse mask: GrabCut started from a network's answer.

The network says where the subject is; what colours it and its surroundings have is read from this very picture. Graph
cuts over two colour mixtures (Rother, Kolmogorov, Blake 2004) then move the outline to where colours change. That is
worth most where a network trained on generated pictures meets a photo it is unsure of.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from processing.types import MaskArray, RGBArray

BoolArray = npt.NDArray[np.bool_]
SETTLE_SIDE = 256
_ROUNDS = 3
_SURE_BACKDROP, _SURE_PRODUCT = 0.02, 0.98
_LEAST_KEPT = 0.5


def settled(small: RGBArray, probability: MaskArray) -> BoolArray:
    """Return the product (H, W) for a picture of about SETTLE_SIDE px and the network's `probability` (H, W) 0..1.

    Falls back on the network's own mask where the cut moves away from it (overlap below 0.5): colours that product and
    backdrop share.
    """
    seen = np.asarray(probability > 0.5)
    labels = np.where(seen, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[probability > _SURE_PRODUCT] = cv2.GC_FGD
    labels[probability < _SURE_BACKDROP] = cv2.GC_BGD
    if not seen.any() or seen.all():
        return seen
    cv2.setRNGSeed(1)  # its colour clusters start at random
    empty = np.zeros((1, 65), np.float64)
    try:
        cv2.grabCut(np.ascontiguousarray(small[..., ::-1]), labels, (0, 0, 0, 0), empty.copy(), empty.copy(), _ROUNDS,
                    cv2.GC_INIT_WITH_MASK)  # fmt: skip
    except cv2.error:  # fewer pixels of one kind than mixture parts
        return seen
    cut = np.asarray((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD))
    kept = float((cut & seen).sum()) / max(1.0, float((cut | seen).sum()))
    return cut if kept >= _LEAST_KEPT else seen
