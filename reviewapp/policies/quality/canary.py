"""A new preset on a share of the traffic, all of it reviewed, until it is promoted or rolled back by itself. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import log
from typing import Any

from scipy import special

from reviewapp.policies.quality.bounds import counted
from reviewapp.policies.quality.cusum import Cusum
from reviewapp.policies.quality.order import share_of

SHARE = 0.10
GOOD, BAD, LIMIT = 0.01, 0.05, 5.7
"""Defect rates the watch tells apart, and where it alarms: `cusum.calibrated_limit` for 1 % false alarms in 3,000 good
pictures (0.6 % defective); ln 200 = 5.3 gives 1.6 %.
"""
TRIP_DROP, TRIP_LIMIT = 0.10, log(2000.0)
"""The trip-wire needs no labels: the share of scores at or above the threshold drops by 10 points."""
PROMOTE_LOOKS, PROMOTE_DOUBT = 100, 0.10
DAYS_BETWEEN, IMAGES_BETWEEN = 7, 1000


def is_in_canary(seed_hex: str, unit_id: str, share: float = SHARE) -> bool:
    """Say whether a lot (or picture) is in the canary: fixed by seed and id, about `share` of all."""
    return share_of(seed_hex, unit_id) < share


@dataclass(frozen=True, slots=True)
class Activation:
    """A person's act that puts a preset version on the canary. Raises ValueError without a person, evidence or
    parent.
    """

    version_id: int
    parent_id: int
    admin_id: int
    evidence: Mapping[str, Any]

    def __post_init__(self) -> None:
        if not self.admin_id or not self.parent_id or not self.evidence:
            raise ValueError("An activation needs a person, evidence and the version it came from.")


@dataclass(frozen=True, slots=True)
class Canary:
    """One running canary: what was looked at, its watch, its trip-wire, and its state.

    `champion_rate`: found defect rate of the parent, 0..1. States: running, promoted, rolled_back. `current_id` is the
    version the next lot gets outside the canary share.
    """

    activation: Activation
    champion_rate: float
    looks: int = 0
    finds: int = 0
    watch: Cusum = field(default_factory=lambda: Cusum(GOOD, BAD, LIMIT))
    trip: Cusum | None = None
    state: str = "running"
    why: str = ""

    @property
    def current_id(self) -> int:
        """The version of the next ordinary lot: the parent unless this one was promoted."""
        return self.activation.version_id if self.state == "promoted" else self.activation.parent_id


def started(activation: Activation, champion_rate: float, champion_passing: float) -> Canary:
    """Return a canary that runs. `champion_passing`: the parent's share of scores at or above the threshold, 0..1.

    The watch's good rate rises with a champion that is worse than 1 %: it must not alarm on what is there already. No
    trip-wire where a drop of 10 points is impossible.
    """
    good = max(GOOD, champion_rate)
    watch = Cusum(good, min(0.95, max(BAD, good * 1.5 + 0.04)), LIMIT)
    failing = max(0.005, 1.0 - champion_passing)
    trip = Cusum(failing, failing + TRIP_DROP, TRIP_LIMIT) if failing + TRIP_DROP < 1.0 else None
    return Canary(activation, champion_rate, watch=watch, trip=trip)


def judged(canary: Canary, is_bad: bool, passes_threshold: bool = True) -> Canary:
    """Return the canary after one of its pictures was judged; a rollback happens here, by itself.

    Nothing changes once it has ended.
    """
    if canary.state != "running":
        return canary
    watch = canary.watch.seen([is_bad])
    trip = None if canary.trip is None else canary.trip.seen([not passes_threshold])
    after = replace(canary, looks=canary.looks + 1, finds=canary.finds + is_bad, watch=watch, trip=trip)
    if watch.is_alarm:
        return replace(
            after, state="rolled_back", why=f"{after.finds} of {after.looks} canary pictures were defective."
        )
    if trip is not None and trip.is_alarm:
        return replace(after, state="rolled_back", why="Far fewer scores reach the threshold than before.")
    return after


def missed(canary: Canary, passes_threshold: bool = False) -> Canary:
    """Return the canary after one of its pictures went on without a look (an editor has it): the trip-wire sees it."""
    if canary.state != "running" or canary.trip is None:
        return canary
    after = replace(canary, trip=canary.trip.seen([not passes_threshold]))
    if after.trip is not None and after.trip.is_alarm:
        return replace(after, state="rolled_back", why="Far fewer scores reach the threshold than before.")
    return after


def tick(canary: Canary) -> Canary:
    """Return the canary promoted, if it has earned it: at least 100 looks and P(Bin(n, p_champion) >= x) > 0.10.

    With as many looks and less than that it is rolled back. Fewer looks: it runs on.
    """
    if canary.state != "running" or canary.looks < PROMOTE_LOOKS:
        return canary
    if no_worse(canary.finds, canary.looks, canary.champion_rate):
        return replace(
            canary, state="promoted", why=f"{canary.finds} of {canary.looks} defective: no worse than before."
        )
    return replace(canary, state="rolled_back", why=f"{canary.finds} of {canary.looks} defective: worse than before.")


def no_worse(finds: int, looks: int, champion_rate: float) -> bool:
    """Say whether `finds` in `looks` are credible at the champion's rate: P(Bin(looks, rate) >= finds) > 0.10.

    True without looks. Raises ValueError for impossible counts.
    """
    counted(finds, looks)
    tail = 1.0 if finds == 0 else 1.0 - float(special.bdtr(finds - 1, looks, champion_rate))
    return tail > PROMOTE_DOUBT


@dataclass(frozen=True, slots=True)
class Situation:
    """What is going on in a category when somebody wants to activate a version."""

    canary_is_running: bool = False
    hold_is_open: bool = False
    reviewer_alarm_is_open: bool = False
    score_version_changed: bool = False
    preset_is_locked: bool = False
    days_since_activation: float = float("inf")
    images_since_activation: float = float("inf")
    largest_step: float = 0.0


def refusal(situation: Situation, largest_allowed_step: float = 0.15) -> str | None:
    """Return the sentence why nothing may be activated now, or None when it may (the limits against running away)."""
    reasons = (
        (situation.preset_is_locked, "This preset is locked."),
        (situation.canary_is_running, "A canary is already running in this category."),
        (situation.hold_is_open, "A lot of this category is on hold."),
        (situation.reviewer_alarm_is_open, "A reviewer's figures are in question; their looks come first."),
        (situation.score_version_changed, "The score has a new version: evidence must be made again."),
        (
            situation.largest_step > largest_allowed_step + 1e-9,
            "A step moves a setting by at most 15 % of its range.",
        ),
        (
            situation.days_since_activation < DAYS_BETWEEN and situation.images_since_activation < IMAGES_BETWEEN,
            f"The last activation is less than {DAYS_BETWEEN} days and {IMAGES_BETWEEN} pictures ago.",
        ),
    )
    return next((sentence for is_so, sentence in reasons if is_so), None)
