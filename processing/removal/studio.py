"""A remover without weights for studio shots: model the backdrop from the frame's border, flood it in, keep the rest.

Method: the backdrop is a second-order surface in CIE Lab, fitted robustly (iteratively reweighted least squares with
Tukey's biweight) to a band along the border. Pixels close to the surface, and cast shadow (darker, same chroma, no
edge), are flooded from the frame and stopped by edges. What the flood cannot reach is product. It works where the
product is surrounded by one continuous backdrop; elsewhere its confidence is low, and that is what it is for.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from processing.geometry import quickly_shrunk
from processing.removal.backdrop import Backdrop, fit_backdrop, to_lab
from processing.removal.confidence import Signals, confidence_of, faintly_off
from processing.removal.shadow_rests import without_shadow_rests
from processing.types import Finding, Removal, RGBArray

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

_SIDE = 512
_DOUBTFUL = 0.5
_CLEARLY_DARKER, _EVEN = 14.0, 6.0  # L*, and L* per px
_PLAIN_SPREAD, _PLAIN_INLIERS = 2.5, 0.6  # backdrops on which the colour of a pixel tells what it is
_SUM = np.ones((1, 3), np.float32)


@dataclass(frozen=True, slots=True)
class StudioSettings:
    """Distances in Lab units; `spread` is the robust residual of the backdrop fit."""

    spread_factor: float = 2.5
    spread_offset: float = 1.5
    distance_min: float = 2.0
    distance_max: float = 22.0
    edge_factor: float = 1.2
    edge_min: float = 2.0
    shadow_chroma: float = 2.5
    shadow_edge: float = 2.2
    shadow_depth: float = 45.0
    shadow_edge_colourful: float = 3.0
    colourful_chroma: float = 12.0
    bounce: float = 0.12
    paper_bounce: float = 0.12
    hole_share: float = 0.0015


class StudioRemover:
    """Border surface + edge-stopped flood. Stateless, no weights."""

    name = "studio"
    model_name = ""
    model_sha256 = ""

    def __init__(self, settings: StudioSettings | None = None) -> None:
        self._settings = settings or StudioSettings()

    def remove(self, image: RGBArray) -> Removal:
        """See Remover.remove. The mask is soft only at its edge; refine it against the picture afterwards."""
        product, signals = segment(quickly_shrunk(image, _SIDE), self._settings)
        confidence = confidence_of(signals)
        soft = cv2.GaussianBlur(product.astype(np.float32), (0, 0), 0.8)
        return Removal(np.asarray(soft, np.float32), confidence, _findings(signals, confidence))


def _findings(signals: Signals, confidence: float) -> tuple[Finding, ...]:
    findings = []
    if signals.area < 0.001:
        findings.append(Finding("no_product_found", "error", "Nothing stands out from the backdrop.",
                                "Cut it out by hand, or shoot on a backdrop of another colour."))  # fmt: skip
    elif confidence < _DOUBTFUL:
        findings.append(Finding("cutout_doubtful", "warning", "The backdrop is not plain enough for a safe cut-out.",
                                "Check the outline."))  # fmt: skip
    return tuple(findings)


@dataclass(frozen=True, slots=True)
class Segmented:
    """`product` (H, W), and what it was found with: `lab` (H, W, 3) smoothed, `faint` (where it is hardly unlike the
    backdrop, or only darker), `gradient`, `backdrop`, `distance`.

    `shadow` (H, W): what may be shadow by its colour, however dark.
    """

    product: BoolArray
    lab: FloatArray
    faint: BoolArray
    gradient: FloatArray
    backdrop: Backdrop
    distance: FloatArray
    shadow: BoolArray

    def signals_of(self, product: BoolArray) -> Signals:
        """Measure the signals of this or another cut-out (H, W) of the same picture."""
        return Signals.measure(product, self.faint, self.gradient, self.backdrop, self.distance)


def segment(small: RGBArray, settings: StudioSettings) -> tuple[BoolArray, Signals]:
    """Split a picture of at most about 512 px into product (True) and backdrop; tell how that went by signals."""
    found = segment_fully(small, settings)
    return found.product, found.signals_of(found.product)


def segment_fully(small: RGBArray, settings: StudioSettings) -> Segmented:
    """Like `segment`, but keeps what a second opinion needs to be judged by the same signals."""
    smooth = cv2.bilateralFilter(cv2.bilateralFilter(small, 5, 14, 5), 5, 14, 5)
    lab = to_lab(np.asarray(smooth, np.uint8))
    backdrop = fit_backdrop(lab)
    gradient = _gradient(lab)
    found = _flooded(lab, backdrop, gradient, settings)
    product = _without_holes(~found.backdrop, found, backdrop, settings)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    closed = cv2.morphologyEx(product.astype(np.uint8), cv2.MORPH_CLOSE, kernel)
    opened = np.asarray(cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0)
    if backdrop.spread < _PLAIN_SPREAD and backdrop.inliers > _PLAIN_INLIERS:
        opened = without_shadow_rests(opened, found.dimmed, found.darker, gradient)
    shadow = found.tinted & (found.darker > _CLEARLY_DARKER) & (gradient < _EVEN)
    return Segmented(_large_parts(opened), lab, found.faint, gradient, backdrop, found.distance, shadow)


@dataclass(frozen=True, slots=True)
class _Flood:
    backdrop: BoolArray
    distance: FloatArray
    limit: float
    tinted: BoolArray
    dimmed: BoolArray
    darker: FloatArray
    faint: BoolArray


def _gradient(lab: FloatArray) -> FloatArray:
    """Lightness change per pixel, Lab units."""
    across = cv2.Scharr(lab[..., 0], cv2.CV_32F, 1, 0)
    down = cv2.Scharr(lab[..., 0], cv2.CV_32F, 0, 1)
    return np.asarray(cv2.magnitude(across, down) / np.float32(32.0), np.float32)


def _flooded(lab: FloatArray, backdrop: Backdrop, gradient: FloatArray, settings: StudioSettings) -> _Flood:
    lighter, off_a, off_b = (np.asarray(part, np.float32) for part in cv2.split(lab - backdrop.surface))
    distance = cv2.magnitude(0.9 * lighter, 1.35 * np.asarray(cv2.magnitude(off_a, off_b), np.float32))
    limit = float(
        np.clip(
            settings.spread_factor * backdrop.spread + settings.spread_offset,
            settings.distance_min,
            settings.distance_max,
        )
    )
    like = (distance < limit) & (gradient <= max(settings.edge_min, settings.edge_factor * limit))
    reached = from_frame(like)
    hue_off, dimmer = _against_dimmed(lab, backdrop.surface)
    _, paper_a, paper_b = cv2.split(backdrop.surface)
    paper_chroma = cv2.magnitude(paper_a, paper_b)
    edge_limit = np.where(
        paper_chroma > settings.colourful_chroma, settings.shadow_edge_colourful, settings.shadow_edge
    )
    # Light bounced off the product and off coloured paper tints a shadow, the deeper the more.
    tint = settings.bounce * np.clip(-lighter, 0.0, 40.0) + settings.paper_bounce * paper_chroma
    tinted = (hue_off < settings.shadow_chroma + 0.6 * backdrop.spread + tint) & dimmer
    dimmed = tinted & (lighter > -settings.shadow_depth)
    reached |= from_frame(reached | (dimmed & (gradient < edge_limit)))
    return _Flood(reached, np.asarray(distance, np.float32), limit, tinted, dimmed, -lighter,
                  faintly_off(lighter, off_a, off_b))  # fmt: skip


def _against_dimmed(lab: FloatArray, surface: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Compare each pixel with its backdrop under less light: chroma distance (Lab) from the scaled backdrop colour, and
    whether it is no brighter. A shadow scales linear light, so on coloured paper it also loses chroma."""
    pixel, paper = _linear(lab), _linear(surface)
    # Sums over three channels by OpenCV: numpy takes ten times as long for them.
    along, length = (np.asarray(cv2.transform(paper * other, _SUM), np.float32) for other in (pixel, paper))
    share = along / np.maximum(length, np.float32(1e-6))
    dimmed = np.clip(paper * cv2.merge([share] * 3), 0.0, 1.0)
    _, off_a, off_b = cv2.split(lab - cv2.cvtColor(np.asarray(dimmed, np.float32), cv2.COLOR_LRGB2Lab))
    off = cv2.magnitude(off_a, off_b)
    return np.asarray(off, np.float32), np.asarray(share < 1.05)


