"""Sixty days of six scopes with a drift and a bad preset: what each policy looks at, lets through and proves.

Scopes with defect rates of .2 to 1.2 % and noise from lot to lot, one lot a day of 40 to 2,000 pictures. On day 30
one scope drifts to 4 %, on day 40 another gets a preset with 12 % defects; both last until the policy alarms, and are
mended for the next lot (a preset by going back to its parent). The same days, lots and people for every policy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from math import ceil

import numpy as np

from benchmarks.loop_world.pictures import Pictures, lot
from benchmarks.loop_world.rivals import C0, Flat, Iso
from reviewapp.policies.quality import scopes
from reviewapp.policies.quality.bounds import tolerated
from reviewapp.policies.quality.certificate import ClosedLot
from reviewapp.policies.quality.lots import CERTIFIED, LotPlan, decide
from reviewapp.policies.quality.plans import after_inspection

RATES = (0.002, 0.003, 0.004, 0.005, 0.008, 0.012)
DRIFT_SCOPE, DRIFT_DAY, DRIFT_RATE = 2, 30, 0.04
BAD_SCOPE, BAD_DAY, BAD_RATE = 3, 40, 0.12
ROLLING = 3000
DAYS, MATURE_DAYS, MATURE_FROM = 60, 300, 60
ALPHA = 0.02


@lru_cache(maxsize=1)
def sizes() -> tuple[int, ...]:
    """240 lot sizes, 40 to 2,000, log-normal, about 330 on average: few enough that plans can be kept."""
    spread = np.linspace(-2.6, 2.6, 240)
    return tuple(int(size) for size in np.clip(np.exp(np.log(235) + 0.85 * spread * 0.95), 40, 2000))


@lru_cache(maxsize=1)
def size_weights() -> tuple[float, ...]:
    """How often each of `sizes` comes."""
    weights = np.exp(-0.5 * np.linspace(-2.6, 2.6, 240) ** 2)
    return tuple((weights / weights.sum()).tolist())


@dataclass(slots=True)
class Judged:
    """What a policy did with one lot."""

    looks: int
    escapes: int
    alarm: bool = False


@dataclass(slots=True)
class Tally:
    """What is counted over a stream."""

    images: int = 0
    looks: int = 0
    escapes: int = 0
    rolling_checks: int = 0
    rolling_over: int = 0
    bound_checks: int = 0
    bound_holds: int = 0
    certified_checks: int = 0
    certified_over: int = 0
    false_alarms: int = 0
    bad_escapes: int = 0
    drift_escapes: int = 0
    bad_images: int = 0
    drift_images: int = 0
    scope_looks: list[int] = field(default_factory=lambda: [0] * len(RATES))
    scope_images: list[int] = field(default_factory=lambda: [0] * len(RATES))


class Tiered:
    """The policy under test: the functions the application calls, on counts."""

    def __init__(self, window_images: int) -> None:
        self.policy = scopes.ScopePolicy(window_images=window_images)
        self.now = scopes.Scope()
        self.parent = scopes.Scope()
        self.truth: list[tuple[int, int]] = []
        self.parent_truth: list[tuple[int, int]] = []

    def new_version(self) -> None:
        """A preset is released: its scope starts with nothing proven."""
        self.parent, self.parent_truth = self.now, self.truth
        self.now, _ = scopes.version_changed(self.now, "new preset")
        self.truth = []

    def rolled_back(self) -> None:
        """The parent's scope is where it was."""
        self.now, self.truth = self.parent, self.parent_truth

    def judge(self, pictures: Pictures, remade: Callable[[], Pictures]) -> Judged:
        """Plan, look, hold or release, close: one lot."""
        plan = scopes.plan_lot(self.now, self.policy, pictures.size, "")
        done = through(plan, pictures, remade, hold_all=self.now.mode == scopes.HOLD)
        first = ceil(plan.pi_cert * plan.size - 1e-9)
        ranks = set(done.ranks)
        record = ClosedLot(plan.size, plan.pi_cert, tuple(done.ranks), done.others)
        outcomes = [place in ranks for place in range(first)]
        self.now, events = scopes.lot_closed(self.now, self.policy, record, outcomes, is_incident=done.is_incident)
        self.truth = [*self.truth, (plan.size, done.escapes)] if self.now.lots else []
        self.truth = self.truth[-len(self.now.lots) :] if self.now.lots else []
        alarm = any(event.kind in ("incident", "alarm") for event in events)
        return Judged(done.looks, done.escapes, alarm)

    def check(self, tally: Tally) -> None:
        """Hold what is claimed against what is so."""
        if not self.now.lots:
            return
        proof = scopes.scope_certificate(self.now, self.policy, with_ledger=False)
        escapes = sum(count for _, count in self.truth)
        images = sum(size for size, _ in self.truth)
        assert images == proof.images, (images, proof.images)
        tally.bound_checks += 1
        tally.bound_holds += proof.upper is not None and proof.upper >= escapes
        if self.now.mode == CERTIFIED:
            tally.certified_checks += 1
            tally.certified_over += escapes > tolerated(images, ALPHA)


