"""How alike the finished pictures of a set are: a score of 0 to 100 (QC-17) and a list of what differs (QC-35)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from processing.colour import lab_of, to_linear
from processing.quality.difference import delta_e_2000
from processing.types import JsonMixin, MaskArray, RGBArray

COLOUR_ZERO = 10.0
"""Mean CIEDE2000 from the set's middle colour at which colour consistency is worth nothing."""
EXPOSURE_ZERO = 1.0
"""Standard deviation of exposure, EV, at which exposure consistency is worth nothing."""
SIZE_ZERO = 0.20
"""Standard deviation of the product's share of the frame at which size consistency is worth nothing."""
_LUMA = np.array([0.2126, 0.7152, 0.0722])
_LEAST_PIXELS = 100


@dataclass(frozen=True, slots=True)
class Look:
    """One picture as its set sees it.

    `cast`: L*, a*, b* of what should be alike in all, usually the backdrop after correction. `level_ev`: log2 of its
    linear luminance. `fill`: product's longest side as a share of the frame. `style`: what it was made with (preset,
    channel, pipeline), compared as it stands.
    """

    cast: tuple[float, float, float]
    level_ev: float
    fill: float
    style: str


@dataclass(frozen=True, slots=True)
class Consistency(JsonMixin):
    """Four shares of 0..100 and their mean; `farthest` names the picture whose colour is farthest from the middle."""

    colour: float
    exposure: float
    size: float
    style: float
    overall: float
    farthest: str = ""


@dataclass(frozen=True, slots=True)
class Uniformity(JsonMixin):
    """One property of a set: whether all agree, the value most have, and who has another (key -> value)."""

    name: str
    is_uniform: bool
    usual: str
    others: Mapping[str, str]


def look_at(rgb: RGBArray, alpha: MaskArray, fill: float, style: str) -> Look | None:
    """Return the look of a corrected picture (H, W, 3) uint8 with its backdrop in it; None if too little shows."""
    outside = rgb[alpha <= 0.0]
    if len(outside) < _LEAST_PIXELS:
        return None
    middle = np.median(outside, axis=0)
    level = float(to_linear(middle / 255.0) @ _LUMA)
    lightness, a, b = lab_of(middle)
    return Look((lightness, a, b), float(np.log2(max(level, 1e-4))), fill, style)


def consistency_of(looks: Mapping[str, Look]) -> Consistency:
    """Return the set's consistency (QC-17; seed 000 L612-625 names the four metrics, the ramps are ours).

    Each falls in a straight line from 100, all equal, to 0 at the constants above; style is the share of the commonest.
    One picture, or none, is consistent with itself: 100.
    """
    if len(looks) < 2:
        return Consistency(100.0, 100.0, 100.0, 100.0, 100.0)
    keys = list(looks)
    casts = np.array([looks[key].cast for key in keys], np.float64)
    away = delta_e_2000(casts, np.median(casts, axis=0)[None])
    parts = (
        _falling(float(away.mean()), COLOUR_ZERO),
        _falling(float(np.std([look.level_ev for look in looks.values()])), EXPOSURE_ZERO),
        _falling(float(np.std([look.fill for look in looks.values()])), SIZE_ZERO),
        100.0 * Counter(look.style for look in looks.values()).most_common(1)[0][1] / len(looks),
    )
    overall = round(float(np.mean(parts)), 2)
    colour, exposure, size, style = (round(part, 2) for part in parts)
    return Consistency(colour, exposure, size, style, overall, keys[int(away.argmax())] if away.max() > 0 else "")


def _falling(value: float, zero_at: float) -> float:
    return 100.0 * max(0.0, 1.0 - value / zero_at)


def set_report(files: Mapping[str, Mapping[str, str]], names: Sequence[str]) -> tuple[Uniformity, ...]:
    """Say for each property in `names` (size, format, profile, texts, compliance ...) whether all files agree (QC-35).

    `files`: what each file is, by key. A file without the property counts as "". Of two equally common values the first
    in the alphabet is the usual one, so that a report doesn't depend on order. No files: all uniform.
    """
    report = []
    for name in names:
        values = {key: file.get(name, "") for key, file in files.items()}
        ranked = sorted(Counter(values.values()).items(), key=lambda item: (-item[1], item[0]))
        usual = ranked[0][0] if ranked else ""
        others = {key: value for key, value in sorted(values.items()) if value != usual}
        report.append(Uniformity(name, not others, usual, others))
    return tuple(report)
