"""What a repeated reject reason says about a preset: one small step of one setting, always within its bounds. Pure.

A step is a proposal for a person to judge, not a truth: it is small on purpose, and the next batch's rejections tell
whether it helped (FBK-01, B42).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from processing.params import ProcessingParams
from reviewapp.enums import RejectReason
from reviewapp.policies.sampling import rejection_interval


@dataclass(frozen=True, slots=True)
class Ladder:
    """Take the next rung above the present value; nothing at the top or when the value isn't on the ladder."""

    path: str
    rungs: tuple[Any, ...]

    def next(self, value: Any) -> Any:
        """Return the next value, or None when there is none."""
        place = self.rungs.index(value) if value in self.rungs else len(self.rungs)
        return self.rungs[place + 1] if place + 1 < len(self.rungs) else None


@dataclass(frozen=True, slots=True)
class Toward:
    """Move a number by at most `step` toward `goal`; nothing once it is there."""

    path: str
    goal: float
    step: float

    def next(self, value: Any) -> Any:
        """Return the next value in the type it had, or None when the goal is reached."""
        gap = self.goal - value
        if abs(gap) < 1e-9:
            return None
        moved = self.goal if abs(gap) <= self.step else value + (self.step if gap > 0 else -self.step)
        return round(moved) if isinstance(value, int) else round(moved, 4)


Step = Ladder | Toward

# The first step that still has somewhere to go is taken.
STEPS: Mapping[RejectReason, tuple[Step, ...]] = {
    RejectReason.EDGE_HALO: (
        Ladder("edge.decontaminate", (False, True)),
        Ladder("edge.refinement", ("low", "medium", "high")),
        Toward("edge.radius_ratio", 0.002, 0.001),
    ),
    RejectReason.EDGE_ROUGH: (
        Ladder("edge.refinement", ("low", "medium", "high")),
        Toward("edge.working_side", 4000, 400),
        Toward("edge.radius_ratio", 0.012, 0.001),
    ),
    RejectReason.PARTIAL_REMOVAL: (
        # Thin parts are lost when the mask is refined too coarsely.
        Toward("edge.working_side", 4000, 400),
        Ladder("edge.refinement", ("low", "medium", "high")),
    ),
    RejectReason.BACKGROUND_LEFT: (
        Ladder("edge.refinement", ("low", "medium", "high")),
        Toward("edge.radius_ratio", 0.002, 0.001),
    ),
    RejectReason.COLOUR_SHIFT: (
        Toward("colour.saturation", 0, 5),
        Toward("colour.contrast", 0, 5),
        Toward("colour.balance_limit", 0.0, 0.05),
        Ladder("colour.white_balance", ("auto_reference", "off")),
    ),
    RejectReason.SHADOW: (
        Toward("shadow.opacity", 0.05, 0.05),
        Ladder("shadow.enabled", (True, False)),
    ),
    RejectReason.CROP_FILL: (
        Ladder("geometry.centring", ("box", "mass")),
        Toward("geometry.fill_ratio", 0.95, 0.02),
    ),
    RejectReason.RESOLUTION: (
        Toward("geometry.max_enlarge", 1.0, 0.25),
        Toward("colour.exposure_limit", 0.0, 0.05),
        Toward("output.quality", 95, 5),
    ),
}


@dataclass(frozen=True, slots=True)
class Draft:
    """A proposed preset: the whole of its parameters and what differs, as [{path, old, new}]."""

    params: dict[str, Any]
    changes: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Judged:
    """One decision in force: its id, whether it rejected, and the reasons it gave."""

    decision_id: int
    is_rejection: bool
    reasons: tuple[str, ...]
    was_blind: bool = True


@dataclass(frozen=True, slots=True)
class ReasonShare:
    """How often a reason was given. `share` = `count` / `decisions`, 0..1; `low`/`high` is its 95 % interval."""

    reason: RejectReason
    count: int
    decisions: int
    share: float
    low: float
    high: float
    decision_ids: tuple[int, ...]


def draft(params: Mapping[str, Any], reason: str) -> Draft | None:
    """Return `params` with one step against `reason`, or None when every step for it is exhausted.

    Raises InputRejected when `params` isn't a valid preset. The result always is one.
    """
    current = ProcessingParams.from_dict(params).to_dict()
    for step in STEPS[RejectReason(reason)]:
        old = read(current, step.path)
        new = step.next(old)
        if new is not None:
            return Draft(replaced(current, step.path, new), [{"path": step.path, "old": old, "new": new}])
    return None


def replaced(params: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy of `params` with the dotted `path` set. Raises InputRejected when that is out of bounds."""
    copy = deepcopy(dict(params))
    *groups, last = path.split(".")
    inner = copy
    for group in groups:
        inner = inner[group]
    inner[last] = value
    return ProcessingParams.from_dict(copy).to_dict()


def read(params: Mapping[str, Any], path: str) -> Any:
    """Return the value at the dotted `path`. Raises KeyError when there is none."""
    value: Any = params
    for part in path.split("."):
        value = value[part]
    return value


def shares(decisions: Sequence[Judged]) -> list[ReasonShare]:
    """Count each reason over `decisions`, most frequent first; a decision counts once per reason. Empty gives []."""
    found: list[ReasonShare] = []
    for reason in RejectReason:
        ids = tuple(one.decision_id for one in decisions if one.is_rejection and reason.value in one.reasons)
        if ids:
            low, high = rejection_interval(len(ids), len(decisions))
            found.append(ReasonShare(reason, len(ids), len(decisions), len(ids) / len(decisions), low, high, ids))
    return sorted(found, key=lambda share: -share.count)


def is_evidence(share: ReasonShare, *, min_count: int, limit: float) -> bool:
    """Say whether a reason is frequent enough to draft a change: at least `min_count` times, and above the share."""
    return share.count >= min_count and share.share > limit
