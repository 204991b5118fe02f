"""Any segmentation model an operator puts on disk, with the exact normalisation that rembg gives it.

The u2net family runs here; other models run through rembg's session classes, which cost 180 MB. rembg is a mask backend
only. Its stretched mask is not used: stretching gives an empty picture a mask that reaches 1. The raw output of the
network is taken instead. Nothing is downloaded: weights are looked for before rembg is imported, and rembg skips its
checksum for files that exist, so the sha256 is computed here and recorded.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from processing.errors import ResourceUnavailable
from processing.geometry import quickly_shrunk, shrunk
from processing.removal.studio import StudioSettings, segment
from processing.types import Finding, MaskArray, Removal, RGBArray

# rembg names whose weights are free to use commercially (Apache-2.0 or MIT), best first when none is asked for.
# Never, not as a file either: bria-rmbg (non-commercial), withoutbg and atlascloud (send pictures to a paid service).
ALLOWED = (
    "birefnet-general-lite",
    "isnet-general-use",
    "u2net",
    "silueta",
    "u2netp",
    "birefnet-general",
)
_NEVER = ("bria", "withoutbg", "atlascloud")
_INPUT_SIDE = 1280
_CUSTOM = {"u2net": "u2net_custom", "silueta": "u2net_custom", "isnet": "dis_custom", "dis": "dis_custom",
           "ben": "ben_custom"}  # fmt: skip
_U2NETS = frozenset({"u2net", "u2netp", "silueta", "u2net_custom"})
_U2NET_SIDE = 320
_OUTLINE_PX = 1.0  # a network's outline is soft where it is unsure, and right to the pixel elsewhere
_MEAN, _DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])  # of ImageNet, R G B
_FILE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*\.onnx")


@dataclass(frozen=True, slots=True)
class Weights:
    """A model file. `session` is the rembg session class to run it with; `home` the folder rembg may read from."""

    name: str
    path: Path
    session: str
    home: Path


def _homes() -> list[Path]:
    """Folders rembg itself looks in, most specific first."""
    named = [Path(os.environ[key]) for key in ("U2NET_HOME", "REMBG_HOME") if os.environ.get(key)]
    data = Path(os.environ["XDG_DATA_HOME"]) / "rembg" if os.environ.get("XDG_DATA_HOME") else Path.home() / ".rembg"
    return [*named, data, Path.home() / ".u2net"]


def _custom_session(stem: str) -> str | None:
    return next((session for prefix, session in _CUSTOM.items() if stem.startswith(prefix)), None)


def _named(name: str, folders: list[Path]) -> Weights | None:
    for folder in folders:
        nested = folder / "models" / name / f"{name}.onnx"
        if nested.is_file():
            return Weights(name, nested, name, folder)
        flat = folder / f"{name}.onnx"
        session = _custom_session(name)
        if flat.is_file() and session:
            return Weights(name, flat, session, folder)
    return None


def search(model_name: str, model_dir: Path | None) -> Weights | None:
    """Return the weights for a model name or file name, or the best ones present when it is "". None when absent."""
    folders = ([model_dir] if model_dir else []) + _homes()
    if model_name.endswith(".onnx"):
        if model_dir is None or not _FILE.fullmatch(model_name) or not (model_dir / model_name).is_file():
            return None
        stem = Path(model_name).stem
        if stem.lower().startswith(_NEVER):
            return None
        return Weights(stem, model_dir / model_name, _custom_session(stem) or "u2net_custom", model_dir)
    wanted = (model_name,) if model_name else ALLOWED
    found = (_named(name, folders) for name in wanted if name in ALLOWED)
    return next((weights for weights in found if weights is not None), None)


def find_weights(model_name: str, model_dir: Path | None) -> Weights:
    """Like `search`, but raises ResourceUnavailable(code="model_missing") that says where to put which file."""
    weights = search(model_name, model_dir)
    if weights is None:
        where = str(model_dir) if model_dir else "the model directory"
        wanted = model_name or "one of " + ", ".join(ALLOWED)
        raise ResourceUnavailable(
            f"No weights for {wanted}. Put the .onnx file into {where} (MODEL_DIR), or use the remover studio.",
            code="model_missing",
        )
    return weights


def sha256_of(path: Path) -> str:
    """Return the sha256 hex of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class _Recorder:
    """Stands in for the runtime session and keeps the network's raw output, which rembg throws away."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.last: list[Any] = []

    def run(self, *args: Any, **kwargs: Any) -> list[Any]:
        self.last = list(self._inner.run(*args, **kwargs))
        return self.last

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class OnnxRemover:
    """One loaded model. Loading happens at construction; `remove` may be called any number of times."""

    name = "rembg"

    def __init__(self, weights: Weights, *, threads: int = 1) -> None:
        self.model_name = weights.name
        self.model_sha256 = sha256_of(weights.path)
        self._network: _U2net | _Rembg = (_U2net if weights.session in _U2NETS else _Rembg)(weights, threads)

    def remove(self, image: RGBArray) -> Removal:
        """See Remover.remove. Confidence joins how decided the network is with agreement of the model-free remover."""
        small = quickly_shrunk(image, _INPUT_SIDE)
        raw = self._raw(small)
        confidence, findings = _judge(raw, small)
        return Removal(raw, confidence, findings, outline_px=_OUTLINE_PX)

    def _raw(self, small: RGBArray) -> MaskArray:
        output = self._network.output(small)
        raw = output.reshape(-1, *output.shape[-2:])[0]
        if float(raw.min()) < -0.01 or float(raw.max()) > 1.01:
            raw = 1.0 / (1.0 + np.exp(-np.clip(raw, -30, 30)))
        return np.ascontiguousarray(np.nan_to_num(np.clip(raw, 0.0, 1.0)), dtype=np.float32)


class _U2net:
    """A model of the u2net family (Qin et al. 2020), normalised to the digit as rembg does it, without rembg."""

    def __init__(self, weights: Weights, threads: int) -> None:
        import onnxruntime  # 20 MB: paid only by a process that really runs a model

        with _told_when_broken(weights):
            self._session = onnxruntime.InferenceSession(
                str(weights.path), _options(threads), providers=["CPUExecutionProvider"]
            )
        self._input = self._session.get_inputs()[0].name

    def output(self, small: RGBArray) -> npt.NDArray[np.float32]:
        """Return the network's first output for (H, W, 3) uint8, as it is."""
        return np.asarray(self._session.run(None, {self._input: u2net_input(small)})[0], np.float32)


