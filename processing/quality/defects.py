"""Defects planted on purpose in a result whose truth is known: for the benchmark, the tests and gold items.

Every maker works in the frame's grid and is a pure function of its inputs and a seeded generator. Sizes in px are
those of the frame at 1:1; radii given as a share are of its longest side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from processing.quality import planted_content, planted_shadows
from processing.quality.difference import to_lab
from processing.quality.planted_shadows import blurred, outline_point
from processing.types import MaskArray, RGBArray

_WHITE = 255
_TRACE = 0.004
FloatArray = npt.NDArray[np.float32]
Pixels = TypeVar("Pixels", npt.NDArray[np.uint8], npt.NDArray[np.float32])


@dataclass(frozen=True, slots=True)
class Case:
    """One result with its source: `before` and `after` (H, W, 3) uint8, `alpha` (H, W) float32, all in one grid."""

    before: RGBArray
    after: RGBArray
    alpha: MaskArray


@dataclass(frozen=True, slots=True)
class Subject:
    """A product to plant in. `photo`: the source in the frame's grid; `colour`: the product's own colour there, free of
    the backdrop; `alpha`: its true matte."""

    photo: RGBArray
    colour: RGBArray
    alpha: MaskArray


Maker = Callable[[Subject, np.random.Generator], Case]
_MAKERS: dict[str, Maker] = {}
GATE_KINDS = frozenset(
    {
        "blank", "content_loss", "blob_detached", "blob_attached", "shadow_left", "shadow_patch",
        "background_248", "background_254",
        "cut_by_frame", "wrong_file", "underfilled",
    }
)  # fmt: skip
"""Kinds that a hard gate exists for: none of them may ever ship by itself."""
GOOD_KINDS = ("good", "good_soft", "good_shifted")


def defect_kinds() -> tuple[str, ...]:
    """Return the names of all planted defects, in a fixed order (wrong_file last: it needs a second product)."""
    return (*(name for name in _MAKERS if name not in GOOD_KINDS), "wrong_file")


def plant(kind: str, subject: Subject, rng: np.random.Generator, other: Subject | None = None) -> Case:
    """Return the result with one defect of `kind`, or a good one (`GOOD_KINDS`).

    "wrong_file" takes its picture from `other`. Raises KeyError for an unknown kind, ValueError without `other`.
    """
    if kind == "wrong_file":
        if other is None:
            raise ValueError("wrong_file needs a second product")
        return Case(subject.photo, over_white(other.colour, other.alpha), other.alpha)
    return _MAKERS[kind](subject, rng)


def over_white(colour: RGBArray, alpha: MaskArray) -> RGBArray:
    """Composite straight colours on white; exactly 255 where alpha is 0."""
    weight = alpha[..., None]
    return np.round(colour * weight + np.float32(_WHITE) * (1 - weight)).astype(np.uint8)


def _maker(name: str) -> Callable[[Maker], Maker]:
    def register(maker: Maker) -> Maker:
        _MAKERS[name] = maker
        return maker

    return register


def _result(subject: Subject, alpha: MaskArray, colour: RGBArray | None = None) -> Case:
    clean = np.asarray(np.where(alpha < _TRACE, 0.0, alpha), np.float32)
    return Case(subject.photo, over_white(subject.colour if colour is None else colour, clean), clean)


def _disk(radius: int) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)), np.uint8)


def _mixed(subject: Subject, kept: FloatArray) -> RGBArray:
    """The product's clean colour, and the photo as it was where something that isn't product is kept."""
    extra = (kept > subject.alpha + 0.02) & (subject.alpha < 0.5)
    return np.where(extra[..., None], subject.photo, subject.colour).astype(np.uint8)


def _spot(shape: tuple[int, int], centre: tuple[int, int], radius: int) -> FloatArray:
    spot = np.zeros(shape, np.float32)
    cv2.circle(spot, centre, radius, 1.0, -1, cv2.LINE_AA)
    return spot


@_maker("good")
def _good(subject: Subject, rng: np.random.Generator) -> Case:
    return _result(subject, subject.alpha)


@_maker("good_soft")
def _good_soft(subject: Subject, rng: np.random.Generator) -> Case:
    """Benign: an edge a little softer than the truth."""
    return _result(subject, blurred(subject.alpha, 0.6))


@_maker("good_shifted")
def _good_shifted(subject: Subject, rng: np.random.Generator) -> Case:
    """Benign: the matte off by less than half a pixel, as resampling leaves it."""
    shift = rng.uniform(-0.4, 0.4, 2)
    matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
    height, width = subject.alpha.shape
    moved = cv2.warpAffine(subject.alpha, matrix, (width, height), flags=cv2.INTER_LINEAR)
    return _result(subject, np.asarray(np.clip(moved, 0, 1), np.float32))


def _grown(px: int) -> Maker:
    """A halo: the matte let out, the backdrop's pixels kept."""

    def make(subject: Subject, rng: np.random.Generator) -> Case:
        return _result(subject, np.asarray(cv2.dilate(subject.alpha, _disk(px)), np.float32), subject.photo)

    return make


