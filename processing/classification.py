"""How hard is this photo: category rules first, then what the pixels say.

Edge complexity (0..1) joins how much longer the outline is than that of a compact shape, and how much fine detail the
product carries. Colour match risk (0..1) tells how similar product and backdrop are on both sides of the outline:
the mean of exp(-d / 10) over it, d the Lab distance across; long weak edges beyond the product found count as 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, cast, get_args

import cv2
import numpy as np
import numpy.typing as npt

from processing import codecs
from processing.errors import InputRejected
from processing.geometry import quickly_shrunk, shrunk
from processing.glance import glance
from processing.params import ClassificationParams
from processing.removal.backdrop import to_lab
from processing.removal.studio import Segmented, StudioSettings, segment_fully
from processing.types import Classification, Complexity, PixelCues, RGBArray

SIDE = 400
"""The longest side (px) at which photos are judged here."""
LIGHTING_APART = 6.0
"""Backdrops further apart than this (Lab units) were lit, or chosen, differently."""

_ACROSS_PX = 4
_SIMILAR_LAB = 10.0
_FAINT_STEPS = (25, 45)  # Canny thresholds on 8-bit grey
_NOTHING = 0.002
_FINE_LEVELS = 8.0  # of 255, against the picture blurred by 1.5 px
_PRINT_SHARE = 0.2  # up to here it is print and seams, not fur or lace

# Hue angle (degrees, CIE Lab) up to which a colour bears the name; above the last it is red again.
_HUES = ((25, "pink"), (50, "red"), (75, "orange"), (105, "yellow"), (170, "green"), (220, "teal"), (295, "blue"),
         (335, "purple"), (360, "pink"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Opinion:
    """A model's answer: a category in words of the rules, its confidence 0..1, and the model's name and version."""

    category: str
    confidence: float
    source: str


class CategoryModel(Protocol):
    """A trained model that names the category of a photo nobody has named (CLS-07). Any callable will do."""

    def __call__(self, rgb: RGBArray, product: npt.NDArray[np.bool_]) -> Opinion | None:
        """Look at a photo of at most 400 px and its rough product mask (H, W); None when it knows nothing."""


@dataclass(frozen=True, slots=True)
class View:
    """A photo at SIDE px with its product; `found` is what the product was found with, None for a cut-out."""

    rgb: RGBArray
    product: npt.NDArray[np.bool_]
    found: Segmented | None = None


def look_at(photo: codecs.Photo) -> View:
    """Find the product in a photo of any size: by its own alpha, else by the studio method."""
    small = quickly_shrunk(photo.rgb, SIDE)
    if photo.alpha is not None:
        return View(small, shrunk(photo.alpha, SIDE)[0] > 0.5)
    found = segment_fully(small, StudioSettings())
    return View(small, found.product, found)


def cues_of(view: View) -> PixelCues:
    """Measure what the thresholds are held against."""
    return PixelCues(
        edge_score=edge_complexity(view.rgb, view.product),
        colour_match_risk=colour_match_risk(view.rgb, view.product),
        colour_family=colour_family(view.rgb, view.product),
        lighting=() if view.found is None else _lighting(view.found),
    )


def _lighting(found: Segmented) -> tuple[float, ...]:
    surface = found.backdrop.surface
    height, width = surface.shape[:2]
    middle = surface[height // 2, width // 2]
    across = surface[height // 2, -1, 0] - surface[height // 2, 0, 0]
    down = surface[-1, width // 2, 0] - surface[0, width // 2, 0]
    return tuple(round(float(value), 2) for value in (*middle, across, down))


def classify(
    path: Path,
    category: str,
    rules: Mapping[str, str],
    params: ClassificationParams,
    *,
    cues: PixelCues | None = None,
    model: CategoryModel | None = None,
) -> Classification:
    """Classify one photo; `rules` maps category to simple, medium or complex and outranks the pixels (CLS-06).

    With `cues` of the same photo (IntakeReport.cues) and no call for the model, the file isn't opened. The model is
    asked only when nobody named a category (CLS-21). Raises InputRejected for an unreadable photo or a rule with
    another value.
    """
    tag = category.strip().lower()
    wanted = model if not tag else None
    if cues is not None and wanted is None:
        return classify_cues(cues, tag, rules, params)
    view = look_at(glance(path, SIDE))
    opinion = wanted(view.rgb, view.product) if wanted is not None else None
    return classify_cues(cues or cues_of(view), tag, rules, params, opinion)


def classify_pixels(
    small: RGBArray,
    product: npt.NDArray[np.bool_],
    category: str,
    rules: Mapping[str, str],
    params: ClassificationParams,
) -> Classification:
    """Classify a picture of a few hundred px whose product is known."""
    return classify_cues(cues_of(View(small, product)), category.strip().lower(), rules, params)


def classify_cues(
    cues: PixelCues,
    category: str,
    rules: Mapping[str, str],
    params: ClassificationParams,
    opinion: Opinion | None = None,
) -> Classification:
    """Decide by rule, then by the model's category, then by the numbers; pure, so new thresholds cost no decoding."""
    source: Literal["metadata", "model", "pixels"] = "metadata" if category else "pixels"
    note = ""
    if opinion is not None and not category:
        is_sure = opinion.confidence >= params.model_confidence
        note = f"{opinion.source} says {opinion.category} ({opinion.confidence:.2f})"
        note += ". " if is_sure else f", below {params.model_confidence:.2f}: not followed. "
        if is_sure:
            category, source = opinion.category.strip().lower(), "model"
    complexity, rule = _decided(category, rules, cues.edge_score, cues.colour_match_risk, params)
    return Classification(
        complexity=complexity,
        edge_score=cues.edge_score,
        colour_match_risk=cues.colour_match_risk,
        rule=note + rule,
        category=category,
        category_source=source,
        colour_family=cues.colour_family,
    )


