"""One lot, one ledger, one canary, one reviewer at a time: the guarantees that can be simulated by themselves."""

from __future__ import annotations

from collections.abc import Callable
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from benchmarks.loop_world.pictures import FALSELY_FOUND, FOUND, REVIEWER, Pictures, lot
from benchmarks.loop_world.rivals import ISO_PLANS, dodge_romig
from benchmarks.loop_world.streams import through
from reviewapp.policies.quality import canary, reviewers
from reviewapp.policies.quality.bounds import binomial_defects_upper, cp_lower, tolerated
from reviewapp.policies.quality.certificate import LEDGER_WEIGHTS, bets, spent
from reviewapp.policies.quality.cusum import first_alarms
from reviewapp.policies.quality.lots import Promise, learn_plan
from reviewapp.policies.quality.plans import n_single
from reviewapp.policies.sampling import sample_size

ALPHA = 0.02
Array = NDArray[Any]


def bad_releases(size: int, extra: int, sight: float, lots: int, seed: int) -> float:
    """Share of lots just above the limit (floor(alpha N) + 1 + `extra` defects) that ship with too many left."""
    rng = np.random.default_rng([seed, size, extra, int(sight * 100)])
    plan = learn_plan(size, "", Promise(ALPHA, 0.05, sight))
    limit = tolerated(size, ALPHA)
    return sum(_left(plan, size, limit + 1 + extra, sight, rng) > limit for _ in range(lots)) / lots


def _left(plan: Any, size: int, bad: int, sight: float, rng: np.random.Generator) -> int:
    def made() -> Pictures:
        places = rng.choice(size, bad, replace=False).tolist()
        return Pictures(size, places, (rng.random(bad) < sight).tolist(), [], rng)

    return through(plan, made(), lambda: Pictures(size, [], [], [], rng)).escapes


def costs(rate: float, lots: int, seed: int, size: int = 1000) -> dict[str, float]:
    """Mean looks per lot with perfect eyes: the audit and its rivals on the same lots."""
    rng = np.random.default_rng([seed, int(rate * 1e4)])
    plan = learn_plan(size, "", Promise(ALPHA, 0.05, 1.0))
    single = n_single(size, 0) or size
    romig, accept = dodge_romig(size, 0.005)
    iso, iso_accept = next(plans for most, plans in ISO_PLANS if size <= most)[0]
    spent_on = dict.fromkeys(("audit", "c0", "dodge_romig", "iso", "flat_10", "flat_15"), 0)
    for _ in range(lots):
        ranks = rng.choice(size, int(rng.binomial(size, rate)), replace=False).tolist()
        pictures = Pictures(size, ranks, [True] * len(ranks), [], rng)
        spent_on["audit"] += _looks(plan, pictures)
        spent_on["c0"] += size if pictures.finds(single) else single
        spent_on["dodge_romig"] += size if len(pictures.finds(romig)) > accept else romig
        spent_on["iso"] += size if len(pictures.finds(iso)) > iso_accept else iso
        spent_on["flat_10"] += sample_size(size, 0.10)
        spent_on["flat_15"] += sample_size(size, 0.15)
    return {name: round(count / lots, 1) for name, count in spent_on.items()}


def _looks(plan: Any, pictures: Pictures) -> int:
    """Looks without those of adjudication: the tables count perfect eyes."""
    for stage, boundary in enumerate(plan.boundaries):
        if len(pictures.finds(boundary)) <= stage:
            return int(boundary)
    return pictures.size


def adjudication(lots: int, seed: int, size: int = 1000, rate: float = 0.005) -> dict[str, float]:
    """Mean looks per lot with and without a second person on every flag (section 9 item 8)."""
    rng = np.random.default_rng(seed)
    plan = learn_plan(size, "", Promise(ALPHA, 0.05, 0.85))
    looks = {"on": 0, "off": 0}
    for _ in range(lots):
        pictures = lot(rng, size, rate)
        looks["on"] += through(plan, pictures, lambda: pictures).looks  # noqa: B023 (called at once)
        flags = np.flatnonzero(rng.random(size) < 1 - REVIEWER[1]).tolist()
        alone = Pictures(size, pictures.defects, (rng.random(len(pictures.defects)) < REVIEWER[0]).tolist(), flags, rng)
        looks["off"] += _looks(plan, alone)
    return {name: round(count / lots, 1) for name, count in looks.items()}


