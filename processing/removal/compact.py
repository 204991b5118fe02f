"""Our own small network: colours, cue maps and position in, a soft mask out. Made by `training/`, no download.

It was trained on generated pictures only (training/README.md). Its strength is to know what a subject is where the
backdrop is not one smooth sheet; its outline is coarse (it sees SIDE x SIDE pixels) and is meant to be refined.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from processing.errors import ResourceUnavailable
from processing.geometry import quickly_shrunk, shrunk
from processing.removal.colours import SETTLE_SIDE, settled
from processing.removal.cues import cue_maps
from processing.types import Finding, MaskArray, Removal, RGBArray

SIDE = 192
CUE_SOURCE_SIDE = 192
_FIRST_SIDE = 512  # shrink once from full size, the rest from here
MODEL_NAME = "compact-3"
WEIGHTS = Path(__file__).with_name("compact.onnx")
WEIGHTS_SHA256 = "d6bb2191d6a433207d850414e9b236bf4dd1c5b28d1dbf7d42e0bf1bc8375a1a"
_LEAST_AREA = 0.001
_HALF = 0.5


class CompactNetwork:
    """The network in one runtime session of one thread. Loaded at first use; one instance serves one thread."""

    def __init__(self, weights: Path = WEIGHTS, sha256: str = WEIGHTS_SHA256) -> None:
        self._weights, self._sha256 = weights, sha256
        self._session: Any = None

    def mask(self, image: RGBArray) -> MaskArray:
        """Return the raw mask (SIDE, SIDE) float32 0..1 of a picture (H, W, 3) uint8 that is squeezed to a square.

        Raises ResourceUnavailable (model_missing, model_broken) when the weights are not those of this release.
        """
        if self._session is None:
            self._session = _open_session(_checked(self._weights, self._sha256))
        small = quickly_shrunk(image, _FIRST_SIDE)
        square = cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        seen = cv2.resize(small, (CUE_SOURCE_SIDE, CUE_SOURCE_SIDE), interpolation=cv2.INTER_AREA)
        colours = square.astype(np.float32).transpose(2, 0, 1)[None] / np.float32(255)
        cues = cue_maps(np.asarray(seen, np.uint8))[None]
        feeds = {"rgb": np.ascontiguousarray(colours), "cues": np.ascontiguousarray(cues)}
        return np.asarray(self._session.run(["mask"], feeds)[0][0, 0], np.float32)


def _checked(weights: Path, sha256: str) -> bytes:
    if not weights.is_file():
        raise ResourceUnavailable(f"The weights {weights.name} are missing. Install again.", code="model_missing")
    data = weights.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ResourceUnavailable(
            f"The weights {weights.name} are not those of this release (sha256 {found[:12]}, expected {sha256[:12]}). "
            "Install again, or use the remover studio.",
            code="model_broken",
        )
    return data


def _open_session(data: bytes) -> Any:
    import onnxruntime  # here: a process that never cuts out must not pay 30 MB for the runtime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def settled_mask(picture: RGBArray, raw: MaskArray) -> MaskArray:
    """Return the network's `raw` mask settled by the picture's colours: soft at its edge, SETTLE_SIDE px at most."""
    small = np.asarray(shrunk(picture, SETTLE_SIDE)[0], np.uint8)
    probability = cv2.resize(raw, (small.shape[1], small.shape[0]), interpolation=cv2.INTER_LINEAR)
    product = settled(small, np.asarray(probability, np.float32))
    return np.asarray(cv2.GaussianBlur(product.astype(np.float32), (0, 0), 0.8), np.float32)


class CompactRemover:
    """The network and the picture's colours. Its confidence: how decided it is; the pair (chain.py) knows better."""

    name = "compact"
    model_name = MODEL_NAME
    model_sha256 = WEIGHTS_SHA256

    def __init__(self, network: CompactNetwork | None = None) -> None:
        self._network = network or CompactNetwork()

    def remove(self, image: RGBArray) -> Removal:
        """See Remover.remove. The mask is soft at its edge; refine it against the picture afterwards."""
        raw = self._network.mask(image)
        soft = settled_mask(quickly_shrunk(image, _FIRST_SIDE), raw)
        area = float((raw > _HALF).mean())
        if area < _LEAST_AREA:
            return Removal(soft, 0.0, (NO_PRODUCT,))
        undecided = float(((raw > 0.1) & (raw < 0.9)).mean()) / area
        confidence = max(0.0, 1.0 - undecided)
        return Removal(soft, confidence, () if confidence >= _HALF else (DOUBTFUL,))


NO_PRODUCT = Finding("no_product_found", "error", "The network sees no product in the picture.",
                     "Cut it out by hand, or send another photo.")  # fmt: skip
DOUBTFUL = Finding("cutout_doubtful", "warning", "The network is unsure about the product.", "Check the outline.")
