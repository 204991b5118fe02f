"""What may go wrong with a photo, foreseen on a small picture before any work is done (VAL-15), and who should do it.

All measures are taken on the picture of at most 400 px that classification uses, with the product of the studio method;
sharpness on one of 1000 px. Lightness L and chroma are CIE Lab's. Thresholds are held against the drawn scenes of the
tests and the demo photos; docs/intake.md lists them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import cv2
import numpy as np
import numpy.typing as npt

from processing.classification import View
from processing.params import ClassificationParams
from processing.removal.backdrop import to_lab
from processing.removal.studio import Segmented
from processing.types import Finding, PixelCues, RGBArray, SuggestedLane

SHARPNESS_SIDE = 1000
"""The longest side (px) at which sharpness is measured."""

LANES: Mapping[str, SuggestedLane] = MappingProxyType(
    {
        "transparent": "editing_with_start",
        "fine_edges": "editing_with_start",
        "reflective": "automated_then_review",
        "white_on_white": "automated_then_review",
        "low_contrast": "automated_then_review",
        "touches_edge": "automated_then_review",
        "busy_backdrop": "automated_then_review",
        "blurred": "automated_then_review",
        "overexposed": "automated_then_review",
        "underexposed": "automated_then_review",
    }
)
"""The lane a finding speaks for. What isn't named here speaks for none."""

_BLANK_RESIDUAL = 2.0  # Lab units
_BLANK_SHARE = 0.001
_WHITE_BACKDROP, _PALE_PRODUCT = 85.0, 70.0  # L; the shaded sides of a white product are no lighter
_NEUTRAL = 10.0  # chroma
_AT_FRAME = 0.05
_BUSY_SPREAD = 2.5
_BUSY_TEXTURE = 0.4
_ONE_BACKDROP = 0.75  # share of the border that one surface explains
_BLURRED = 1.5
_SOFT_PX = 2.0
_OVEREXPOSED = 0.15
_BURNT = 254
_UNDEREXPOSED = 55.0  # L of the brightest 0.5 %
_THROUGH = 0.30
_GLASS_DARK = 25.0
_MIRROR_RANGE = 70.0
_MIRROR_BURNT = 0.02
_MIRROR_NEUTRAL = 0.6

BoolArray = npt.NDArray[np.bool_]


def suggested_lane(findings: Iterable[Finding]) -> SuggestedLane:
    """Return the most careful lane any finding speaks for; automated when none does."""
    lanes = {LANES[finding.code] for finding in findings if finding.code in LANES}
    order: tuple[SuggestedLane, ...] = ("editing_with_start", "automated_then_review")
    return next((lane for lane in order if lane in lanes), "automated")


def is_blank(found: Segmented) -> bool:
    """Tell whether a picture is one smooth tone: nothing differs from the surface fitted to its border."""
    off = cv2.GaussianBlur(found.distance, (0, 0), 1.0)
    return bool((off > _BLANK_RESIDUAL).mean() < _BLANK_SHARE)


def preflight(view: View, cues: PixelCues, sharp: RGBArray, limits: ClassificationParams) -> list[Finding]:
    """Foresee trouble with a photo that has no alpha of its own.

    `sharp`: the same photo at about SHARPNESS_SIDE px. Warnings are meant for people; `suggested_lane` for the route.
    """
    found, product = view.found, view.product
    if found is None or not product.any():
        return []
    lab = to_lab(view.rgb)
    findings = [_contrast(lab, found, product, cues, limits), *_framed(found, product), *_exposed(view, lab)]
    findings += [_material(view, lab, found), _outline(cues, limits), _focus(sharp, product)]
    return [finding for finding in findings if finding is not None]


def _contrast(
    lab: npt.NDArray[np.float32], found: Segmented, product: BoolArray, cues: PixelCues, limits: ClassificationParams
) -> Finding | None:
    if cues.colour_match_risk <= limits.colour_risk:
        return None
    front, back = np.median(lab[product], axis=0), np.median(found.backdrop.surface.reshape(-1, 3), axis=0)
    is_neutral = max(np.hypot(front[1], front[2]), np.hypot(back[1], back[2])) < _NEUTRAL
    if is_neutral and front[0] > _PALE_PRODUCT and back[0] > _WHITE_BACKDROP:
        return Finding("white_on_white", "warning", "White or pale on a white backdrop: the outline is hard to see.",
                       "Shoot on light grey, or expect a person to check the outline.")  # fmt: skip
    return Finding("low_contrast", "warning", "The product hardly stands out from the backdrop.",
                   "Expect a person to check the outline.")  # fmt: skip


def _framed(found: Segmented, product: BoolArray) -> list[Finding]:
    signals = found.signals_of(product)
    findings = []
    if signals.at_frame > _AT_FRAME and signals.area < 0.9:
        findings.append(Finding("touches_edge", "warning", "The product seems to touch the edge of the picture.",
                                "Check that nothing is cut off."))  # fmt: skip
    if signals.spread > _BUSY_SPREAD or signals.backdrop_texture > _BUSY_TEXTURE or signals.inliers < _ONE_BACKDROP:
        findings.append(Finding("busy_backdrop", "warning", "The backdrop is not plain; parts of it may be kept.",
                                "Shoot on one even backdrop, or expect a person to check the outline."))  # fmt: skip
    return findings


