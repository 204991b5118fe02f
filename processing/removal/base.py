"""What a background remover is, and how to get one by name."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from processing.errors import InputRejected
from processing.types import Removal, RGBArray


class Remover(Protocol):
    """Finds the product. One instance serves many pictures, one at a time.

    `model_name` and `model_sha256` are "" for a remover without weights.
    """

    name: str
    model_name: str
    model_sha256: str

    def remove(self, image: RGBArray) -> Removal:
        """Return the RAW soft mask of `image` (H, W, 3) uint8 and a confidence 0..1.

        The mask (h, w) float32 0..1 covers the whole picture in the remover's own grid; `matting.refine` brings it to
        the picture's.
        """
        ...


def weights_sha256(name: str, *, model_name: str = "", model_dir: Path | None = None) -> str:
    """Return the sha256 of the weights that `create_remover` with the same words would run, "" for none of them.

    Loads no model. Raises as `create_remover`.
    """
    from processing.removal import onnx
    from processing.removal.compact import WEIGHTS_SHA256

    if name == "rembg":
        return onnx.sha256_of(onnx.find_weights(model_name, model_dir).path)
    weights = onnx.search(model_name, model_dir) if name == "auto" else None
    if weights is not None:
        return onnx.sha256_of(weights.path)
    return WEIGHTS_SHA256 if name in ("auto", "compact") else ""


def create_remover(name: str, *, model_name: str = "", model_dir: Path | None = None, threads: int = 1) -> Remover:
    """Make the remover called `name`: "studio", "compact", "rembg" or "auto" (rembg if its weights are on disk, else
    studio and compact, each the other's second opinion).

    `model_name` is a rembg model ("u2net") or a file in `model_dir` ("u2netp.onnx"). Nothing is ever downloaded.
    Raises ResourceUnavailable when "rembg" is asked for and no weights are there, InputRejected for an unknown name.
    """
    # Imported here: a caller that only needs the protocol must not pay for a model runtime.
    from processing.removal import onnx
    from processing.removal.chain import PairRemover
    from processing.removal.compact import CompactRemover
    from processing.removal.studio import StudioRemover

    if name == "studio":
        return StudioRemover()
    if name == "compact":
        return CompactRemover()
    if name == "rembg":
        return onnx.OnnxRemover(onnx.find_weights(model_name, model_dir), threads=threads)
    if name == "auto":
        weights = onnx.search(model_name, model_dir)
        return PairRemover() if weights is None else onnx.OnnxRemover(weights, threads=threads)
    raise InputRejected(
        f"There is no remover {name!r}; known are auto, studio, compact, rembg.", code="unknown_remover"
    )
