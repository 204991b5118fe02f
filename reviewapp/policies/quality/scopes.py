"""What a scope has earned: LEARN (every lot proven), CERTIFIED (a sample that keeps the proof), HOLD (nothing ships).
Pure.

Every event gives a new state and says what happened; the app stores both and does what `Event.kind` asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import ceil

from reviewapp.policies.quality.certificate import (
    Certificate,
    ClosedLot,
    certificate,
    expected_rate,
    monitor_rate,
    window,
)
from reviewapp.policies.quality.cusum import Cusum
from reviewapp.policies.quality.lots import CERTIFIED, LEARN, LotPlan, Promise, certified_plan, learn_plan

HOLD = "hold"
WATCH_GOOD, WATCH_BAD, WATCH_LIMIT = 0.01, 0.03, 6.0
"""The scope's watch on its certificate looks, 1 % -> 3 %: a limit of 4.5 from 0.8 % alarmed three times as often, in
scopes at 1.2 % above all, and found a drift to 4 % hardly sooner (benchmarks/quality_loop.py's streams).
"""
IDLE_DAYS = 30


@dataclass(frozen=True, slots=True)
class ScopePolicy:
    """What an admin sets for a scope: the promise, the window it is made over (pictures), and whether it ever
    relaxes.
    """

    promise: Promise = field(default_factory=Promise)
    window_images: int = 5000
    always_learn: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """The state of a scope. `lots`: what shipped since learning began, oldest first, at most the window.

    `suspects`: numbers of lots (1: the last one) since the watch's last zero: the change-point estimate.
    """

    mode: str = LEARN
    lots: tuple[ClosedLot, ...] = ()
    watch: Cusum = field(default_factory=lambda: Cusum(WATCH_GOOD, WATCH_BAD, WATCH_LIMIT))
    suspects: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: certified, certificate_lost, incident, alarm, learning; `retro_audit`: last lots to look
    at again."""

    kind: str
    why: str
    retro_audit: int = 0


def plan_lot(scope: Scope, policy: ScopePolicy, size: int, seed_hash: str) -> LotPlan:
    """Return the plan of the scope's next lot, made before any look. A scope that isn't certified proves each lot.

    Raises ValueError for a negative size.
    """
    if size < 0:
        raise ValueError(f"A lot of {size} is impossible.")
    if scope.mode != CERTIFIED or policy.always_learn:
        why = "On hold: proven by itself before it ships." if scope.mode == HOLD else ""
        return learn_plan(size, seed_hash, policy.promise, why)
    return certified_plan(size, sampling_rate(scope, policy, size), seed_hash, policy.promise)


def sampling_rate(scope: Scope, policy: ScopePolicy, size: int) -> float:
    """Return the share 0..1 of the next lot that will probably keep the scope certified."""
    promise = policy.promise
    held = window(scope.lots, policy.window_images)
    looks = sum(ceil(lot.rate * lot.size) for lot in held)
    finds = sum(lot.split(lot.rate)[0] for lot in held)
    expected = round(expected_rate(finds, looks, promise.sensitivity), 4)
    images = min(policy.window_images, sum(lot.size for lot in held) + size)
    images -= images % 100  # so that plans can be kept; fewer pictures only ask for a higher rate
    return monitor_rate(images, expected, promise.alpha, promise.delta, promise.sensitivity)


def scope_certificate(scope: Scope, policy: ScopePolicy, *, with_ledger: bool = True) -> Certificate:
    """Return what the scope's window proves now."""
    held = window(scope.lots, policy.window_images)
    promise = policy.promise
    return certificate(held, promise.sensitivity, promise.alpha, promise.delta, with_ledger=with_ledger)


def lot_closed(
    scope: Scope, policy: ScopePolicy, lot: ClosedLot, outcomes: Sequence[bool], *, is_incident: bool = False
) -> tuple[Scope, tuple[Event, ...]]:
    """Return the scope after a lot shipped. `outcomes`: its certificate looks in order, True for a find.

    An incident (or the watch's alarm) ends what was proven: learning begins anew, lots shipped since the change point
    are audited again, and the app freezes or rolls back the preset. Without one the certificate is made new.
    """
    watch = scope.watch.seen(outcomes)
    suspects = scope.suspects + 1 if watch.value > 0.0 else 0
    kept = window((*scope.lots, lot), policy.window_images)
    if is_incident or watch.is_alarm:
        kind = "incident" if is_incident else "alarm"
        why = "Far more defects than promised in a whole lot." if is_incident else "The defect rate has jumped."
        found = Event(kind, why, max(0, suspects - 1))
        if scope.mode == HOLD:  # that ends when a person says so, whatever else is found meanwhile
            return Scope(mode=HOLD, watch=watch.reset()), (found,)
        return Scope(watch=watch.reset()), (found, Event("learning", why))
    after = replace(scope, lots=kept, watch=watch, suspects=suspects)
    proven = scope_certificate(after, policy, with_ledger=False).is_ok and not policy.always_learn
    if scope.mode == HOLD or proven == (scope.mode == CERTIFIED):
        return after, ()
    if proven:
        return replace(after, mode=CERTIFIED), (Event("certified", "The window proves the promise."),)
    # A new window: the old one's low rates would hold the proof back long after every lot is proven by itself.
    return replace(after, mode=LEARN, lots=()), (Event("certificate_lost", "The window no longer proves the promise."),)


def rechecked(scope: Scope, policy: ScopePolicy) -> tuple[Scope, tuple[Event, ...]]:
    """Return the scope as today's promise and today's eyes see it: a certificate they don't bear out is lost."""
    if scope.mode != CERTIFIED or scope_certificate(scope, policy, with_ledger=False).is_ok:
        return scope, ()
    why = "The window no longer proves the promise: people are known to see less, or less is tolerated."
    return replace(scope, mode=LEARN, lots=()), (Event("certificate_lost", why),)


def version_changed(scope: Scope, why: str) -> tuple[Scope, tuple[Event, ...]]:
    """Return the scope of a new preset, threshold or score version: nothing is proven about it."""
    return Scope(), (Event("learning", why),)


def idle(scope: Scope, days: float) -> tuple[Scope, tuple[Event, ...]]:
    """Return the scope after `days` without a lot: 30 make what was proven too old."""
    if days < IDLE_DAYS or (scope.mode == LEARN and not scope.lots):
        return scope, ()
    return Scope(), (Event("learning", f"{days:.0f} days without a lot."),)


def reviewer_voided(scope: Scope, lots: Sequence[ClosedLot]) -> tuple[Scope, tuple[Event, ...]]:
    """Return the scope after a reviewer's looks were void: `lots` as they stand without them. It learns again."""
    return replace(scope, mode=LEARN, lots=tuple(lots)), (Event("learning", "A reviewer's looks are void."),)


def put_on_hold(scope: Scope, why: str) -> tuple[Scope, tuple[Event, ...]]:
    """Return the scope with nothing shipping until a person clears it."""
    return replace(scope, mode=HOLD), (Event("alarm", why, scope.suspects),)


def cleared(scope: Scope, why: str) -> tuple[Scope, tuple[Event, ...]]:
    """Return the scope after a person cleared its hold: it learns again; a scope that isn't on hold stays as it is."""
    if scope.mode != HOLD:
        return scope, ()
    return Scope(watch=scope.watch.reset()), (Event("learning", why),)
