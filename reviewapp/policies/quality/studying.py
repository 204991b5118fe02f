"""What a study starts from: which settings reasons point at, where to search round, and when it is due. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from types import MappingProxyType
from typing import Any

from processing.params import ProcessingParams
from reviewapp.enums import RejectReason
from reviewapp.policies.learning import read, replaced
from reviewapp.policies.quality.tuning import NUDGES, REACH, nudges

UNSEEN = frozenset({RejectReason.SHADOW})
"""Reasons the score measures nothing of: a search can't help there, the nudge itself goes to the duel."""
SEEN_BY = MappingProxyType({RejectReason.CROP_FILL: "fill_part"})
"""Reasons the score sees with one number only. One version frames all its photos alike, and a channel without a minimum
isn't judged: then the verdicts say nothing about that number, and a search is as blind.
"""
MOST_STARTS = 3
SEARCHED_EACH = 20
"""Photos of each group that a search looks at; the duel has all of them."""


LEAST_MOVES = 3
"""Times that people moved a setting at the desk before it says something of the preset."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a search begins. `starts`: whole presets, the champion's first; `paths`: numbers that may move; `nudge`:
    values the reasons suggest for them.
    """

    starts: tuple[dict[str, Any], ...]
    paths: tuple[str, ...]
    nudge: dict[str, float]


def is_seen(reason: str, slopes: Mapping[str, float]) -> bool:
    """Say whether a fit with these `slopes`, {feature: slope}, can tell better settings from worse for `reason`."""
    one = SEEN_BY.get(RejectReason(reason))
    return reason not in UNSEEN and (one is None or slopes.get(one, 0.0) != 0.0)


def numeric_paths() -> frozenset[str]:
    """Settings that are numbers."""
    return frozenset(line.path for line in ProcessingParams.describe() if line.kind in ("whole", "real"))


def direction(
    reason: str,
    measured: Sequence[Mapping[str, float]],
    fill_target: float,
    moved: Mapping[str, Sequence[float]] = MappingProxyType({}),
    said: Sequence[str] = (),
) -> str:
    """Say which way a reason points; "" when nothing tells it.

    What people said of it, `said`, counts first: at least LEAST_MOVES of them, two thirds of one mind. Else crop: too
    small or too large by the median fill of the rejected photos against the target. Shadow: the way people moved it at
    the desk, `moved` {path: changes of the number}, the median of each.
    """
    spoken = Counter(way for way in said if way).most_common(1)
    if spoken and spoken[0][1] >= max(LEAST_MOVES, sum(bool(way) for way in said) * 2 / 3):
        return spoken[0][0]
    if reason == RejectReason.CROP_FILL:
        fills = [row["fill"] for row in measured if "fill" in row]
        return "" if not fills else "too_small" if median(fills) < fill_target else "too_large"
    if reason == RejectReason.SHADOW:
        darker, softer = (median(moved.get(path) or [0.0]) for path in ("shadow.opacity", "shadow.blur_px"))
        if darker:
            return "too_light" if darker > 0 else "too_dark"
        return "too_hard" if softer > 0 else ""
    return ""


def wished(moved: Mapping[str, Sequence[float]], params: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Return (path, value) of numbers that people moved at the desk at least LEAST_MOVES times: the median of where."""
    numbers = numeric_paths()
    return [
        (path, float(read(params, path)) + median(changes))
        for path, changes in sorted(moved.items())
        if path in numbers and len(changes) >= LEAST_MOVES and median(changes)
    ]


def beginning(
    params: Mapping[str, Any], reasons: Sequence[tuple[str, str]], drafted: Sequence[tuple[str, Any]] = ()
) -> Beginning:
    """Return where to search for `reasons`, (reason, direction) with the most frequent first.

    Each choice (not a number) that the first reason or the draft suggests is a start of its own, one change each;
    numbers they name span the search. A draft, (path, value), is what the page already shows. Raises ValueError for an
    unknown reason, InputRejected for invalid settings.
    """
    numbers = numeric_paths()
    champion = ProcessingParams.from_dict(params).to_dict()
    suggested = [*drafted]
    for reason, way in reasons:
        suggested += nudges(champion, reason, way)
    starts = [champion]
    nudge: dict[str, float] = {}
    for path, value in suggested:
        if path in numbers:
            nudge.setdefault(path, float(value))
        elif len(starts) < MOST_STARTS:
            moved = replaced(champion, path, value)
            starts += [] if moved in starts else [moved]
    named = [move.path for (reason, _), moves in NUDGES.items() if reason in {r for r, _ in reasons} for move in moves]
    paths = tuple(dict.fromkeys(path for path in [*nudge, *named] if path in numbers))
    return Beginning(tuple(starts), paths, nudge)


def with_values(start: Mapping[str, Any], values: Mapping[str, float]) -> dict[str, Any]:
    """Return `start` with numbers set as a search chose them, whole where the setting is whole."""
    params = dict(start)
    for path, value in values.items():
        is_whole = isinstance(read(params, path), int)
        params = replaced(params, path, round(value) if is_whole else round(value, 6))
    return params


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what differs as [{path, old, new}], in form order; [] for equal settings."""
    found = []
    for line in ProcessingParams.describe():
        before, after = read(old, line.path), read(new, line.path)
        if before != after:
            found.append({"path": line.path, "old": before, "new": after})
    return found


def largest_step(old: Mapping[str, Any], new: Mapping[str, Any]) -> float:
    """Return the largest move of a number as a share of its range, 0..1. A choice moves one rung: it counts REACH."""
    lines = {line.path: line for line in ProcessingParams.describe()}
    steps = [0.0]
    for change in changes(old, new):
        line = lines[change["path"]]
        if line.kind in ("whole", "real") and line.high is not None and line.low is not None and line.high > line.low:
            steps.append(abs(change["new"] - change["old"]) / (line.high - line.low))
        else:
            steps.append(REACH)
    return max(steps)
