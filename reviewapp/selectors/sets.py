"""A batch as a set: how alike its results look, who stands out, what its files have in common (QC-16, 17, 35)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from processing.quality.consistency import (
    SMALLEST_FOR_ROBUST,
    Anomaly,
    Consistency,
    file_size_anomalies,
    look_anomalies,
    measure_consistency,
)
from processing.quality.uniformity import set_report
from processing.types import Look
from reviewapp.enums import AssetState
from reviewapp.models import Batch

MOST = 2_000
"""So many of the newest results are looked at; a batch may have more."""
_NO_RESULT = (AssetState.REJECTED_INTAKE, AssetState.DUPLICATE, AssetState.FAILED, AssetState.CANCELLED)
_READ = {
    "pk": "pk", "sku": "sku", "filename": "filename", "group": "shoot_group",
    "width": "width", "height": "height", "format": "format", "profile": "icc_profile", "camera": "camera",
    "look": "current_run__look", "bytes": "current_run__after_bytes", "result_format": "current_run__after_format",
    "result_width": "current_run__after_width", "result_height": "current_run__after_height",
    "white": "current_run__quality__background_status",
}  # fmt: skip
"""Name here -> field."""
PROPERTIES = ("result_size", "result_format", "white", "photo_size", "photo_format", "profile", "camera")


@dataclass(frozen=True, slots=True)
class Member:
    """A photo of the set as lists name it."""

    pk: int
    name: str


@dataclass(frozen=True, slots=True)
class Outlier:
    """A photo that stands out and by what, the farthest first."""

    member: Member
    anomalies: tuple[Anomaly, ...]


@dataclass(frozen=True, slots=True)
class Shared:
    """One property of the files: the value most have, how many have it, and who has which other one."""

    name: str
    usual: str
    agreeing: int
    others: tuple[tuple[Member, str], ...]

    @property
    def kinds(self) -> int:
        """How many different values there are."""
        return 1 + len({value for _, value in self.others})


@dataclass(frozen=True, slots=True)
class GroupScore:
    """A shoot group by itself: `score` 0..100."""

    name: str
    photos: int
    score: float


@dataclass(frozen=True, slots=True)
class SetReport:
    """`photos`: results looked at, `measured`: those whose look is known, `is_cut`: there are more than MOST.

    `consistency` is None below two looks. `compared`: how many photos could have stood out by their look.
    """

    photos: int
    measured: int
    is_cut: bool
    consistency: Consistency | None
    groups: tuple[GroupScore, ...]
    compared: int
    outliers: tuple[Outlier, ...]
    shared: tuple[Shared, ...]


def report_of(batch: Batch) -> SetReport:
    """Hold the batch's current results against each other, in one query.

    Looks are compared within a shoot group; photos without one are a group of their own. File sizes are those of the
    first channel's delivered files, over the whole batch.
    """
    assets = batch.assets.filter(current_run__isnull=False).exclude(state__in=_NO_RESULT).order_by("-pk")
    found = [dict(zip(_READ, row, strict=True)) for row in assets.values_list(*_READ.values())[: MOST + 1]]
    rows = found[:MOST]
    members = {str(row["pk"]): Member(row["pk"], row["sku"] or row["filename"]) for row in rows}
    groups = _groups(rows)
    looks = [look for group in groups.values() for look in group.values()]
    sizes = {str(row["pk"]): int(row["bytes"]) for row in rows if row["bytes"]}
    anomalies = [one for group in groups.values() for one in look_anomalies(group)]
    return SetReport(
        photos=len(rows),
        measured=len(looks),
        is_cut=len(found) > MOST,
        consistency=measure_consistency(looks) if len(looks) > 1 else None,
        groups=_scores(groups),
        compared=sum(len(group) for group in groups.values() if len(group) >= SMALLEST_FOR_ROBUST),
        outliers=_outliers([*anomalies, *file_size_anomalies(sizes)], members),
        shared=_shared(rows, members),
    )


def _groups(rows: Iterable[Mapping[str, Any]]) -> Mapping[str, Mapping[str, Look]]:
    groups: dict[str, dict[str, Look]] = defaultdict(dict)
    for row in rows:
        if row["look"]:
            groups[row["group"]][str(row["pk"])] = Look(**row["look"])
    return groups


def _scores(groups: Mapping[str, Mapping[str, Look]]) -> tuple[GroupScore, ...]:
    """The named groups of at least two, the least alike first."""
    found = [
        GroupScore(name, len(looks), measure_consistency(list(looks.values())).score)
        for name, looks in groups.items()
        if name and len(looks) > 1
    ]
    return tuple(sorted(found, key=lambda one: (one.score, one.name)))


def _outliers(anomalies: Iterable[Anomaly], members: Mapping[str, Member]) -> tuple[Outlier, ...]:
    by_key: dict[str, list[Anomaly]] = defaultdict(list)
    for one in anomalies:
        by_key[one.key].append(one)
    found = [Outlier(members[key], tuple(sorted(own, key=lambda one: -abs(one.z)))) for key, own in by_key.items()]
    return tuple(sorted(found, key=lambda one: (-abs(one.anomalies[0].z), one.member.pk)))


def _shared(rows: Iterable[Mapping[str, Any]], members: Mapping[str, Member]) -> tuple[Shared, ...]:
    files = {str(row["pk"]): _properties(row) for row in rows}
    return tuple(
        Shared(
            one.name,
            one.usual,
            len(files) - len(one.others),
            tuple((members[key], value) for key, value in sorted(one.others.items(), key=lambda item: int(item[0]))),
        )
        for one in set_report(files, PROPERTIES)
        if files
    )


def _properties(row: Mapping[str, Any]) -> dict[str, str]:
    return {
        "result_size": _px(row["result_width"], row["result_height"]),
        "result_format": row["result_format"],
        "white": row["white"] or "",
        "photo_size": _px(row["width"], row["height"]),
        "photo_format": row["format"],
        "profile": row["profile"],
        "camera": row["camera"],
    }


def _px(width: int, height: int) -> str:
    return f"{width} × {height} px" if width and height else ""