def _eroded(px: int) -> Maker:
    def make(subject: Subject, rng: np.random.Generator) -> Case:
        return _result(subject, np.asarray(cv2.erode(subject.alpha, _disk(px)), np.float32))

    return make


_MAKERS |= {"halo_2px": _grown(2), "halo_4px": _grown(4), "eroded_2px": _eroded(2), "eroded_4px": _eroded(4)}


@_maker("fringe")
def _fringe(subject: Subject, rng: np.random.Generator) -> Case:
    """The backdrop's colour left in the soft pixels of a slightly wide edge."""
    return _result(subject, blurred(subject.alpha, 0.8), subject.photo)


@_maker("bite")
def _bite(subject: Subject, rng: np.random.Generator) -> Case:
    """A round piece of 6 % of the product missing at its outline."""
    radius = max(4, int(np.sqrt(0.06 * float((subject.alpha > 0.5).sum()) / np.pi)))
    eaten = blurred(_spot(subject.alpha.shape, outline_point(subject.alpha, rng), radius), 1.0)
    return _result(subject, np.asarray(subject.alpha * (1 - eaten), np.float32))


@_maker("torn_edge")
def _torn_edge(subject: Subject, rng: np.random.Generator) -> Case:
    """A ragged, half-transparent tear along a stretch of the outline, as a remover leaves it in pale places."""
    height, width = subject.alpha.shape
    longest = max(height, width)
    place = _spot((height, width), outline_point(subject.alpha, rng), int(0.06 * longest))
    coarse = rng.normal(0, 1, (height // 12 + 2, width // 12 + 2)).astype(np.float32)
    noise = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
    eaten = np.clip(blurred(place, 0.015 * longest) * 1.6 + 0.35 * noise - 0.45, 0, 1) * (place > 0)
    return _result(subject, np.asarray(subject.alpha * (1 - blurred(np.asarray(eaten, np.float32), 1.0)), np.float32))


@_maker("lost_part")
def _lost_part(subject: Subject, rng: np.random.Generator) -> Case:
    """The last tenth of the product's longer side gone: a foot, a lid, a handle."""
    rows, columns = np.flatnonzero(subject.alpha.max(axis=1) > 0.5), np.flatnonzero(subject.alpha.max(axis=0) > 0.5)
    alpha = subject.alpha.copy()
    if np.ptp(rows) >= np.ptp(columns):
        alpha[int(rows[-1] - 0.1 * np.ptp(rows)) :] = 0
    else:
        alpha[:, int(columns[-1] - 0.1 * np.ptp(columns)) :] = 0
    return _result(subject, blurred(alpha, 0.6))


@_maker("holes")
def _holes(subject: Subject, rng: np.random.Generator) -> Case:
    """Three small holes well inside the product."""
    depth = cv2.distanceTransform((subject.alpha > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    deep = np.argwhere(depth > 0.5 * depth.max())
    radius = max(2, min(int(0.012 * max(depth.shape)), int(0.45 * depth.max())))
    alpha = subject.alpha.copy()
    for _ in range(3):
        y, x = deep[rng.integers(len(deep))]
        alpha *= 1 - blurred(_spot(alpha.shape, (int(x), int(y)), radius), 0.7)
    return _result(subject, alpha)


@_maker("ghosted")
def _ghosted(subject: Subject, rng: np.random.Generator) -> Case:
    """A patch of the product half transparent."""
    depth = cv2.distanceTransform((subject.alpha > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    radius = max(4, min(int(0.05 * max(depth.shape)), int(0.8 * depth.max())))
    veil = blurred(_spot(depth.shape, (int(x), int(y)), radius), radius / 4)
    return _result(subject, np.asarray(subject.alpha * (1 - 0.5 * veil), np.float32))


@_maker("blob_detached")
def _blob_detached(subject: Subject, rng: np.random.Generator) -> Case:
    """A piece of the backdrop left beside the product."""
    height, width = subject.alpha.shape
    radius = int(0.03 * max(height, width))
    clear = cv2.dilate((subject.alpha > 0.02).astype(np.uint8), _disk(2 * radius)) == 0
    clear[: 2 * radius] = clear[-2 * radius :] = clear[:, : 2 * radius] = clear[:, -2 * radius :] = False
    places = np.argwhere(clear)
    y, x = places[rng.integers(len(places))] if len(places) else (2 * radius, 2 * radius)
    spot = np.zeros((height, width), np.float32)
    cv2.ellipse(spot, (int(x), int(y)), (radius, int(radius * 0.7)), float(rng.uniform(0, 180)), 0, 360, 1.0, -1)
    kept = np.maximum(subject.alpha, blurred(spot, 1.5))
    return _result(subject, kept, _mixed(subject, kept))


@_maker("blob_attached")
def _blob_attached(subject: Subject, rng: np.random.Generator) -> Case:
    """A piece of the backdrop left hanging on the outline, radius 3.5 % of the frame."""
    height, width = subject.alpha.shape
    spot = _spot((height, width), outline_point(subject.alpha, rng), int(0.035 * max(height, width)))
    kept = np.maximum(subject.alpha, blurred(spot, 1.5))
    return _result(subject, kept, _mixed(subject, kept))


@_maker("shadow_left")
def _shadow_left(subject: Subject, rng: np.random.Generator) -> Case:
    return _shaded(subject, planted_shadows.contact(subject.photo, subject.alpha, rng))


@_maker("shadow_patch")
def _shadow_patch(subject: Subject, rng: np.random.Generator) -> Case:
    return _shaded(subject, planted_shadows.strip(subject.photo, subject.alpha, rng))


def _shaded(subject: Subject, planted: tuple[RGBArray, MaskArray]) -> Case:
    photo, kept = planted
    shaded = Subject(photo, subject.colour, subject.alpha)
    return _result(shaded, kept, _mixed(shaded, kept))


@_maker("specks")
def _specks(subject: Subject, rng: np.random.Generator) -> Case:
    """Grains of the backdrop along the silhouette, half transparent (KSTR4471)."""
    height, width = subject.alpha.shape
    solid = (subject.alpha > 0.02).astype(np.uint8)
    ring = (cv2.dilate(solid, _disk(9)) > 0) & (solid == 0)
    side = blurred(rng.normal(0, 1, (height, width)).astype(np.float32), 0.03 * max(height, width))
    where = ring & (side > np.median(side))
    grain = blurred(rng.normal(0, 1, (height, width)).astype(np.float32), 0.8)
    grain /= max(float(grain.std()), 1e-6)
    kept = np.maximum(subject.alpha, np.where(where, np.clip(grain - 1.2, 0, 0.7), 0)).astype(np.float32)
    return _result(subject, kept, _mixed(subject, kept))


@_maker("jagged")
def _jagged(subject: Subject, rng: np.random.Generator) -> Case:
    """A staircase: a matte of 160 px enlarged without smoothing."""
    height, width = subject.alpha.shape
    small = cv2.resize(subject.alpha, (160, max(8, round(160 * height / width))), interpolation=cv2.INTER_AREA)
    steps = cv2.resize((small > 0.5).astype(np.float32), (width, height), interpolation=cv2.INTER_NEAREST)
    return _result(subject, np.asarray(steps, np.float32))


@_maker("binary")
def _binary(subject: Subject, rng: np.random.Generator) -> Case:
    """No soft pixels at all."""
    return _result(subject, (subject.alpha > 0.5).astype(np.float32))


@_maker("feathered")
def _feathered(subject: Subject, rng: np.random.Generator) -> Case:
    """The whole edge blurred over about 12 px."""
    return _result(subject, blurred(subject.alpha, 5.0))


@_maker("feathered_in_part")
def _feathered_in_part(subject: Subject, rng: np.random.Generator) -> Case:
    """A stretch of the edge blurred, the rest good: what a mean over the outline doesn't see."""
    longest = max(subject.alpha.shape)
    place = blurred(_spot(subject.alpha.shape, outline_point(subject.alpha, rng), int(0.1 * longest)), 0.01 * longest)
    return _result(subject, np.asarray(subject.alpha * (1 - place) + blurred(subject.alpha, 5.0) * place, np.float32))


@_maker("blurred")
def _blurred_product(subject: Subject, rng: np.random.Generator) -> Case:
    """The product itself out of focus."""
    good = _result(subject, subject.alpha)
    soft = np.asarray(cv2.GaussianBlur(good.after, (0, 0), 2.0), np.uint8)
    return Case(good.before, np.where((good.alpha > 0)[..., None], soft, np.uint8(_WHITE)).astype(np.uint8), good.alpha)


def _changed(change: Callable[[RGBArray, MaskArray], RGBArray]) -> Maker:
    def make(subject: Subject, rng: np.random.Generator) -> Case:
        good = _result(subject, subject.alpha)
        return Case(good.before, change(good.after, good.alpha), good.alpha)

    return make


def _off_white(value: tuple[int, int, int]) -> Maker:
    def make(subject: Subject, rng: np.random.Generator) -> Case:
        good = _result(subject, subject.alpha)
        ground = np.array(value, np.uint8)
        return Case(good.before, np.where((good.alpha <= 0)[..., None], ground, good.after), good.alpha)

    return make


def _recoloured(lightness: float, a: float, b: float) -> Maker:
    """The product's L*a*b* moved by a constant."""

    def make(subject: Subject, rng: np.random.Generator) -> Case:
        lab = to_lab(subject.colour) + np.array([lightness, a, b], np.float32)
        moved = cv2.cvtColor(np.asarray(lab, np.float32), cv2.COLOR_Lab2RGB)
        return _result(subject, subject.alpha, np.round(np.clip(moved, 0, 1) * _WHITE).astype(np.uint8))

    return make


_MAKERS |= {
    "text_on": _changed(planted_content.text_on),
    "patch_flat": _changed(planted_content.patch_flat),
    "block_flipped": _changed(planted_content.block_flipped),
    "half_resolution": _changed(planted_content.half_resolution),
    "background_248": _off_white((248, 250, 248)),
    "background_254": _off_white((254, 254, 254)),
    "colour_de5": _recoloured(0, 3.5, -4.5),
    "colour_de3": _recoloured(0, 2.2, 2.4),
    "brighter_6": _recoloured(6, 0, 0),
}


def _resized(case: Case, window: tuple[slice, slice]) -> Case:
    height, width = case.alpha.shape
    size = (width, height)
    alpha = cv2.resize(case.alpha[window], size, interpolation=cv2.INTER_LINEAR)
    return Case(
        np.asarray(cv2.resize(case.before[window], size, interpolation=cv2.INTER_LINEAR), np.uint8),
        np.asarray(cv2.resize(case.after[window], size, interpolation=cv2.INTER_LINEAR), np.uint8),
        np.asarray(np.clip(alpha, 0, 1), np.float32),
    )


@_maker("cut_by_frame")
def _cut_by_frame(subject: Subject, rng: np.random.Generator) -> Case:
    """The frame runs through the product: a sixth of its box is outside."""
    rows, columns = np.flatnonzero(subject.alpha.max(axis=1) > 0.5), np.flatnonzero(subject.alpha.max(axis=0) > 0.5)
    top, left = int(rows[0] + 0.16 * np.ptp(rows)), int(columns[0] + 0.16 * np.ptp(columns))
    side = min(subject.alpha.shape[0] - top, subject.alpha.shape[1] - left)
    return _resized(_result(subject, subject.alpha), (slice(top, top + side), slice(left, left + side)))


@_maker("underfilled")
def _underfilled(subject: Subject, rng: np.random.Generator) -> Case:
    """The product at 70 % of its size in the same frame (fill about 0.6)."""
    good = _result(subject, subject.alpha)
    height, width = good.alpha.shape
    matrix = np.array([[0.7, 0, 0.15 * width], [0, 0.7, 0.15 * height]], np.float32)

    def moved(pixels: Pixels, border: int, value: tuple[int, int, int]) -> Pixels:
        flags = cv2.INTER_AREA
        out = cv2.warpAffine(pixels, matrix, (width, height), flags=flags, borderMode=border, borderValue=value)
        return np.asarray(out, pixels.dtype)

    white = (_WHITE, _WHITE, _WHITE)
    after = np.asarray(moved(good.after, cv2.BORDER_CONSTANT, white), np.uint8)
    alpha = np.asarray(np.clip(moved(good.alpha, cv2.BORDER_CONSTANT, (0, 0, 0)), 0, 1), np.float32)
    before = np.asarray(moved(good.before, cv2.BORDER_REPLICATE, white), np.uint8)
    return Case(before, np.where((alpha <= 0)[..., None], np.uint8(_WHITE), after).astype(np.uint8), alpha)


@_maker("blank")
def _blank(subject: Subject, rng: np.random.Generator) -> Case:
    good = _result(subject, subject.alpha)
    return Case(good.before, np.full_like(good.after, _WHITE), good.alpha)


@_maker("content_loss")
def _content_loss(subject: Subject, rng: np.random.Generator) -> Case:
    """About 65 % of the product's area dropped from below."""
    area = np.cumsum((subject.alpha > 0.5).sum(axis=1))
    alpha = subject.alpha.copy()
    alpha[int(np.searchsorted(area, 0.35 * area[-1])) :] = 0
    return _result(subject, alpha)
