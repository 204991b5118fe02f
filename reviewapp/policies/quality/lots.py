"""One lot from its plan to its release: what to look at next, and when it ships, holds or is done again. Pure.

A lot is what one batch shipped by score alone in one scope. The app stores a `LotPlan` before the first look and calls
`record_look`, `adjudicate` and `close_lot`; a simulation that needs only counts calls `decide`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from types import MappingProxyType

from reviewapp.policies.quality.bounds import defects_upper
from reviewapp.policies.quality.certificate import ClosedLot
from reviewapp.policies.quality.plans import (
    LONE_FIND_LOOKS,
    Inspected,
    after_inspection,
    expanding,
    hold_limit,
    jump_guard,
)
from reviewapp.policies.sampling import sample_size, should_pause

LEARN, CERTIFIED, SIMPLE = "learn", "certified", "simple"
LEAST_MERGED, MERGE_WITHIN_H = 150, 24.0


@dataclass(frozen=True, slots=True)
class LotPlan:
    """What was promised before the first look; never changed. `first`: looks that are made whatever they find.

    `boundaries`: of the expanding audit (all of the lot after the last); `hold_at`: finds in `first` that stop a
    certified scope's lot; `pi_cert`: first / size, 0..1; `order_seed_hash`: SHA-256 of the seed of the order;
    `reason`: in words.
    """

    mode: str
    size: int
    first: int
    boundaries: tuple[int, ...]
    hold_at: int
    pi_cert: float
    alpha: float
    delta: float
    sensitivity: float
    order_seed_hash: str
    reason: str


@dataclass(frozen=True, slots=True)
class Promise:
    """At most `alpha` escapes, wrong with probability `delta`: an admin's choice. `sensitivity` s_L comes from gold."""

    alpha: float = 0.02
    delta: float = 0.05
    sensitivity: float = 0.85


def learn_plan(size: int, seed_hash: str, promise: Promise, reason: str = "") -> LotPlan:
    """Plan an expanding audit: this lot is proven by itself. No boundary exists for a small one: all of it is looked
    at.
    """
    found = expanding(size, promise.alpha, promise.delta, promise.sensitivity)
    first = found[0] if found else size
    words = reason or "New here: every lot is proven by itself."
    return _plan(LEARN, size, first, found, 0, promise, seed_hash, words)


def certified_plan(size: int, rate: float, seed_hash: str, promise: Promise) -> LotPlan:
    """Plan a certified scope's lot: the scope's rate (0..1), at least the jump guard; the expanding audit if it holds.

    Raises ValueError for a rate outside 0..1.
    """
    if not 0.0 <= rate <= 1.0:
        raise ValueError(f"A sample rate of {rate} is outside 0..1.")
    first = min(size, max(ceil(rate * size - 1e-9), jump_guard(size)))
    found = expanding(size, promise.alpha, promise.delta, promise.sensitivity)
    limit = hold_limit(first, promise.alpha, promise.sensitivity)
    words = f"Proven scope: {first} of {size} keep the certificate."
    return _plan(CERTIFIED, size, first, found, limit, promise, seed_hash, words)


def tightened(plan: LotPlan, reason: str) -> LotPlan:
    """Return a certified lot's plan after its scope lost what it had earned: an expanding audit in the same order.

    What was looked at counts. Only the audit can release it now, so its risk is the audit's. Other plans stay.
    """
    if plan.mode != CERTIFIED:
        return plan
    first = plan.boundaries[0] if plan.boundaries else plan.size
    rate = first / plan.size if plan.size else 0.0
    return replace(plan, mode=LEARN, first=first, hold_at=0, pi_cert=rate, reason=reason)


def simple_plan(size: int, rate: float, seed_hash: str, promise: Promise, pause_at: int = 2) -> LotPlan:
    """Plan the trade's plain rule: `rate` of the lot (10 to 15 % is usual), at least one (SMP-01); it proves little.

    `pause_at`: finds that stop it (`sampling.should_pause`). Raises ValueError for a rate outside 0..1.
    """
    first = sample_size(size, rate)
    words = f"Simple mode: {first} of {size}. No promise about the rest."
    return _plan(SIMPLE, size, first, (), pause_at, promise, seed_hash, words)


def _plan(
    mode: str, size: int, first: int, found: tuple[int, ...], limit: int, promise: Promise, seed_hash: str, words: str
) -> LotPlan:
    rate = first / size if size else 0.0
    kept = (promise.alpha, promise.delta, promise.sensitivity)
    return LotPlan(mode, size, first, found, limit, rate, *kept, seed_hash, words)


@dataclass(frozen=True, slots=True)
class Step:
    """What comes next: "look" (at the order's first `until`), "adjudicate", "hold", "release" or "inspected" (all
    seen).
    """

    action: str
    until: int
    why: str = ""


