"""Frozen values that cross the wall between the imaging library and its callers.

Every class here is plain data: JSON-able by `to_dict`, free of arrays except where the docstring gives shape, dtype
and range.
Coordinates are pixels, origin top left, x to the right, y down, in the grid the field names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Severity = Literal["info", "warning", "error"]
Complexity = Literal["simple", "medium", "complex"]
SuggestedLane = Literal["automated", "automated_then_review", "editing_with_start"]
ScorePart = Literal["background", "edge", "fill", "colour"]

RGBArray = npt.NDArray[np.uint8]
"""(H, W, 3) uint8, sRGB, 0..255."""
MaskArray = npt.NDArray[np.float32]
"""(H, W) float32, 0 = background, 1 = product."""
AlphaArray = npt.NDArray[np.uint8]
"""(H, W) uint8, 0 = background, 255 = product: a matte as it is kept and stored."""
AffineMatrix = tuple[float, float, float, float, float, float]
"""(a, b, c, d, e, f): x' = a*x + b*y + c, y' = d*x + e*y + f."""


class JsonMixin:
    """Gives dataclasses one way to become plain JSON."""

    def to_dict(self) -> dict[str, Any]:
        """Return the value as nested dicts, tuples and scalars: `dataclasses.asdict` in a quarter of its time."""
        return {name: _plain(getattr(self, name)) for name in self.__dataclass_fields__}  # type: ignore[attr-defined]


def _plain(value: Any) -> Any:
    """Leaves are shared and not copied: they are scalars and text."""
    if isinstance(value, JsonMixin):
        return value.to_dict()
    if isinstance(value, tuple | list):
        return type(value)(_plain(item) for item in value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value


@dataclass(frozen=True, slots=True)
class ImageInfo(JsonMixin):
    """What a file says about itself. `width` and `height` in pixels are those of the upright picture (EXIF applied)."""

    format: str
    width: int
    height: int
    byte_size: int
    mode: str
    icc_profile: str = ""
    exif_orientation: int = 1
    camera: str = ""
    taken_at: str = ""
    exif: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding(JsonMixin):
    """Something noticed that a person may want to know. `suggestion` says what to do about it."""

    code: str
    severity: Severity
    message: str
    suggestion: str = ""


@dataclass(frozen=True, slots=True)
class PixelCues(JsonMixin):
    """What the classifier asks the pixels, measured once at intake.

    `edge_score` and `colour_match_risk` lie in 0..1 (classification.py); `colour_family` is "" without a product;
    `lighting`: the backdrop's Lab in the middle, and how much lighter (L) it is at the right and lower edge than at the
    left and upper one; empty for a cut-out.
    """

    edge_score: float
    colour_match_risk: float
    colour_family: str
    lighting: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class IntakeReport(JsonMixin):
    """Outcome of validation.

    `checks` holds exactly file_exists, file_readable, format_supported, sufficient_resolution.
    `reason` is "Valid" or the sentence for the client; `phash` is 16 hex digits (64-bit perceptual hash) or "".
    `suggested_lane` is what the findings speak for ("" when the photo was refused); `cues` is None without pixels.
    """

    info: ImageInfo | None
    checks: Mapping[str, bool]
    passed: bool
    reason: str
    code: str = "valid"
    findings: tuple[Finding, ...] = ()
    phash: str = ""
    suggested_lane: SuggestedLane | Literal[""] = ""
    cues: PixelCues | None = None


@dataclass(frozen=True, slots=True)
class Classification(JsonMixin):
    """How hard a photo is and why. `edge_score` and `colour_match_risk` lie in 0..1; `rule` names what decided."""

    complexity: Complexity
    edge_score: float
    colour_match_risk: float
    rule: str
    category: str
    category_source: Literal["metadata", "model", "pixels"]
    colour_family: str


@dataclass(frozen=True, slots=True)
class Measure(JsonMixin):
    """One number behind the score, with what it was held against. `passed` is None when nothing was decided by it.

    `where`: the worst places first, as (x, y, w, h) boxes in pixels of the scored frame; empty when it is nowhere or
    everywhere.
    """

    name: str
    value: float
    unit: str
    part: ScorePart | Literal["gate", "info"]
    threshold: float | None = None
    passed: bool | None = None
    note: str = ""
    where: tuple[tuple[int, int, int, int], ...] = ()

    def scaled(self, scale: float) -> Measure:
        """Return the same with its boxes in a frame `scale` times as large."""
        boxes = [tuple(round(value * scale) for value in box) for box in self.where]
        return replace(self, where=tuple((x, y, width, height) for x, y, width, height in boxes))


@dataclass(frozen=True, slots=True)
class Gate(JsonMixin):
    """A hard fail kept apart from the score: a photo with a failed gate never ships by itself, whatever its total."""

    code: str
    passed: bool
    message: str


@dataclass(frozen=True, slots=True)
class FailurePoint(JsonMixin):
    """A background sample that is not white. Coordinates in the scored frame; delta = 255 - rgb."""

    x: int
    y: int
    rgb: tuple[int, int, int]
    delta: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class QualityReport(JsonMixin):
    """Score of one result: four parts of 0..25 each, total 0..100, unrounded comparison is the caller's duty.

    `background_status` is PASS, FAIL or NOT_REQUIRED. `checks` holds not_blank, has_content, no_corruption,
    correct_dimensions, proper_format. `advice` is the one sentence on what would lift the score to 90 ("" from 90 on).
    `colour_map`: base64 of a small 8-bit grey PNG of the frame whose values are ten times the CIEDE2000 between result
    and photo (0 outside the product, 255 = 25.5 and more); "" when nothing was compared.
    `label_map`: base64 of an 8-bit grey PNG of the frame, longest side 256 px, whose values are the codes of
    `processing.quality.labels.CODES` (0 = nothing wrong there); "" when nothing is.
    """

    total: float
    background: float
    edge: float
    fill: float
    colour: float
    colour_measured: bool
    background_status: Literal["PASS", "FAIL", "NOT_REQUIRED"]
    compliance_rate: float
    failures: tuple[FailurePoint, ...] = ()
    gates: tuple[Gate, ...] = ()
    measures: tuple[Measure, ...] = ()
    checks: Mapping[str, bool] = field(default_factory=dict)
    advice: str = ""
    label_map: str = ""
    colour_map: str = ""

    @property
    def has_failed_gate(self) -> bool:
        """True when any hard gate failed."""
        return any(not gate.passed for gate in self.gates)


@dataclass(frozen=True, slots=True)
class StageTiming(JsonMixin):
    """Cost of one stage, in seconds."""

    name: str
    wall_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Removal:
    """A remover's answer: the RAW soft mask (never stretched) of the whole upright picture, in a grid of its own (h, w)
    that may be smaller than the picture and of another shape, and how sure it is (0..1).

    `outline_px`: how far its outline may be off, in px of the mask's grid. `made_by`, with the model it used, is set by
    removers that choose among others; "" means the remover itself.
    """

    mask: MaskArray
    confidence: float
    findings: tuple[Finding, ...] = ()
    outline_px: float = 3.0
    made_by: str = ""
    model_name: str = ""
    model_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A channel's main file for the eye: `data` is what to paint, of `content_type`.

    `format` and `byte_size` are the delivered file's. `is_file`: `data` is that very file. `note` says what it is
    otherwise, or why there is none. `size` (w, h) px; `matrix` maps frame pixels to it. `matte_png`: the matte in the
    same grid, 8-bit grey.
    """

    data: bytes
    content_type: str
    format: str
    byte_size: int
    is_file: bool
    size: tuple[int, int]
    matrix: AffineMatrix
    matte_png: bytes
    note: str = ""