def _linear(lab: FloatArray) -> FloatArray:
    """Linear light 0..1."""
    return np.asarray(np.clip(cv2.cvtColor(lab, cv2.COLOR_Lab2LRGB), 0.0, 1.0), np.float32)


def from_frame(passable: BoolArray) -> BoolArray:
    """Return the passable pixels connected (4-neighbourhood) to the picture's border."""
    height, width = passable.shape
    padded = np.ones((height + 2, width + 2), np.uint8)
    padded[1:-1, 1:-1] = passable
    _, labels = cv2.connectedComponents(padded, connectivity=4)
    return np.asarray(labels == labels[0, 0])[1:-1, 1:-1]


def _without_holes(product: BoolArray, found: _Flood, backdrop: Backdrop, settings: StudioSettings) -> BoolArray:
    """Open what the backdrop shows through (handles, rings): enclosed, large enough and clearly backdrop-coloured."""
    if backdrop.spread >= _PLAIN_SPREAD:
        return product
    enclosed = ((found.distance < 0.7 * found.limit) & product).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(enclosed, connectivity=4)
    least = settings.hole_share * product.size
    for label in range(1, count):
        if stats[label, cv2.CC_STAT_AREA] > least:
            part = labels == label
            if float(np.median(found.distance[part])) < 0.3 * found.limit:
                product = product & ~part
    return product


def _large_parts(product: BoolArray) -> BoolArray:
    """Drop specks: parts below 2 % of the largest one, or 12 px."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(product.astype(np.uint8), connectivity=8)
    if count < 2:
        return product
    areas = stats[:, cv2.CC_STAT_AREA].astype(np.int64)
    areas[0] = 0
    return np.asarray((areas >= max(0.02 * areas.max(), 12))[labels])