def ledger_violations(runs: int, seed: int, steps: int = 2500) -> dict[str, float]:
    """How often a bound that is read after every defect is ever wrong, under two adversaries, beside the fixed-time
    one.

    all_defective: nothing but defects, forever. burst: defects in bursts, most of them where the sampling rate is
    lowest.
    """
    rng = np.random.default_rng(seed)
    found = {"all_defective": 0, "burst": 0, "fixed_time_peeked": 0, "fixed_time_read_once": 0}
    q = 0.085
    most = np.array([(binomial_defects_upper(finds, q) or 0) - finds for finds in range(steps // 4)])
    for _ in range(runs):
        is_find = rng.random(steps) < q
        escapes = np.cumsum(~is_find)
        found["all_defective"] += _is_broken(is_find, np.full(steps, q))
        upper = most[np.cumsum(is_find)]
        found["fixed_time_peeked"] += bool((escapes > upper).any())
        found["fixed_time_read_once"] += bool(escapes[-1] > upper[-1])
        rates = np.where(np.repeat(rng.random(steps // 50) < 0.6, 50), 0.05, rng.choice([0.1, 0.2, 0.4], steps))
        found["burst"] += _is_broken(rng.random(steps) < rates, rates)
    return {name: count / runs for name, count in found.items()}


def _is_broken(is_find: Array, rates: Array) -> bool:
    """Did the escapes ever exceed the ledger's bound? That is: did the wealth reach 1 / delta?"""
    slopes = bets(float(rates.min()))
    table = {rate: spent(slopes, rate) for rate in np.unique(rates).tolist()}
    steps = np.zeros((len(rates), len(slopes)))
    for rate, lost in table.items():
        steps[is_find & (rates == rate)] = -lost
    steps[~is_find] = slopes
    wealth = special.logsumexp(np.cumsum(steps, axis=0), b=np.array(LEDGER_WEIGHTS), axis=1)
    return bool((wealth > -log(0.05)).any())


def canary_alarm(rate: float, runs: int, seed: int, images: int = 3000) -> dict[str, float]:
    """Canary pictures until the watch alarms, and defects that reviewers let through until then."""
    rng = np.random.default_rng([seed, int(rate * 1e4)])
    bad = rng.random((runs, images)) < rate
    finds = np.where(bad, rng.random((runs, images)) < FOUND, rng.random((runs, images)) < FALSELY_FOUND)
    alarms = first_alarms(finds, canary.GOOD, canary.BAD, canary.LIMIT)
    until = np.where(alarms > 0, alarms, images)
    missed = np.cumsum(bad & ~finds, axis=1)[np.arange(runs), until - 1]
    return {
        "median": float(np.median(until)),
        "p90": float(np.quantile(until, 0.9)),
        "escapes": round(float(missed.mean()), 3),
        "alarms": float((alarms > 0).mean()),
    }


def trip_wire(runs: int, seed: int) -> float:
    """Median canary pictures until the trip-wire fires when the share over the threshold drops from 70 to 60 %."""
    rng = np.random.default_rng(seed)
    failing = rng.random((runs, 2000)) < 0.40
    alarms = first_alarms(failing, 0.30, 0.30 + canary.TRIP_DROP, canary.TRIP_LIMIT)
    return float(np.median(np.where(alarms > 0, alarms, 2000)))


def flat_alarm(rate: float, share: float, runs: int, seed: int, a_week: int = 3500) -> dict[str, float]:
    """The same bad preset under a flat sample with a weekly report, all of the traffic on it."""
    rng = np.random.default_rng([seed, int(rate * 1e4), int(share * 100)])
    images, escapes = [], []
    looks = sample_size(a_week, share)
    for _ in range(runs):
        weeks = next(
            (week for week in range(1, 9) if cp_lower(int(rng.binomial(looks, rate * FOUND)), looks) > ALPHA), 9
        )
        images.append(weeks * a_week)
        escapes.append(float(rng.binomial(weeks * a_week, rate * (1 - share * FOUND))))
    return {"median": float(np.median(images)), "escapes": round(float(np.mean(escapes)), 1)}


def gold_alarm(sight: float, specificity: float, runs: int, seed: int, images: int = 12_000) -> Array:
    """Queue pictures until a reviewer's gold watch alarms, one per run; 0 where it doesn't within `images`."""
    rng = np.random.default_rng([seed, int(sight * 100), int(specificity * 1000)])
    share = reviewers.GOLD_SHARE
    first: list[Array] = []
    kinds: tuple[tuple[float, float, tuple[float, float]], ...] = (
        (reviewers.GOLD_DEFECTIVE, 1 - sight, reviewers.MISS_RATES),
        (1 - reviewers.GOLD_DEFECTIVE, 1 - specificity, reviewers.FALSE_RATES),
    )
    for part, wrong, rates in kinds:
        count = int(images * share * part * 1.6)
        places = np.cumsum(rng.geometric(share * part, (runs, count)), axis=1)
        alarms = first_alarms(rng.random((runs, count)) < wrong, *rates, reviewers.GOLD_LIMIT)
        when = np.where(alarms > 0, places[np.arange(runs), np.maximum(alarms, 1) - 1], images + 1)
        first.append(when)
    soonest = np.minimum(*first)
    return np.where(soonest <= images, soonest, 0)


def spread(alarms: Array, within: int) -> dict[str, float]:
    """Median and 90th percentile of the alarms (never: `within`), and the share of runs that alarm within."""
    times = np.where((alarms > 0) & (alarms <= within), alarms, within)
    return {
        "median": float(np.median(times)),
        "p90": float(np.quantile(times, 0.9)),
        "alarms": float(((alarms > 0) & (alarms <= within)).mean()),
    }


Question = Callable[..., Any]