@dataclass(slots=True)
class Done:
    """A lot's way through `through`."""

    looks: int
    escapes: int
    ranks: list[int]
    others: int
    is_incident: bool


def through(plan: LotPlan, pictures: Pictures, remade: Callable[[], Pictures], *, hold_all: bool = False) -> Done:
    """Take a lot from its plan to its release, one decision after the other."""
    looks, is_held = 0, hold_all
    while True:
        step = decide(plan, looks, pictures.finds(looks), is_held=is_held)
        if step.action == "look":
            looks = step.until
        elif step.action == "hold":
            is_held = True
        else:
            break
    spent = looks + pictures.adjudications(looks)
    ranks, passes, is_incident, others = pictures.finds(looks), 1, False, 0
    if step.action == "inspected":
        verdict = after_inspection(plan.size, len(ranks), plan.alpha, plan.delta, plan.sensitivity)
        is_incident = verdict.is_incident
        while verdict.action == "second_pass" and passes < 4:
            before = pictures.fixed(looks)
            pictures.second_pass(pictures.rng)
            passes, others = passes + 1, others + pictures.fixed(looks) - before
            spent += plan.size
            verdict = after_inspection(plan.size, len(ranks) + others, plan.alpha, plan.delta, plan.sensitivity, passes)
        if verdict.action == "redo":
            again = through(plan, remade(), remade, hold_all=True)
            return Done(spent + again.looks, again.escapes, again.ranks, again.others, True)
    return Done(spent, len(pictures.defects) - pictures.fixed(looks), ranks, others, is_incident)


Policy = Tiered | Flat | Iso | C0


def stream(seed: int, make: Callable[[], Policy], days: int = DAYS, *, has_incidents: bool = True) -> Tally:
    """Run one stream of all scopes under a policy; the days are the same for the same seed."""
    tally = Tally()
    for number, rate in enumerate(RATES):
        rng = np.random.default_rng([seed, number])
        policy = make()
        lots = [int(size) for size in rng.choice(sizes(), days, p=size_weights())]
        noise = rng.gamma(4.0, 0.25, days)
        _scope(tally, policy, number, rate, lots, noise.tolist(), rng, has_incidents)
    return tally


def _scope(
    tally: Tally,
    policy: Policy,
    number: int,
    base: float,
    lots: list[int],
    noise: list[float],
    rng: np.random.Generator,
    has_incidents: bool,
) -> None:
    drifts = bad = has_incidents
    shipped: list[tuple[int, int]] = []
    for day, size in enumerate(lots):
        is_drift = drifts and number == DRIFT_SCOPE and day >= DRIFT_DAY
        is_bad = bad and number == BAD_SCOPE and day >= BAD_DAY
        rate = (DRIFT_RATE if is_drift else BAD_RATE if is_bad else base) * noise[day]
        if is_bad and day == BAD_DAY:
            policy.new_version()
        own = base * noise[day]
        done = policy.judge(lot(rng, size, rate), lambda own=own, size=size: lot(rng, size, own))  # type: ignore[misc]
        _count(tally, number, size, done, is_bad, is_drift, day, MATURE_FROM if len(lots) > DAYS else 0)
        if done.alarm:
            if is_bad:
                bad = False
                policy.rolled_back()
            drifts = drifts and not is_drift
            tally.false_alarms += not (is_bad or is_drift)
        shipped.append((size, done.escapes))
        _roll(tally, shipped)
        policy.check(tally)


def _count(
    tally: Tally, number: int, size: int, done: Judged, is_bad: bool, is_drift: bool, day: int, counted_from: int
) -> None:
    tally.images += size
    tally.looks += done.looks
    tally.escapes += done.escapes
    if day >= counted_from:
        tally.scope_looks[number] += done.looks
        tally.scope_images[number] += size
    tally.bad_escapes += done.escapes * is_bad
    tally.drift_escapes += done.escapes * is_drift
    tally.bad_images += size * is_bad
    tally.drift_images += size * is_drift


def _roll(tally: Tally, shipped: list[tuple[int, int]]) -> None:
    images = escapes = 0
    for size, count in reversed(shipped):
        images, escapes = images + size, escapes + count
        if images >= ROLLING:
            tally.rolling_checks += 1
            tally.rolling_over += escapes > ALPHA * images
            return