def decide(plan: LotPlan, looks: int, find_ranks: Sequence[int], *, is_held: bool = False) -> Step:
    """Return the next step once the order's first `looks` pictures are judged and defects were found at `find_ranks`.

    `find_ranks`: places from 0, any order; those at or beyond `looks` don't count. `is_held`: the lot or its scope is
    on hold, so that it is proven by itself, in the same order. An empty lot is released.
    """
    if plan.size == 0:
        return Step("release", 0, "Nothing to look at.")
    if plan.mode == LEARN or is_held:
        return _audit(plan, looks, find_ranks)
    if looks < plan.first:
        return Step("look", plan.first)
    found = _within(find_ranks, plan.first)
    if plan.mode == SIMPLE:
        stops = should_pause(found, plan.first, plan.hold_at)
        return Step("hold", plan.size, f"{found} of {plan.first}") if stops else Step("release", plan.first)
    if found >= plan.hold_at:
        return Step("hold", plan.size, f"{found} finds in {plan.first} looks.")
    if found == 1 and plan.first < LONE_FIND_LOOKS:
        more = min(plan.size, 2 * plan.first)
        if looks < more:
            return Step("look", more, "One find: as many looks again.")
        if _within(find_ranks, more) >= 2:
            return Step("hold", plan.size, f"A second find in {more} looks.")
    return Step("release", looks, f"{found} finds in {plan.first} looks.")


def _audit(plan: LotPlan, looks: int, find_ranks: Sequence[int]) -> Step:
    for stage, boundary in enumerate(plan.boundaries):
        if looks < boundary:
            return Step("look", boundary, f"At most {stage} finds in {boundary} release it.")
        if _within(find_ranks, boundary) <= stage:
            return Step("release", looks, f"At most {stage} finds in {boundary} looks.")
    if looks < plan.size:
        return Step("look", plan.size, "Too many finds for a sample: all of it.")
    return Step("inspected", plan.size)


def _within(find_ranks: Sequence[int], looks: int) -> int:
    return sum(place < looks for place in find_ranks)


@dataclass(frozen=True, slots=True)
class Look:
    """One blind look: who, what they said, and what the second person said of a flag (None: not asked yet)."""

    reviewer: int
    is_flagged: bool
    reason: str = ""
    upheld: bool | None = None
    adjudicator: int | None = None


@dataclass(frozen=True, slots=True)
class Lot:
    """A lot at work. `order`: its image ids in the seeded order; `looks`: by id; states open, held, released, redo."""

    plan: LotPlan
    order: tuple[str, ...]
    looks: Mapping[str, Look] = field(default_factory=lambda: MappingProxyType({}))
    other_finds: frozenset[str] = frozenset()
    state: str = "open"
    passes: int = 1

    def judged(self) -> int:
        """How many of the order's first pictures are judged without a gap."""
        return next((place for place, one in enumerate(self.order) if one not in self.looks), len(self.order))

    def find_ranks(self) -> tuple[int, ...]:
        """Places of the defects a first look flagged and a second person upheld."""
        return tuple(place for place, one in enumerate(self.order) if one in self.looks and self.looks[one].upheld)

    def pending(self) -> tuple[str, ...]:
        """Flagged pictures nobody else has judged yet."""
        return tuple(one for one, look in self.looks.items() if look.is_flagged and look.upheld is None)


def opened(plan: LotPlan, order: Sequence[str]) -> Lot:
    """Return a lot at its start. Raises ValueError unless the order has the plan's number of different ids."""
    if len(order) != plan.size or len(set(order)) != plan.size:
        raise ValueError(f"The plan is for {plan.size} pictures; {len(set(order))} different ones were given.")
    return Lot(plan, tuple(order))


def next_step(lot: Lot) -> Step:
    """Return what the lot needs now. A flag that nobody else has judged comes first: without it, false alarms cost
    most.
    """
    if lot.state in ("released", "redo"):
        return Step("release" if lot.state == "released" else "redo", lot.judged())
    looks = lot.judged()
    held = lot.state == "held"
    step = decide(lot.plan, looks, lot.find_ranks(), is_held=held)
    return Step("adjudicate", step.until) if step.action != "look" and lot.pending() else step


def record_look(
    lot: Lot, image: str, reviewer: int, is_flagged: bool, reason: str = "", *, blind: bool = True
) -> tuple[Lot, Step]:
    """Return the lot after a look, and its next step. The same look again changes nothing (idempotent).

    A look that wasn't blind counts as no look: what it flags is only another find. Raises ValueError when the picture
    isn't due (the order is enforced) or somebody else has judged it already.
    """
    step = next_step(lot)
    known = lot.looks.get(image)
    if known is not None:
        if (known.reviewer, known.is_flagged) != (reviewer, is_flagged):
            raise ValueError(f"{image} has been judged already.")
        return lot, step
    if image not in lot.order or lot.state in ("released", "redo"):
        raise ValueError(f"{image} is not in a lot that is being looked at.")
    if not blind:
        return replace(lot, other_finds=lot.other_finds | {image} if is_flagged else lot.other_finds), step
    if lot.order.index(image) >= step.until:
        raise ValueError(f"{image} is not due: the order is fixed.")
    looks = {**lot.looks, image: Look(reviewer, is_flagged, reason)}
    return _settled(replace(lot, looks=MappingProxyType(looks)))