def u2net_input(small: RGBArray) -> npt.NDArray[np.float32]:
    """Return (1, 3, 320, 320): Lanczos, divided by the brightest value, ImageNet's mean and deviation (float64)."""
    square = np.array(Image.fromarray(small).resize((_U2NET_SIDE, _U2NET_SIDE), Image.Resampling.LANCZOS))
    values = square / max(np.max(square), 1e-6)
    return np.asarray(((values - _MEAN) / _DEVIATION).transpose(2, 0, 1)[None], np.float32)


class _Rembg:
    """A model run by its rembg session class."""

    def __init__(self, weights: Weights, threads: int) -> None:
        self._session = _new_session(weights, threads)
        self._recorder = _Recorder(self._session.inner_session)
        self._session.inner_session = self._recorder

    def output(self, small: RGBArray) -> npt.NDArray[np.float32]:
        """Return the network's first output for (H, W, 3) uint8, as it is."""
        with np.errstate(invalid="ignore", divide="ignore"):  # rembg divides by the range, which may be zero
            self._session.predict(Image.fromarray(small))
        return np.asarray(self._recorder.last[0], np.float32)


def _options(threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Planning all buffers ahead takes 320 MB more with u2netp and saves no time (docs/performance.md).
    options.enable_mem_pattern = False
    return options


@contextmanager
def _told_when_broken(weights: Weights) -> Iterator[None]:
    """Raise ResourceUnavailable(code="model_broken") for whatever the runtime says of a file it can't load."""
    from onnxruntime.capi import onnxruntime_pybind11_state as runtime

    broken = (OSError, ValueError, RuntimeError, runtime.InvalidProtobuf, runtime.NoSuchFile, runtime.Fail,
              runtime.InvalidGraph, runtime.InvalidArgument, runtime.NotImplemented)  # fmt: skip
    try:
        yield
    except broken as exc:
        raise ResourceUnavailable(
            f"The model {weights.name} cannot be loaded ({str(exc)[:160]}). Replace the file, or use studio.",
            code="model_broken",
        ) from exc


def _new_session(weights: Weights, threads: int) -> Any:
    # Slow to import (a second and 180 MB): paid only by a process that really runs such a model.
    from rembg import new_session

    extra = {"model_path": str(weights.path)} if weights.session.endswith("_custom") else {}
    kept = {key: os.environ.get(key) for key in ("REMBG_HOME", "U2NET_HOME")}
    os.environ["REMBG_HOME"] = str(weights.home)  # rembg reads models from its home only
    os.environ.pop("U2NET_HOME", None)
    try:
        with _told_when_broken(weights):
            return new_session(
                weights.session, sess_opts=_options(threads), providers=["CPUExecutionProvider"], **extra
            )
    finally:
        for key, value in kept.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


def agreed(undecided: float, agreement: float) -> float:
    """Return 0..1: how far a cut-out may be trusted without a person.

    `undecided`: soft pixels as a share of the product; `agreement`: overlap (IoU) with the model-free remover. A model
    is as decided about the wrong object as about the right one, so nothing makes up for a second opinion that sees
    another product. Chosen on 133 photos (115 known masks, 18 made by a larger model; u2netp, masks before refinement):
    of the 70 from 0.75, 68 overlap the mask by 0.9; one of the others is lace, whose mesh neither remover opens. Not
    checked on other photos yet.
    """
    return max(0.0, 1.0 - undecided) * (0.4 + 0.6 * agreement)


def _judge(raw: MaskArray, small: RGBArray) -> tuple[float, tuple[Finding, ...]]:
    area = float((raw > 0.5).mean())
    if float(raw.max()) < 0.5 or area < 0.001:
        return 0.0, (Finding("no_product_found", "error", "The model sees no product in the picture.",
                             "Cut it out by hand, or send another photo."),)  # fmt: skip
    undecided = float(((raw > 0.1) & (raw < 0.9)).mean()) / area
    second, _ = segment(shrunk(small, 320)[0], StudioSettings())
    grid = cv2.resize(raw, (second.shape[1], second.shape[0]), interpolation=cv2.INTER_AREA) > 0.5
    agreement = float((grid & second).sum()) / max(1.0, float((grid | second).sum()))
    confidence = agreed(undecided, agreement)
    if confidence >= 0.5:
        return confidence, ()
    note = Finding("cutout_doubtful", "warning", "The model is unsure about the product.", "Check the outline.")
    return confidence, (note,)
