"""What the photos of one run are as a set: how alike they look, who stands out, and what would bring them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from processing import convention
from processing.colour import ColourTransform
from processing.geometry import halved
from processing.phash import near_duplicates, perceptual_hash
from processing.pipeline import Made
from processing.quality.consistency import file_size_anomalies, look_anomalies, look_of, measure_consistency
from processing.set_colour import SetPlan, plan_set
from processing.types import Look

_HASHED_SIDE = 1000


def facts_of(made: Made, byte_size: int) -> dict[str, Any]:
    """Return what a set needs to know of one photo, plain JSON: its look, hash, correction and file size."""
    look = look_of(made.frame, made.framed.matte)
    return {
        "look": None if look is None else look.to_dict(),
        "phash": perceptual_hash(halved(made.before, _HASHED_SIDE)),
        "correction": made.cut.transform.to_dict(),
        "bytes": byte_size,
    }


def report_on(facts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the set's report from `facts_of` each photo by name: plain JSON.

    `consistency` (QC-17), `outliers` of looks and file sizes (QC-16, QC-35), `near_duplicates` with the bits apart,
    `plan`: the correction that would bring exposures and the variants of one SKU together (PRO-08, PRO-13). The SKU is
    that of a name by the convention; a photo with another name is a product of its own.
    """
    looks = {name: Look(**one["look"]) for name, one in facts.items() if one["look"]}
    consistency = measure_consistency(list(looks.values()))
    outliers = [*look_anomalies(looks), *file_size_anomalies({name: int(one["bytes"]) for name, one in facts.items()})]
    planned = plan_of(facts)
    return {
        "photos": len(facts),
        "consistency": {**consistency.to_dict(), "score": consistency.score},
        "outliers": [{"file": one.key, "value": one.value, "z": one.z, "reason": one.reason} for one in outliers],
        "near_duplicates": _pairs(near_duplicates({name: str(one["phash"]) for name, one in facts.items()})),
        "plan": {
            name: {"offset_ev": round(one.offset_ev, 3), "delta": one.delta, "gains": list(one.transform.gains)}
            for name, one in planned.items()
        },
    }


def plan_of(facts: Mapping[str, Mapping[str, Any]]) -> dict[str, SetPlan]:
    """Return what would bring the set together, by name; nothing where every photo was bent to a reference picture.

    Those have curves of their own, and no one correction for two variants.
    """
    own = {name: ColourTransform.from_dict(one["correction"]) for name, one in facts.items()}
    if any(one.curves for one in own.values()):
        return {}
    return plan_set(own, {name: _sku(name) for name in facts})


def _sku(name: str) -> str:
    parts = convention.parse(name.rsplit("/", 1)[-1])
    return "" if parts is None else parts.id


def _pairs(found: Sequence[tuple[str, str, int]]) -> list[dict[str, Any]]:
    return [{"files": [first, second], "bits_apart": bits} for first, second, bits in found]