@dataclass(frozen=True, slots=True)
class Look(JsonMixin):
    """How a cut-out looks. `lightness` (0..100), `chroma_a`, `chroma_b`: mean Lab of the product; `contrast`: standard
    deviation of its lightness; `fill`: as in the score; `aspect`: width over height of its box."""

    lightness: float
    chroma_a: float
    chroma_b: float
    contrast: float
    fill: float
    aspect: float


@dataclass(frozen=True, slots=True)
class Result:
    """Everything one processing run gives. All images are encoded bytes, upright, sRGB.

    `alpha_png`: the matte, 8-bit grey, in the upright source pixel grid; with `recipe` and the photo it is the cut-out
    (processing.cutout.open_cutout).
    `after`: the scored channel's main file, with its matte. `before`: WebP of the upright original.
    `frame_matrix` maps source pixels to `after` pixels; `before_scale` maps source pixels to `before` pixels.
    `look`: what the product looks like in the scored frame, for its set; None when too little of it shows.
    """

    alpha_png: bytes
    recipe: Mapping[str, Any]
    after: Shown
    before: bytes
    thumb_before: bytes
    thumb_after: bytes
    frame_matrix: AffineMatrix
    before_scale: float
    source_size: tuple[int, int]
    scored_size: tuple[int, int]
    remover: str
    model_name: str
    model_sha256: str
    confidence: float
    quality: QualityReport
    timings: tuple[StageTiming, ...]
    findings: tuple[Finding, ...]
    params_digest: str
    look: Look | None


@dataclass(frozen=True, slots=True)
class RuleCheck(JsonMixin):
    """One channel rule held against the re-opened encoded bytes. `severity` "warning" never blocks."""

    rule: str
    passed: bool
    expected: str
    actual: str
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class Rendered:
    """One file for one channel. Deliverable only when `is_verified`.

    `part` tells several files of one picture apart ("jpeg", "thumbnail"); "" is the one that the rest accompany.
    """

    filename: str
    data: bytes
    content_type: str
    width: int
    height: int
    checks: tuple[RuleCheck, ...]
    steps: tuple[str, ...]
    alt_text: str = ""
    part: str = ""
    companions: tuple[Rendered, ...] = ()

    @property
    def files(self) -> tuple[Rendered, ...]:
        """The file and its companions, in order."""
        return (self, *self.companions)

    @property
    def is_verified(self) -> bool:
        """True when no rule of severity error failed."""
        return all(check.passed or check.severity != "error" for check in self.checks)