def adjudicate(lot: Lot, image: str, adjudicator: int, is_upheld: bool) -> tuple[Lot, Step]:
    """Return the lot after a second person judged a flag, and its next step; again the same changes nothing.

    Raises ValueError when the picture isn't flagged, was adjudicated otherwise, or the two are one person.
    """
    look = lot.looks.get(image)
    if look is None or not look.is_flagged:
        raise ValueError(f"{image} has no flag to judge.")
    if look.reviewer == adjudicator:
        raise ValueError("A flag is judged by a second person.")
    if look.upheld is not None:
        if look.upheld != is_upheld:
            raise ValueError(f"{image} has been adjudicated already.")
        return lot, next_step(lot)
    looks = {**lot.looks, image: replace(look, upheld=is_upheld, adjudicator=adjudicator)}
    return _settled(replace(lot, looks=MappingProxyType(looks)))


def _settled(lot: Lot) -> tuple[Lot, Step]:
    step = next_step(lot)
    if step.action == "hold" and lot.state == "open":
        lot = replace(lot, state="held")
    elif step.action == "release":
        lot = replace(lot, state="released")
    return lot, step


def held(lot: Lot) -> Lot:
    """Return the lot on hold, because its scope is; a lot that shipped or is done again stays what it is."""
    return replace(lot, state="held") if lot.state == "open" else lot


def inspected(lot: Lot) -> tuple[Lot, Inspected]:
    """Return the lot after every picture was looked at, and what that allows. Raises ValueError while looks are
    missing.
    """
    if lot.judged() < lot.plan.size or lot.pending():
        raise ValueError("Not every picture of the lot has been judged.")
    plan = lot.plan
    finds = len(lot.find_ranks()) + len(lot.other_finds)
    verdict = after_inspection(plan.size, finds, plan.alpha, plan.delta, plan.sensitivity, lot.passes)
    states = {"release": "released", "redo": "redo"}
    passes = lot.passes + (verdict.action == "second_pass")
    return replace(lot, state=states.get(verdict.action, "held"), passes=passes), verdict


def voided(lot: Lot, reviewer: int) -> Lot:
    """Return the lot without one reviewer's looks (their gold alarm): those pictures are due again, a release is
    undone.
    """
    looks = {one: look for one, look in lot.looks.items() if reviewer not in (look.reviewer, look.adjudicator)}
    if len(looks) == len(lot.looks):
        return lot
    return replace(lot, looks=MappingProxyType(looks), state="held" if lot.state == "held" else "open")


@dataclass(frozen=True, slots=True)
class Closed:
    """A shipped lot: finds in all, in the certificate sample (f1) and elsewhere (f2), the most left, and its record."""

    found: int
    f1: int
    f2: int
    residual_upper: int
    record: ClosedLot


def close_lot(lot: Lot) -> Closed:
    """Return what a released lot adds to its scope's certificate. Raises ValueError while it isn't released."""
    if lot.state != "released" and lot.plan.size:
        raise ValueError("Only a released lot can be closed.")
    plan, ranks = lot.plan, lot.find_ranks()
    others = len(lot.other_finds - {lot.order[place] for place in ranks})
    record = ClosedLot(plan.size, plan.pi_cert, ranks, others)
    f1, f2 = record.split(plan.pi_cert)
    upper = defects_upper(plan.size, len(ranks), lot.judged(), plan.delta, plan.sensitivity) if plan.size else 0
    return Closed(f1 + f2, f1, f2, max(0, upper - f1 - f2), record)


def split_by_version(versions: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the image ids of a batch by scope version: a version that changes mid-batch splits the lot."""
    found: dict[str, list[str]] = {}
    for image, version in versions.items():
        found.setdefault(version, []).append(image)
    return found


def merged_size(sizes: Sequence[int], ages_h: Sequence[float]) -> int:
    """Return how many of the oldest waiting small lots of one scope make one lot: enough for 150, or 0 to wait on.

    Oldest first; once the oldest is 24 h old all of them go together, whatever they come to.
    """
    total = 0
    for count, size in enumerate(sizes, 1):
        total += size
        if total >= LEAST_MERGED:
            return count
    return len(sizes) if ages_h and max(ages_h) >= MERGE_WITHIN_H else 0