def _decided(
    tag: str, rules: Mapping[str, str], edge: float, risk: float, params: ClassificationParams
) -> tuple[Complexity, str]:
    if tag and tag in rules:
        given = rules[tag]
        if given not in get_args(Complexity):
            raise InputRejected(
                f"The rule for {tag} says {given!r}; allowed is simple, medium or complex.", code="invalid_rule"
            )
        return cast(Complexity, given), f"Category rule: {tag} is {given}"
    if edge > params.edge_complex:
        return "complex", f"Edge complexity {edge:.2f} is above {params.edge_complex:.2f}"
    if edge > params.edge_medium:
        return "medium", f"Edge complexity {edge:.2f} is above {params.edge_medium:.2f}"
    if risk > params.colour_risk:
        return "medium", f"Colour match risk {risk:.2f} is above {params.colour_risk:.2f}"
    return "simple", f"Edge complexity {edge:.2f} and colour match risk {risk:.2f} are within the limits"


def edge_complexity(small: RGBArray, product: npt.NDArray[np.bool_]) -> float:
    """Return 0..1: outline length against that of a compact shape of the same area, and fine detail inside."""
    area = float(product.sum())
    if area < _NOTHING * product.size:
        return 0.0
    contours, _ = cv2.findContours(product.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    length = sum(cv2.arcLength(contour, True) for contour in contours)
    compactness = length / (2.0 * math.sqrt(math.pi * area))  # circle 1, square 1.13, 3:1 bar 1.30
    outline = 1.0 - math.exp(-max(0.0, compactness - 1.7) / 2.6)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 1.5))
    inner = cv2.erode(product.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    share = float((fine[inner] > _FINE_LEVELS).mean()) if inner.any() else 1.0
    busy = min(1.0, max(0.0, (share - _PRINT_SHARE) / 0.4))
    return float(1.0 - (1.0 - 0.75 * outline) * (1.0 - 0.8 * busy))


def colour_match_risk(small: RGBArray, product: npt.NDArray[np.bool_]) -> float:
    """Return 0..1: mean of exp(-d / 10) along the outline; 1 when no product stands out at all."""
    solid = product.astype(np.uint8)
    if solid.mean() < _NOTHING:
        return 1.0
    lab = to_lab(small)
    kernel = np.ones((2 * _ACROSS_PX + 1, 2 * _ACROSS_PX + 1), np.uint8)
    inside = (cv2.erode(solid, np.ones((3, 3), np.uint8)) > 0).astype(np.float32)
    outside = (cv2.dilate(solid, np.ones((5, 5), np.uint8)) == 0).astype(np.float32)
    outline = (cv2.dilate(solid, np.ones((3, 3), np.uint8)) - solid) > 0
    size = (kernel.shape[1], kernel.shape[0])
    front, back = _local_mean(lab, inside, size), _local_mean(lab, outside, size)
    known = outline & (cv2.blur(inside, size) > 1e-3) & (cv2.blur(outside, size) > 1e-3)
    if not known.any():
        return 0.0
    apart = np.linalg.norm(front[known] - back[known], axis=1)
    similar, faint = float(np.exp(-apart / _SIMILAR_LAB).sum()), _faint_edge(small, solid)
    return (similar + faint) / (float(known.sum()) + faint)


def _faint_edge(small: RGBArray, solid: npt.NDArray[np.uint8]) -> float:
    """Length (px) of weak but long edges beyond the product found: a part that melts into the backdrop.

    Shadows fade over many pixels and stay below the thresholds; grain gives short edges only.
    """
    smooth = cv2.bilateralFilter(cv2.bilateralFilter(small, 5, 14, 5), 5, 14, 5)
    edges = cv2.Canny(cv2.cvtColor(smooth, cv2.COLOR_RGB2GRAY), *_FAINT_STEPS, L2gradient=True)
    edges[cv2.dilate(solid, np.ones((15, 15), np.uint8)) > 0] = 0
    count, _, stats, _ = cv2.connectedComponentsWithStats((edges > 0).astype(np.uint8), connectivity=8)
    least = 0.06 * sum(solid.shape)
    return float(sum(area for area in stats[1:count, cv2.CC_STAT_AREA] if area >= least))


def _local_mean(
    lab: npt.NDArray[np.float32], weight: npt.NDArray[np.float32], size: tuple[int, int]
) -> npt.NDArray[np.float32]:
    total = cv2.blur(lab * weight[..., None], size)
    return np.asarray(total / np.maximum(cv2.blur(weight, size), 1e-4)[..., None], np.float32)


def colour_family(small: RGBArray, product: npt.NDArray[np.bool_]) -> str:
    """Name the product's typical colour: white, grey, black, beige, brown or a hue; "" without a product."""
    if not product.any():
        return ""
    lightness, a, b = (float(value) for value in np.median(to_lab(small)[product], axis=0))
    chroma, hue = math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360
    if chroma < 8.0:
        return "black" if lightness < 25 else "white" if lightness > 85 else "grey"
    if 40 <= hue < 95 and lightness < 50 and chroma < 45:
        return "brown"
    if 50 <= hue < 105 and chroma < 28:
        return "beige"
    return next(name for limit, name in _HUES if hue <= limit)


def lighting_groups(lightings: Mapping[str, tuple[float, ...]], *, limit: float = LIGHTING_APART) -> dict[str, int]:
    """Group photos shot in the same light (ING-08): name to group number, from 0, in the order given.

    Leader clustering: a photo joins the nearest group whose first photo's PixelCues.lighting is at most `limit` (Lab
    units, Euclidean) away, else it starts one. Photos without a lighting are left out.
    """
    leaders: list[npt.NDArray[np.float64]] = []
    groups: dict[str, int] = {}
    for name, lighting in lightings.items():
        if not lighting:
            continue
        here = np.array(lighting)
        apart = [float(np.linalg.norm(here - leader)) for leader in leaders]
        nearest = int(np.argmin(apart)) if apart else -1
        if nearest < 0 or apart[nearest] > limit:
            nearest = len(leaders)
            leaders.append(here)
        groups[name] = nearest
    return groups
