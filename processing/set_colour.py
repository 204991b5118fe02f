"""One look for a set: exposures of a batch toward its middle, one correction per SKU (PRO-08, PRO-13)."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from processing.colour import ColourTransform, backdrop_reference, lab_of, to_linear
from processing.errors import InputRejected
from processing.quality.difference import delta_e_2000
from processing.types import JsonMixin, MaskArray, RGBArray

LIMIT_EV = 0.5
_LUMA = np.array([0.2126, 0.7152, 0.0722])
_DARKEST = 0.01  # linear light of a backdrop below which it tells nothing of the exposure


@dataclass(frozen=True, slots=True)
class SetPlan(JsonMixin):
    """What one picture gets: its correction, its exposure offset in EV, and how far the set's way moves its backdrop.

    `delta` is CIEDE2000 between the backdrop under its own correction and under the shared one, exposure offset left
    out; None without a backdrop.
    """

    transform: ColourTransform
    offset_ev: float = 0.0
    delta: float | None = None


def exposure_level(rgb: RGBArray, alpha: MaskArray) -> float | None:
    """Return log2 of the lit backdrop's linear luminance, EV; None where too little of it is seen or it is black.

    The backdrop and not the product: a black shoe among white ones is not underexposed.
    """
    reference = backdrop_reference(rgb, alpha)
    if reference is None:
        return None
    light = float(to_linear(np.array(reference, np.float64) / 255.0) @ _LUMA)
    return math.log2(light) if light >= _DARKEST else None


def plan_exposures(levels: Mapping[str, float | None], limit_ev: float = LIMIT_EV) -> dict[str, float]:
    """Return one offset in EV per picture that brings its level to the batch's median, never by more than `limit_ev`.

    The median is that of an actual picture (the lower of two in the middle), which stays as it is. A picture without a
    level gets 0. Raises InputRejected(code="invalid_parameter") for a negative limit.
    """
    if not 0.0 <= limit_ev <= 4.0:
        raise InputRejected(f"limit_ev is {limit_ev:g}; allowed is 0 to 4.", code="invalid_parameter")
    known = [level for level in levels.values() if level is not None]
    if not known:
        return dict.fromkeys(levels, 0.0)
    middle = statistics.median_low(known)
    return {
        key: 0.0 if level is None else max(-limit_ev, min(limit_ev, middle - level)) for key, level in levels.items()
    }


def shared_transform(transforms: Sequence[ColourTransform]) -> ColourTransform:
    """Return the one correction for the variants of a SKU: the median of what each would get by itself, field by field.

    A matrix or curves belong to the whole shoot: they must be equal in all, else InputRejected(code="set_disagrees").
    """
    if not transforms:
        raise InputRejected("A set without pictures has no correction.", code="set_disagrees")
    first = transforms[0]
    if any((one.matrix, one.curves) != (first.matrix, first.curves) for one in transforms):
        raise InputRejected("Pictures of one set have different card matrices or curves.", code="set_disagrees")
    balanced = [one for one in transforms if one.is_balanced] or list(transforms)
    red, green, blue = (round(statistics.median(one.gains[channel] for one in balanced), 6) for channel in range(3))
    seen = [one.reference for one in balanced if one.reference is not None]
    reference = None
    if seen:
        middle = [round(statistics.median(colour[channel] for colour in seen)) for channel in range(3)]
        reference = (middle[0], middle[1], middle[2])
    return replace(
        first,
        gains=(red, green, blue),
        contrast=statistics.median(one.contrast for one in balanced),
        saturation=statistics.median(one.saturation for one in balanced),
        reference=reference,
        is_balanced=any(one.is_balanced for one in transforms),
    )


def plan_set(
    own: Mapping[str, ColourTransform], sku_of: Mapping[str, str], *, limit_ev: float = LIMIT_EV
) -> dict[str, SetPlan]:
    """Plan a batch: `own` corrections by key (with the backdrop each measured), and the SKU of each key ("" = none).

    Variants of one SKU get one gains, contrast and saturation. Then each picture gets the exposure offset that brings
    its backdrop, as corrected so far, to the batch's median; `limit_ev` 0 leaves exposures alone. A picture keeps its
    own backdrop as `reference`, since that is what was measured in it.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for key in own:
        groups[sku_of.get(key, "") or f"\0{key}"].append(key)
    given = {}
    for keys in groups.values():
        shared = shared_transform([own[key] for key in keys]) if len(keys) > 1 else own[keys[0]]
        for key in keys:
            given[key] = replace(shared, reference=own[key].reference, is_balanced=own[key].is_balanced)
    offsets = plan_exposures({key: _level_after(transform) for key, transform in given.items()}, limit_ev)
    return {key: SetPlan(given[key].exposed(offsets[key]), offsets[key], _delta(own[key], given[key])) for key in own}


def _level_after(transform: ColourTransform) -> float | None:
    """Log2 of the backdrop's linear luminance after matrix and gains; None for a coloured, black or unseen backdrop."""
    if transform.reference is None or not transform.is_balanced:
        return None
    light = to_linear(np.array(transform.reference, np.float64) / 255.0)
    if transform.matrix:
        light = np.reshape(transform.matrix, (3, 3)) @ light
    level = float((light * np.array(transform.gains)) @ _LUMA)
    return math.log2(level) if level >= _DARKEST else None


def _delta(own: ColourTransform, given: ColourTransform) -> float | None:
    if own.reference is None:
        return None
    backdrop = np.array([own.reference], np.uint8)
    return round(float(delta_e_2000(lab_of(own.apply(backdrop)[0]), lab_of(given.apply(backdrop)[0]))), 3)