def _exposed(view: View, lab: npt.NDArray[np.float32]) -> list[Finding]:
    inner = _inner(view.product, 7)
    burnt = float((view.rgb[inner].min(axis=1) >= _BURNT).mean()) if inner.any() else 0.0
    if burnt > _OVEREXPOSED:
        return [Finding("overexposed", "warning", f"{burnt:.0%} of the product is burnt out to pure white.",
                        "Details there are lost; shoot it again with less light if they matter.")]  # fmt: skip
    if np.percentile(lab[..., 0], 99.5) < _UNDEREXPOSED:
        return [Finding("underexposed", "warning", "The whole photo is dark; lifting it shows noise.",
                        "Shoot it again with more light if you can.")]  # fmt: skip
    return []


def _material(view: View, lab: npt.NDArray[np.float32], found: Segmented) -> Finding | None:
    """Glass shows the backdrop dimmed, beside dark and bright lines; metal mirrors everything from black to burnt."""
    body = _inner(_filled(view.product), 7)
    inner = _inner(view.product, 7)
    if not body.any() or not inner.any():
        return None
    difference = found.lab - found.backdrop.surface
    chroma = np.hypot(difference[..., 1], difference[..., 2])
    dimmed = (chroma < 3.0) & (difference[..., 0] < 0.0) & (difference[..., 0] > -18.0) & (found.distance >= 5.0)
    lightness, behind = lab[..., 0], float(np.median(found.backdrop.surface[..., 0]))
    low, high = np.percentile(lightness[view.product], (5, 95))
    if float(dimmed[body].mean()) > _THROUGH and low < behind - _GLASS_DARK:
        return Finding("transparent", "warning", "The backdrop seems to show through the product, as with glass.",
                       "Glass is finished by a person.")  # fmt: skip
    burnt = float((view.rgb[inner].min(axis=1) >= _BURNT).mean())
    neutral = float((np.hypot(lab[..., 1], lab[..., 2])[inner] < _NEUTRAL).mean())
    if high - low > _MIRROR_RANGE and burnt > _MIRROR_BURNT and neutral > _MIRROR_NEUTRAL:
        return Finding("reflective", "warning", "The product seems to mirror its surroundings, as with polished metal.",
                       "Expect a person to check the outline where it mirrors the backdrop.")  # fmt: skip
    return None


def _outline(cues: PixelCues, limits: ClassificationParams) -> Finding | None:
    if cues.edge_score <= limits.edge_complex:
        return None
    return Finding("fine_edges", "info", "The product has a long or finely detailed outline.",
                   "Fine outlines are finished by a person.")  # fmt: skip


def _focus(sharp: RGBArray, product: BoolArray) -> Finding | None:
    if sharpness(sharp, product) >= _BLURRED:
        return None
    return Finding("blurred", "warning", "The product is out of focus or shaken.", "Shoot it again if you can.")


def sharpness(rgb: RGBArray, product: BoolArray) -> float:
    """Return how much steeper the steepest 1 % of the product's edges are than after a blur of sigma 2 px.

    A step of blur s, seen through the Sobel filter, keeps sqrt((s^2 + 4.56) / (s^2 + 0.56)): 1.5 means
    s = 1.6 px. A measure by re-blurring as in Crete et al., "The Blur Effect" (2007), taken on steps so that plain
    surfaces don't count as blurred. `product` (h, w) bool may be smaller than `rgb` (H, W, 3) uint8. Without an edge:
    infinity.
    """
    height, width = rgb.shape[:2]
    near = cv2.dilate(product.astype(np.uint8), np.ones((5, 5), np.uint8))
    left, top, across, down = cv2.boundingRect(near)
    sx, sy = width / product.shape[1], height / product.shape[0]
    box = np.s_[int(top * sy) : int((top + down) * sy) + 1, int(left * sx) : int((left + across) * sx) + 1]
    grey = cv2.cvtColor(np.ascontiguousarray(rgb[box]), cv2.COLOR_RGB2GRAY).astype(np.float32)
    steep = _steepness(grey)
    mask = cv2.resize(near[top : top + down, left : left + across], grey.shape[::-1], interpolation=cv2.INTER_NEAREST)
    inside = steep[mask > 0]
    if not inside.size:
        return float("inf")
    steepest = (steep >= np.percentile(inside, 99)) & (mask > 0)
    after = float(_steepness(np.asarray(cv2.GaussianBlur(grey, (0, 0), _SOFT_PX), np.float32))[steepest].mean())
    return float(steep[steepest].mean()) / after if after > 1e-3 else float("inf")


def _steepness(grey: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.asarray(cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)), np.float32)


def _inner(product: BoolArray, size: int) -> BoolArray:
    return np.asarray(cv2.erode(product.astype(np.uint8), np.ones((size, size), np.uint8)) > 0)


def _filled(product: BoolArray) -> BoolArray:
    outlines, _ = cv2.findContours(product.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(cv2.drawContours(np.zeros(product.shape, np.uint8), outlines, -1, 1, -1) > 0)
