"""Every policy of the loop moves the way its numbers say: in n, in finds, in alpha, in what people see (section 9)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewapp.policies import sampling
from reviewapp.policies.quality import (
    bounds,
    calibration,
    canary,
    certificate,
    duel,
    lots,
    plans,
    reviewers,
    thresholds,
)
from reviewapp.policies.quality.cusum import Cusum

shares = st.floats(0.0, 1.0)
sights = st.floats(0.4, 1.0)
alphas = st.sampled_from([0.005, 0.01, 0.02, 0.03, 0.05, 0.10])
looks_and_finds = st.integers(1, 300).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1)))
EPS = 1e-12


@given(st.integers(0, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
def test_what_people_see_rises_with_every_find_and_falls_with_every_miss(case: tuple[int, int]) -> None:
    shown, found = case
    bound = reviewers.sensitivity_bound(found, shown)
    assert 0.0 < bound < 1.0
    assert reviewers.sensitivity_bound(found + 1, shown + 1) >= bound - EPS
    assert reviewers.sensitivity_bound(found, shown + 1) <= bound + EPS
    if found:
        assert reviewers.sensitivity_bound(found - 1, shown) <= bound + EPS


@given(looks_and_finds, st.sampled_from([0.01, 0.05, 0.2]))
def test_bounds_of_a_rate(case: tuple[int, int], delta: float) -> None:
    looks, finds = case
    upper, lower = bounds.cp_upper(finds, looks, delta), bounds.cp_lower(finds, looks, delta)
    assert lower <= finds / looks <= upper
    assert bounds.cp_upper(finds, looks + 1, delta) <= upper + EPS, "one more clean look"
    assert bounds.cp_lower(finds + 1, looks, delta) >= lower - EPS
    each = bounds.cp_upper_each(np.array([finds]), np.array([looks]), delta)
    assert abs(float(each[0]) - upper) < 1e-9
    low, high = sampling.rejection_interval(finds, looks)
    more = sampling.rejection_interval(finds + 1, looks)
    assert more[0] >= low - EPS and more[1] >= high - EPS
    assert sampling.rejection_interval(finds, looks, 0.99)[1] >= high - EPS


@given(st.integers(0, 400), alphas, alphas)
def test_what_is_tolerated(lot: int, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert bounds.tolerated(lot, low) <= bounds.tolerated(lot, high) <= lot
    assert bounds.tolerated(lot + 1, low) >= bounds.tolerated(lot, low)


@settings(max_examples=40)
@given(
    st.integers(2, 150).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n))), st.integers(0, 4), sights, sights
)
def test_the_most_a_lot_may_hold(case: tuple[int, int], finds: int, one: float, other: float) -> None:
    lot, looks = case
    finds = min(finds, looks - 1)
    dull, sharp = sorted((one, other))
    upper = bounds.defects_upper(lot, finds, looks, 0.05, sharp)
    assert finds <= upper <= lot
    assert bounds.defects_upper(lot, finds, looks, 0.05, dull) >= upper, "who sees less proves less"
    assert bounds.defects_upper(lot, finds + 1, looks, 0.05, sharp) >= upper
    assert bounds.defects_upper(lot, finds, looks, 0.20, sharp) <= upper, "who risks more says less"


@given(st.integers(0, 12), st.floats(0.02, 1.0), st.floats(0.02, 1.0))
def test_the_most_that_escaped(finds: int, one: float, other: float) -> None:
    seldom, often = sorted((one, other))
    rare, common = (bounds.binomial_defects_upper(finds, chance) for chance in (seldom, often))
    more = bounds.binomial_defects_upper(finds + 1, often)
    assert rare is not None and common is not None and more is not None
    assert rare >= common >= finds and more > common


@settings(max_examples=60)
@given(st.integers(1, 300), alphas, alphas, sights)
def test_when_a_lot_is_held(looks: int, one: float, other: float, sight: float) -> None:
    low, high = sorted((one, other))
    assert 2 <= plans.hold_limit(looks, low, sight) <= plans.hold_limit(looks, high, sight), "more is borne"
    assert plans.hold_limit(looks + 1, low, sight) >= plans.hold_limit(looks, low, sight), "of more looks"
    assert plans.jump_guard(looks) <= min(looks, plans.jump_guard(looks + 1))


@settings(max_examples=30)
@given(st.integers(60, 400), alphas, alphas, st.sampled_from([0.7, 0.85, 1.0]))
def test_audits_are_longer_for_less_alpha(lot: int, one: float, other: float, sight: float) -> None:
    strict, loose = sorted((one, other))
    first = {alpha: (plans.expanding(lot, alpha, 0.05, sight) or (lot,))[0] for alpha in (strict, loose)}
    assert first[loose] <= first[strict] <= lot
    single = [plans.n_single(lot, 0, alpha, 0.05, sight) or lot for alpha in (loose, strict)]
    assert single == sorted(single)
    found = plans.expanding(lot, loose, 0.05, sight)
    assert list(found) == sorted(set(found)), "each boundary is further out"


@settings(max_examples=40)
@given(st.integers(20, 300), st.integers(0, 12), alphas, alphas, st.sampled_from([0.7, 0.85, 0.95]))
def test_an_inspected_lot_is_judged_no_harder_for_more_alpha(
    lot: int, finds: int, one: float, other: float, sight: float
) -> None:
    strict, loose = sorted((one, other))
    order = ("release", "second_pass", "redo")
    told = [plans.after_inspection(lot, finds, alpha, 0.05, sight) for alpha in (loose, strict)]
    assert order.index(told[0].action) <= order.index(told[1].action)
    assert told[0].is_incident <= told[1].is_incident
    more = plans.after_inspection(lot, finds + 1, strict, 0.05, sight)
    assert (more.action == "redo") >= (told[1].action == "redo"), "once too many, more are too many"


@settings(max_examples=40)
@given(
    st.integers(0, 60), st.floats(0.0, 0.02), st.floats(0.0, 0.02), alphas, alphas, st.sampled_from([0.7, 0.85, 1.0])
)
def test_how_much_keeps_a_certificate(
    hundreds: int, one: float, other: float, a: float, b: float, sight: float
) -> None:
    images, (good, bad), (strict, loose) = 100 * hundreds, sorted((one, other)), sorted((a, b))
    rate = certificate.monitor_rate(images, good, strict, 0.05, sight)
    assert 0.0 < rate <= 1.0
    assert certificate.monitor_rate(images, bad, strict, 0.05, sight) >= rate - 0.0026, (
        "worse scopes more (a step aside)"
    )
    assert certificate.monitor_rate(images, good, loose, 0.05, sight) <= rate + EPS


@settings(max_examples=60)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=6), st.floats(0.05, 1.0), alphas, alphas, sights)
def test_certificates_and_what_is_missing(finds: list[int], rate: float, a: float, b: float, sight: float) -> None:
    closed = [certificate.ClosedLot(500, rate, tuple(range(count))) for count in finds]
    strict, loose = sorted((a, b))
    first, second = (
        certificate.certificate(closed, sight, alpha, 0.05, with_ledger=False) for alpha in (strict, loose)
    )
    assert first.upper == second.upper and first.is_ok <= second.is_ok
    left = [certificate.looks_left(closed, rate, sight, alpha, 0.05) for alpha in (loose, strict)]
    assert left[0] is not None and left[1] is not None and 0 <= left[0] <= left[1]
    assert (left[1] == 0) == first.is_ok
    worse = [replace(closed[0], find_ranks=tuple(range(finds[0] + 1))), *closed[1:]]
    bound = certificate.certificate(worse, sight, strict, 0.05, with_ledger=False).upper
    assert bound is not None and first.upper is not None and bound >= first.upper


@given(looks_and_finds, sights)
def test_expected_rates(case: tuple[int, int], sight: float) -> None:
    looks, finds = case
    rate = certificate.expected_rate(finds, looks, sight)
    more, longer = (
        certificate.expected_rate(finds + 1, looks, sight),
        certificate.expected_rate(finds, looks + 1, sight),
    )
    assert 0.0 < longer <= rate <= more <= 1.0
    assert rate == 1.0 or longer < rate < more
    assert certificate.binomial_quantile(looks, 0.3, 0.9) <= certificate.binomial_quantile(looks + 1, 0.3, 0.9)


@given(looks_and_finds, st.floats(0.0, 0.9), st.floats(0.0, 0.9))
def test_a_trial_is_borne_by_a_worse_champion_and_by_fewer_finds(
    case: tuple[int, int], one: float, other: float
) -> None:
    looks, finds = case
    good, bad = sorted((one, other))
    assert canary.no_worse(finds, looks, good) <= canary.no_worse(finds, looks, bad)
    assert canary.no_worse(finds + 1, looks, good) <= canary.no_worse(finds, looks, good)


@given(st.text(min_size=1, max_size=12), shares, shares)
def test_a_larger_share_of_products_holds_the_smaller(unit: str, one: float, other: float) -> None:
    few, many = sorted((one, other))
    assert canary.is_in_canary("5a" * 32, unit, few) <= canary.is_in_canary("5a" * 32, unit, many)


@given(st.lists(st.booleans(), min_size=1, max_size=80), st.integers(0, 79))
def test_a_find_more_never_calms_a_watch(outcomes: list[bool], place: int) -> None:
    worse = [True if number == place % len(outcomes) else one for number, one in enumerate(outcomes)]
    watch = Cusum(0.01, 0.05, 5.0)
    calm, alarmed = watch.seen(outcomes), watch.seen(worse)
    assert alarmed.value >= calm.value - EPS and alarmed.is_alarm >= calm.is_alarm


@given(st.integers(0, 40), st.integers(0, 40))
def test_evidence_against_a_challenger(worse: int, better: int) -> None:
    evidence = duel.discordant_evidence(worse, better)
    assert evidence > 0.0 and duel.discordant_evidence(worse + 1, better) > duel.discordant_evidence(worse, better + 1)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_a_duel_counts_what_it_is_told(sides: list[tuple[bool, bool]]) -> None:
    pairs = [duel.Pair(old, new, 1.0, was_approved=False, grave=False) for old, new in sides]
    found = duel.decide(pairs)
    assert found.difference is not None and -1.0 <= found.difference <= 1.0
    assert abs(found.difference - (sum(new for _, new in sides) - sum(old for old, _ in sides)) / len(sides)) < 1e-9
    assert not (found.is_won and found.difference >= 0.0), "nobody wins who isn't better"


@settings(max_examples=30)
@given(st.integers(0, 8), alphas, alphas)
def test_labels_needed(defects: int, one: float, other: float) -> None:
    strict, loose = sorted((one, other))
    needed = thresholds.labels_needed(defects, strict)
    assert thresholds.labels_needed(defects, loose) <= needed < thresholds.labels_needed(defects + 1, strict)
    assert bounds.cp_upper(defects, needed) <= strict < bounds.cp_upper(defects, needed - 1)


@given(shares, shares, st.floats(0.1, 5.0), st.floats(0.1, 5.0), shares)
def test_what_is_redone(one: float, other: float, look: float, redo: float, again: float) -> None:
    safe, risky = sorted((one, other))
    assert thresholds.redo_is_cheaper(safe, look, redo, again) <= thresholds.redo_is_cheaper(risky, look, redo, again)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=50), st.floats(70, 100), shares, shares)
def test_human_share(scores: list[float], tau: float, one: float, other: float) -> None:
    few, many = sorted((one, other))
    found = thresholds.human_share(np.array(scores), tau, 70.0, few)
    assert 0.0 <= found <= thresholds.human_share(np.array(scores), tau, 70.0, many) + EPS <= 1.0 + 1e-9


@given(shares, shares, st.floats(0.55, 1.0), st.floats(0.55, 1.0))
def test_true_rates_behind_reject_rates(one: float, other: float, sensitivity: float, specificity: float) -> None:
    low, high = sorted((one, other))
    few, many = (reviewers.rogan_gladen(rate, sensitivity, specificity) for rate in (low, high))
    assert few is not None and many is not None and 0.0 <= few <= many + EPS <= 1.0 + 1e-9


@given(st.integers(0, 500), shares, shares, st.integers(0, 20), st.integers(0, 300), st.integers(0, 10))
def test_simple_samples(n: int, one: float, other: float, rejected: int, judged: int, limit: int) -> None:
    few, many = sorted((one, other))
    assert sampling.sample_size(n, few) <= sampling.sample_size(n, many) <= n
    assert sampling.sample_size(n + 1, few) >= sampling.sample_size(n, few)
    judged = max(judged, rejected + 1)
    stops = sampling.should_pause(rejected, judged, limit)
    assert stops <= sampling.should_pause(rejected + 1, judged, limit)
    assert sampling.should_pause(rejected, judged + 1, limit) <= stops


@given(st.lists(st.tuples(st.floats(0, 100), st.booleans(), st.floats(0.05, 1.0)), min_size=1, max_size=40))
def test_rates_by_score_fall_and_stay_shares(rows: list[tuple[float, bool, float]]) -> None:
    scores, bad, pi = (np.array(column) for column in zip(*rows, strict=True))
    labels = calibration.Labels(scores.astype(np.float64), bad.astype(np.bool_), pi.astype(np.float64))
    rate, error = calibration.ipw_rate(labels)
    assert rate is not None and -EPS <= rate <= 1.0 + EPS and error >= 0.0
    curve = calibration.isotonic(labels).at(np.linspace(0, 100, 21))
    assert np.all(np.diff(curve) <= EPS) and curve.min() >= -EPS and curve.max() <= 1.0 + EPS


@settings(max_examples=40)
@given(st.integers(1, 120), st.sets(st.integers(0, 119), max_size=6), st.integers(0, 119))
def test_a_find_more_never_releases_a_lot_that_was_stopped(size: int, ranks: set[int], more: int) -> None:
    plan = lots.learn_plan(size, "", lots.Promise())
    ranks = {rank for rank in ranks if rank < size}
    few = lots.decide(plan, size, sorted(ranks))
    many = lots.decide(plan, size, sorted(ranks | {more % size}))
    assert (many.action == "release") <= (few.action == "release")
