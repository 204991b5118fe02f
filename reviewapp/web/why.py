"""Why a photo has its score, for the viewer: what cost points or was mended, and where, in pixels of `after`.

Only the assisted queue and the image page may have it; nothing here is called for a blind page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from processing.quality.places import COLOUR_LEVELS, colour_levels, places
from reviewapp.models import ProcessingRun, QualityReport
from reviewapp.templatetags.softproof import measure_words

MOST_FLAGS = 40
IDENTITY = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
GROUPS: dict[str, Any] = {
    "white": _("Off-white"),
    "fringe": _("Halo and fringe"),
    "edge": _("Edge"),
    "product": _("Product"),
    "leftover": _("Leftovers"),
    "mended": _("Cleared"),
    "fill": _("Fill box"),
    "colour": _("Colour"),
}
_GROUP_OF = {
    **dict.fromkeys(("compliance_rate", "off_white"), "white"),
    **dict.fromkeys(("fringe", "halo", "stray"), "fringe"),
    **dict.fromkeys(("holes", "lost", "content", "detail", "content_loss"), "product"),
    **dict.fromkeys(("leftover", "leftover_beside", "specks", "remains"), "leftover"),
    **dict.fromkeys(("mended",), "mended"),
    **dict.fromkeys(("fill",), "fill"),
    **dict.fromkeys(("colour_spot", "colour_shift", "residual_cast", "white_reference"), "colour"),
}
_BY_PART = {"background": "white", "edge": "edge", "fill": "fill", "colour": "colour", "gate": "leftover"}


@dataclass(frozen=True, slots=True)
class _Spot:
    """One flagged place: its box in the scored frame, what it is, what it cost."""

    box: tuple[float, float, float, float]
    name: str
    group: str
    lost: float


def why(run: ProcessingRun, quality: QualityReport) -> dict[str, Any]:
    """What cost points (`measures`, dearest first), the layers to draw (`groups`) and the places in order of loss."""
    size = (run.scored_width or run.after_width, run.scored_height or run.after_height)
    found = {place.name: place for place in places(quality.label_map, size)}
    spots = _spots(quality, found)
    groups = [
        _group(key, [place.path for name, place in found.items() if _group_of(name) == key], spots, quality)
        for key in GROUPS
    ]
    levels = colour_levels(quality.colour_map, size)
    return {
        "size": list(size),
        "matrix": _css(run.scored_matrix or IDENTITY),
        "groups": [group for group in groups if group["count"] or group["paths"] or group["lost"]],
        "colours": [{"from": low, "path": path} for low, path in zip(COLOUR_LEVELS, levels, strict=False) if path],
        "fill": _fill(quality),
        "measures": _measures(quality, spots),
        "flags": [_flag(spot, run.scored_matrix or IDENTITY) for spot in spots[:MOST_FLAGS]],
    }


def _group_of(name: str, part: str = "edge") -> str:
    return _GROUP_OF.get(name, _BY_PART.get(part, "edge"))


def _css(matrix: list[float]) -> list[float]:
    a, b, c, d, e, f = matrix
    return [a, d, b, e, c, f]


def _spots(quality: QualityReport, found: dict[str, Any]) -> list[_Spot]:
    """Every place of every measure that cost something, the dearest first, and what was mended; a place's share goes by
    its area."""
    spots = []
    for row in _costly(quality):
        name, lost = row["name"], row.get("lost", 0.0)
        place = found.get("leftover" if name in ("remains", "leftover_beside") else name)
        boxes = [tuple(box) for box in row["where"]] if place is None else list(place.boxes)
        if name == "compliance_rate":
            boxes = [(point["x"], point["y"], 1, 1) for point in quality.failures]
        areas = list(place.areas) if place is not None and name != "compliance_rate" else [1] * len(boxes)
        group = _group_of(name, row["part"])
        spots += [_Spot(box, name, group, lost * area / sum(areas)) for box, area in zip(boxes, areas, strict=True)]
    return sorted(spots, key=lambda spot: -spot.lost)


def _costly(quality: QualityReport) -> list[dict[str, Any]]:
    return [row for row in quality.measures if row.get("lost") or row["passed"] is False or row["name"] == "mended"]


def _group(key: str, paths: list[str], spots: list[_Spot], quality: QualityReport) -> dict[str, Any]:
    own = [spot for spot in spots if spot.group == key]
    lost = sum(row.get("lost", 0.0) for row in quality.measures if _group_of(row["name"], row["part"]) == key)
    return {
        "key": key,
        "label": str(GROUPS[key]),
        "count": len(own),
        "lost": round(lost, 1),
        "paths": paths,
        "boxes": [] if key == "fill" else [list(spot.box) for spot in own],
    }


def _measures(quality: QualityReport, spots: list[_Spot]) -> list[dict[str, Any]]:
    rows = sorted(_costly(quality), key=lambda row: -row.get("lost", 0.0))
    first: dict[str, int] = {}
    for at, spot in enumerate(spots[:MOST_FLAGS]):
        first.setdefault(spot.name, at)
    return [
        {
            "name": measure_words(row["name"]),
            "value": round(row["value"], 4),
            "unit": row["unit"],
            "limit": row["threshold"],
            "lost": round(row.get("lost", 0.0), 1),
            "group": _group_of(row["name"], row["part"]),
            "flag": first.get(row["name"]),
        }
        for row in rows
    ]


def _flag(spot: _Spot, matrix: list[float]) -> dict[str, Any]:
    """A place in pixels of `after`, with the words that name it."""
    a, _b, c, _d, e, f = matrix
    x, y, width, height = spot.box
    box = [round(a * x + c), round(e * y + f), max(1, round(a * width)), max(1, round(e * height))]
    return {"box": box, "words": measure_words(spot.name), "group": spot.group, "lost": round(spot.lost, 1)}


def _fill(quality: QualityReport) -> dict[str, Any] | None:
    """The product's box, and the box that would reach the target: the same middle, every side longer."""
    row = next((row for row in quality.measures if row["name"] == "fill" and row["where"]), None)
    if row is None or not row["threshold"] or not row["value"]:
        return None
    x, y, width, height = row["where"][0]
    by = row["threshold"] / row["value"]
    target = [x - width * (by - 1) / 2, y - height * (by - 1) / 2, width * by, height * by]
    return {
        "measured": [x, y, width, height],
        "target": [round(value, 1) for value in target],
        "share": row["value"],
        "limit": row["threshold"],
    }
