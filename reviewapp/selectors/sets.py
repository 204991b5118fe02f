"""A batch as a set: how alike its results look, who stands out, what its files have in common (QC-16, 17, 35)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
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
from reviewapp.policies import standing_out as policy

MOST = 2_000
"""So many of the newest results are looked at; a batch may have more."""
_FILE = "file_size"
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
    found = _read(batch)
    rows = found[:MOST]
    groups = _groups(rows)
    looks = [look for group in groups.values() for look in group.values()]
    return SetReport(
        photos=len(rows),
        measured=len(looks),
        is_cut=len(found) > MOST,
        consistency=measure_consistency(looks) if len(looks) > 1 else None,
        groups=_scores(groups),
        compared=sum(len(group) for group in groups.values() if len(group) >= SMALLEST_FOR_ROBUST),
        outliers=_outliers(rows, groups),
        shared=_shared(rows),
    )


def for_people(batch: Batch) -> Mapping[int, tuple[Anomaly, ...]]:
    """Who of the report's outliers a person looks at before they ship, and by what, in one query (REV-18).

    A look counts where its shoot group is a set, a file size where the whole batch is one.
    """
    rows = _read(batch)[:MOST]
    groups = _groups(rows)
    outliers = _outliers(rows, groups)
    odd = {one.member.pk for one in outliers if any(found.what != _FILE for found in one.anomalies)}
    sets = [group for group in groups.values() if _is_set(group, odd)]
    trusted = {int(key) for group in sets for key in group}
    usual = median(sizes) if (sizes := [row["bytes"] for row in rows if row["bytes"]]) else 0
    is_whole = _is_set({key: look for group in groups.values() for key, look in group.items()}, odd)

    def counts(pk: int, found: Anomaly) -> bool:
        return (is_whole if found.what == _FILE else pk in trusted) and policy.is_far(found, usual)

    kept = {one.member.pk: tuple(found for found in one.anomalies if counts(one.member.pk, found)) for one in outliers}
    return {pk: anomalies for pk, anomalies in kept.items() if anomalies}


def _is_set(group: Mapping[str, Look], odd: Collection[int]) -> bool:
    return policy.is_set(len(group), [look for key, look in group.items() if int(key) not in odd])


def _read(batch: Batch) -> list[dict[str, Any]]:
    """Up to one more than MOST results, the newest first."""
    assets = batch.assets.filter(current_run__isnull=False).exclude(state__in=_NO_RESULT).order_by("-pk")
    return [dict(zip(_READ, row, strict=True)) for row in assets.values_list(*_READ.values())[: MOST + 1]]


def _member(row: Mapping[str, Any]) -> Member:
    return Member(row["pk"], row["sku"] or row["filename"])


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


def _outliers(rows: Sequence[Mapping[str, Any]], groups: Mapping[str, Mapping[str, Look]]) -> tuple[Outlier, ...]:
    sizes = {str(row["pk"]): int(row["bytes"]) for row in rows if row["bytes"]}
    anomalies = [one for group in groups.values() for one in look_anomalies(group)]
    by_key: dict[str, list[Anomaly]] = defaultdict(list)
    for one in [*anomalies, *file_size_anomalies(sizes)]:
        by_key[one.key].append(one)
    members = {str(row["pk"]): _member(row) for row in rows}
    found = [Outlier(members[key], tuple(sorted(own, key=lambda one: -abs(one.z)))) for key, own in by_key.items()]
    return tuple(sorted(found, key=lambda one: (-abs(one.anomalies[0].z), one.member.pk)))


def _shared(rows: Sequence[Mapping[str, Any]]) -> tuple[Shared, ...]:
    files = {str(row["pk"]): _properties(row) for row in rows}
    members = {str(row["pk"]): _member(row) for row in rows}
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
