"""Declared colour correction: white balance from the backdrop, a bounded exposure lift, contrast, saturation.

The correction is one value (`ColourTransform`) that can be applied again to any picture in the same colours, so scoring
can tell what was done on purpose from what went wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Self

import cv2
import numpy as np
import numpy.typing as npt

from processing.geometry import Matte, levels, quickly_shrunk
from processing.params import ColourParams
from processing.types import AlphaArray, Finding, JsonMixin, RGBArray

_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # ITU-R BT.709
_WORKING_SIDE = 256
_MARGIN = np.ones((5, 5), np.uint8)  # px round the product that light from it may tint
_MIN_REFERENCE_PX = 50
_WHITE_BACKDROP_L = 80.0  # from here up a neutral backdrop was meant to be white
_DARK_BACKDROP_L = 20.0  # below, channel ratios are noise
_TARGET_L = 97.0
_TRACE = 5  # alpha from which a pixel is no backdrop any more
_NEARLY_SOLID = 230
_BAND_PX = 1_000_000  # pixels corrected at once when a matrix needs floats: keeps 12 MP under 30 MB
_STRIP_PX = 100_000
_CODES = 1 << 16  # steps of linear light told apart: the darkest sRGB step is 20 of them
_HEADROOM = 0.98  # linear light the brightest product pixels may reach after the lift


@dataclass(frozen=True, slots=True)
class ColourTransform(JsonMixin):
    """One declared correction, in this order: matrix, gains, curves, contrast, saturation.

    `matrix`: nine numbers, row by row, on linear light (R, G, B columns), or (). `gains`: linear-light factors per
    channel, exposure included. `curves`: three lists of equally spaced sRGB values 0..1, one per channel, or ().
    `contrast` and `saturation` (about BT.709 luma) are shares (0.10 = +10 %). `reference` is the measured backdrop
    (sRGB 0..255) or None; `is_balanced` tells whether it was neutral enough to balance against.
    """

    gains: tuple[float, float, float] = (1.0, 1.0, 1.0)
    contrast: float = 0.0
    saturation: float = 0.0
    reference: tuple[int, int, int] | None = None
    is_balanced: bool = False
    matrix: tuple[float, ...] = ()
    curves: tuple[tuple[float, ...], ...] = ()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read back what `to_dict` gave, also through JSON; fields that are missing take their default."""
        values = dict(data)
        for name in ("gains", "matrix"):
            if name in values:
                values[name] = tuple(float(value) for value in values[name])
        if values.get("reference") is not None:
            values["reference"] = tuple(int(value) for value in values["reference"])
        if "curves" in values:
            values["curves"] = tuple(tuple(float(value) for value in curve) for curve in values["curves"])
        return cls(**values)

    def exposed(self, offset_ev: float) -> Self:
        """Return the same correction with `offset_ev` more exposure (1.0 = twice the light)."""
        red, green, blue = (round(gain * 2.0**offset_ev, 6) for gain in self.gains)
        return replace(self, gains=(red, green, blue))

    @property
    def residual_cast(self) -> float | None:
        """Lab chroma left on the reference after the correction; None when it was no neutral reference."""
        if self.reference is None or not self.is_balanced:
            return None
        return _chroma(self.apply(np.array([self.reference], np.uint8))[0])

    @property
    def is_identity(self) -> bool:
        """True when applying it changes nothing."""
        is_plain = self.gains == (1.0, 1.0, 1.0) and not self.matrix and not self.curves
        return is_plain and not self.contrast and not self.saturation

    def apply(self, rgb: RGBArray) -> RGBArray:
        """Return the corrected copy of (H, W, 3) or (N, 3) uint8."""
        if self.is_identity:
            return rgb.copy()
        flat = np.ascontiguousarray(rgb.reshape(1, -1, 3) if rgb.ndim == 2 else rgb)
        if self.matrix:
            toned = self._mixed(flat)
            if self.saturation:
                toned = np.asarray(cv2.transform(toned, _saturation_matrix(self.saturation)), np.uint8)
        else:
            tables = _tables(self.gains, self.contrast, self.curves)
            is_grey = self.gains.count(self.gains[0]) == len(self.gains) and not self.curves
            # One table for all channels is read twice as fast as one for each.
            toned = _toned(flat, tables[0, :, 0] if is_grey else tables, self.saturation)
        return toned.reshape(rgb.shape)

    def _mixed(self, rgb: RGBArray) -> RGBArray:
        """Matrix and gains in linear light, then every curve by table; in bands, so that memory stays small."""
        scaled = np.diag(self.gains) @ np.reshape(self.matrix, (3, 3))
        linear = np.repeat(to_linear(np.arange(256) / 255.0).astype(np.float32)[:, None], 3, axis=1)[None]
        codes = _tones(np.linspace(0.0, 1.0, _CODES), self.contrast, self.curves)
        out = np.empty_like(rgb)
        step = max(1, _BAND_PX // max(1, rgb.shape[1]))
        for top in range(0, rgb.shape[0], step):
            band = rgb[top : top + step]
            mixed = cv2.transform(cv2.LUT(band, linear), (scaled * (_CODES - 1)).astype(np.float32))
            index = np.clip(np.rint(mixed), 0, _CODES - 1).astype(np.uint16)
            for channel in range(3):
                out[top : top + step, :, channel] = codes[index[..., channel], channel]
        return out


def to_linear(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return linear light of sRGB values 0..1 (IEC 61966-2-1)."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _to_srgb(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    clipped = np.clip(values, 0.0, 1.0)
    return np.where(clipped <= 0.0031308, clipped * 12.92, 1.055 * clipped ** (1 / 2.4) - 0.055)


def contrast_curve(values: npt.NDArray[np.float64], amount: float) -> npt.NDArray[np.float64]:
    """Return y = x + amount * 4x(1-x)(x-0.5) on sRGB values 0..1.

    Slope 1 + amount at mid grey, fixed at 0, 0.5 and 1, so nothing clips.
    """
    return values + amount * 4.0 * values * (1.0 - values) * (values - 0.5)


@lru_cache(maxsize=64)
def _tables(
    gains: tuple[float, float, float], contrast: float, curves: tuple[tuple[float, ...], ...]
) -> npt.NDArray[np.uint8]:
    linear = to_linear(np.arange(256, dtype=np.float64) / 255.0)
    return _tones(linear[:, None] * np.array(gains), contrast, curves)[None]


def _tones(
    linear: npt.NDArray[np.float64], contrast: float, curves: tuple[tuple[float, ...], ...]
) -> npt.NDArray[np.uint8]:
    """Return (N, 3) sRGB 0..255 of linear light (N,) or (N, 3), after the curves and the contrast."""
    values = np.broadcast_to(_to_srgb(linear if linear.ndim == 2 else linear[:, None]), (len(linear), 3))
    if curves:
        values = np.stack([_bent(values[:, channel], curve) for channel, curve in enumerate(curves)], axis=-1)
    return np.round(np.clip(contrast_curve(values, contrast), 0.0, 1.0) * 255.0).astype(np.uint8)


def _bent(values: npt.NDArray[np.float64], curve: tuple[float, ...]) -> npt.NDArray[np.float64]:
    return np.interp(values, np.linspace(0.0, 1.0, len(curve)), np.array(curve, np.float64))


def _toned(rgb: RGBArray, table: npt.NDArray[np.uint8], saturation: float) -> RGBArray:
    """Tables, then saturation, in strips that stay in the processor's cache between the two."""
    if not saturation:
        return np.asarray(cv2.LUT(rgb, table), np.uint8)
    out, matrix = np.empty_like(rgb), _saturation_matrix(saturation)
    step = max(1, _STRIP_PX // max(1, rgb.shape[1]))
    for top in range(0, len(rgb), step):
        out[top : top + step] = cv2.transform(cv2.LUT(rgb[top : top + step], table), matrix)
    return out


def _saturation_matrix(amount: float) -> npt.NDArray[np.float32]:
    grey = np.tile(_LUMA, (3, 1))
    return (grey + (1.0 + amount) * (np.eye(3, dtype=np.float32) - grey)).astype(np.float32)


def lab_of(colour: npt.ArrayLike) -> tuple[float, float, float]:
    """Return CIE L*a*b* (D65) of one sRGB colour, three values 0..255."""
    pixel = np.asarray(colour, np.float32).reshape(1, 1, 3) / np.float32(255)
    lightness, a, b = (float(value) for value in cv2.cvtColor(pixel, cv2.COLOR_RGB2Lab)[0, 0])
    return lightness, a, b


def _chroma(colour: npt.ArrayLike) -> float:
    _, a, b = lab_of(colour)
    return float(np.hypot(a, b))


def backdrop_reference(rgb: RGBArray, alpha: Matte) -> tuple[int, int, int] | None:
    """Return the lit backdrop's colour: median of the brighter half outside the product, None if there is too little.

    The brighter half leaves cast shadows and vignetting out.
    """
    small, matte = (quickly_shrunk(pixels, _WORKING_SIDE) for pixels in (rgb, levels(alpha)))
    product = (matte > _TRACE).astype(np.uint8)
    outside = small.reshape(-1, 3)[(cv2.dilate(product, _MARGIN) == 0).ravel()]
    if len(outside) < _MIN_REFERENCE_PX:
        return None
    luma = cv2.transform(outside.astype(np.float32)[None], _LUMA[None])[0]
    lit = outside[luma >= np.median(luma)]
    red, green, blue = (int(_middle_level(lit[:, channel])) for channel in range(3))
    return red, green, blue


def _middle_level(levels: npt.NDArray[np.uint8]) -> float:
    """Return the median of (N,) uint8, counted instead of sorted."""
    upto = np.cumsum(np.bincount(levels, minlength=256))
    low, high = (int(np.searchsorted(upto, place, side="right")) for place in ((upto[-1] - 1) // 2, upto[-1] // 2))
    return (low + high) / 2


def plan_correction(rgb: RGBArray, alpha: Matte, params: ColourParams) -> tuple[ColourTransform, tuple[Finding, ...]]:
    """Measure the picture and declare its correction; findings say what was left out. One grid for both arrays."""
    alpha = levels(alpha)
    contrast, saturation = params.contrast / 100.0, params.saturation / 100.0
    reference = backdrop_reference(rgb, alpha)
    if reference is None:
        note = Finding("no_reference", "info", "Too little backdrop is visible to balance colours against.")
        return ColourTransform(contrast=contrast, saturation=saturation), (note,)
    lightness = lab_of(reference)[0]
    if _chroma(reference) > params.neutral_chroma or lightness < _DARK_BACKDROP_L:
        note = Finding("backdrop_not_neutral", "info", "The backdrop is coloured or black: no white reference.")
        return ColourTransform(contrast=contrast, saturation=saturation, reference=reference), (note,)
    linear = to_linear(np.array(reference, np.float64) / 255.0)
    gains = np.ones(3)
    if params.white_balance == "auto_reference":
        level = float(linear @ _LUMA)
        gains = np.clip(level / np.maximum(linear, 1e-4), 1.0 - params.balance_limit, 1.0 + params.balance_limit)
    if params.exposure == "auto" and lightness >= _WHITE_BACKDROP_L:
        gains = gains * _lift(rgb, alpha, float(linear @ _LUMA), params.exposure_limit)
    red, green, blue = (round(float(gain), 4) for gain in gains)
    return ColourTransform((red, green, blue), contrast, saturation, reference, is_balanced=True), ()


def _lift(rgb: RGBArray, alpha: AlphaArray, level: float, limit_ev: float) -> float:
    """Gain that brings a near-white backdrop to L* 97, within the limit and without burning the product out."""
    target = ((_TARGET_L + 16.0) / 116.0) ** 3
    step = max(1, int(np.sqrt(alpha.size / 250_000)))
    thin = np.ascontiguousarray(rgb[::step, ::step])
    brightness = np.maximum(np.maximum(thin[..., 0], thin[..., 1]), thin[..., 2])  # numpy's max over three is slow
    product = brightness[alpha[::step, ::step] >= _NEARLY_SOLID]
    brightest = np.percentile(product, 99.5) / 255.0 if len(product) else 1.0
    room = _HEADROOM / max(float(to_linear(np.array([brightest]))[0]), 1e-3)
    return float(np.clip(min(target / max(level, 1e-3), room), 1.0, 2.0**limit_ev))
