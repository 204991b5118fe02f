"""Bounds, lot plans, the order: golden values of the design, exact coverage, edges (SMP-01..11)."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from reviewapp.policies.quality import bounds, order, plans

SEED = "a1" * 32


def test_golden_clopper_pearson() -> None:
    assert bounds.cp_upper(0, 149) == pytest.approx(0.0199, abs=5e-5)
    assert bounds.cp_upper(0, 0) == 1.0
    assert bounds.cp_upper(7, 7) == 1.0
    assert bounds.cp_lower(0, 0) == 0.0


def test_golden_single_plans() -> None:
    assert plans.n_single(1000, 0) == 132
    assert plans.n_single(100, 0) == 63
    assert plans.n_single(0, 0) == 0


@pytest.mark.parametrize(
    ("lot", "sight", "boundaries"),
    [
        (1000, 1.0, (149, 220, 276, 323)),
        (1000, 0.85, (176, 259, 325, 381)),
        (500, 0.85, (151, 214, 259, 294)),
        (200, 0.85, (109, 142, 161, 174)),
        (120, 0.85, (89, 108, 117)),
    ],
)
def test_golden_expanding_audits(lot: int, sight: float, boundaries: tuple[int, ...]) -> None:
    assert plans.expanding(lot, sensitivity=sight)[:4] == boundaries


@pytest.mark.parametrize(("lot", "sight"), list(itertools.product((100, 500, 1000, 5000), (1.0, 0.85))))
def test_golden_risk_stays_below_five_percent(lot: int, sight: float) -> None:
    found = plans.expanding(lot, sensitivity=sight)
    assert 0.04 < plans.release_risk(lot, found, sensitivity=sight) <= 0.0500


@pytest.mark.parametrize(("looks", "limit"), [(0, 2), (29, 2), (60, 2), (70, 3), (80, 4), (100, 5), (200, 8)])
def test_golden_hold_limits(looks: int, limit: int) -> None:
    assert plans.hold_limit(looks, 0.02, 0.85) == limit


def test_golden_defects_behind_a_rate() -> None:
    found = [bounds.binomial_defects_upper(finds, 0.1) for finds in range(6)]
    assert [most - finds for finds, most in enumerate(found) if most is not None] == [28, 44, 58, 72, 84, 97]
    assert bounds.binomial_defects_upper(0, 0.0) is None


def _exact_risk(lot: int, stages: tuple[int, ...], bad: int, sight: float, limit: int) -> float:
    """P(released with more than `limit` left), by looking at every place the defects can have and every miss."""
    total = 0.0
    places = list(itertools.combinations(range(lot), bad))
    for defects in places:
        for seen in itertools.product((True, False), repeat=bad):
            chance = np.prod([sight if is_seen else 1 - sight for is_seen in seen]) / len(places)
            finds = [place for place, is_seen in zip(defects, seen, strict=True) if is_seen]
            for stage, looks in enumerate(stages):
                inside = sum(place < looks for place in finds)
                if inside <= stage:
                    total += chance * (bad - inside > limit)
                    break
    return total


@pytest.mark.parametrize("sight", [1.0, 0.7])
def test_the_risk_is_that_of_every_possible_lot(sight: float) -> None:
    lot, stages, alpha = 12, (4, 7, 9), 0.17
    limit = bounds.tolerated(lot, alpha)
    exact = max(_exact_risk(lot, stages, bad, sight, limit) for bad in range(limit + 1, 8))
    assert plans.release_risk(lot, stages, alpha, sight) == pytest.approx(exact, abs=1e-12)


@pytest.mark.parametrize("sight", [1.0, 0.85])
def test_more_defects_than_are_searched_are_never_riskier(sight: float) -> None:
    """`release_risk` stops at D1 + J; up to twice as many defects are no riskier."""
    lot, stages = 60, (30, 42, 50)
    risk, limit = plans.release_risk(lot, stages, 0.02, sight), bounds.tolerated(lot, 0.02)
    released = plans._released(lot, stages, 30)
    for bad in range(limit + 1, 31):
        spare = bad - limit - 1
        part = bounds.thinning(bad, sight) @ released[: bad + 1, : spare + 1].sum(axis=1)
        assert part <= risk + 1e-12


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 400), st.sampled_from([0.85, 0.7]))
def test_audit_and_inspection_together_keep_the_risk(lot: int, sight: float) -> None:
    error = plans.inspection_error(lot, 0.02, 0.05, sight)
    assert 0.0 < error <= 0.05
    if error > 0.05 * 0.5**8:
        assert plans._whole_risk(lot, plans.expanding(lot, sensitivity=sight), 0.02, error, sight) <= 0.05


@given(st.integers(1, 40), st.integers(0, 40), st.integers(0, 40), st.sampled_from([1.0, 0.8]))
def test_finite_bounds_cover(lot: int, bad: int, looks: int, sight: float) -> None:
    bad, looks = min(bad, lot), min(looks, lot)
    cover = 0.0
    before = 0.0
    for finds in range(min(bad, looks) + 1):
        upto = bounds.found_at_most(finds, bad, lot, looks, sight)
        if bounds.defects_upper(lot, finds, looks, 0.05, sight) >= bad:
            cover += upto - before
        before = upto
    assert before == pytest.approx(1.0)
    assert cover >= 0.95 - 1e-9


@given(st.integers(1, 400), st.integers(0, 30), st.floats(0.001, 0.4))
def test_clopper_pearson_is_monotone_and_agrees_with_its_definition(looks: int, finds: int, delta: float) -> None:
    finds = min(finds, looks)
    upper = bounds.cp_upper(finds, looks, delta)
    assert bounds.cp_lower(finds, looks, delta) <= finds / looks <= upper
    assert bounds.cp_upper(finds, looks + 1, delta) <= upper
    assert bounds.cp_upper(min(finds + 1, looks), looks, delta) >= upper
    assert bounds.cp_upper(finds, looks, delta / 2) >= upper
    if finds < looks:
        assert stats.binom.cdf(finds, looks, upper) == pytest.approx(delta, rel=1e-6)
    each = bounds.cp_upper_each(np.array([float(finds)]), np.array([float(looks)]), delta)
    assert each[0] == pytest.approx(upper)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 900), st.integers(0, 5), st.sampled_from([1.0, 0.85]))
def test_single_plans_are_minimal_and_monotone(lot: int, accept: int, sight: float) -> None:
    looks = plans.n_single(lot, accept, 0.02, 0.05, sight)
    bad = bounds.tolerated(lot, 0.02) + 1 + accept
    if looks is None:
        assert bad > lot or bounds.found_at_most(accept, bad, lot, lot, sight) > 0.05
        return
    assert bounds.found_at_most(accept, bad, lot, looks, sight) <= 0.05
    assert bounds.found_at_most(accept, bad, lot, looks - 1, sight) > 0.05
    more, looser, surer = (
        plans.n_single(lot, accept + 1, 0.02, 0.05, sight),
        plans.n_single(lot, accept, 0.05, 0.05, sight),
        plans.n_single(lot, accept, 0.02, 0.01, sight),
    )
    assert more is None or more >= looks
    assert looser is None or looser <= looks
    assert surer is None or surer >= looks


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 600), st.sampled_from([1.0, 0.85, 0.7]), st.sampled_from([0.01, 0.02, 0.05]))
def test_every_audit_keeps_its_risk(lot: int, sight: float, alpha: float) -> None:
    found = plans.expanding(lot, alpha, 0.05, sight)
    assert plans.release_risk(lot, found, alpha, sight) <= 0.05
    assert list(found) == sorted(set(found)) and all(0 < looks < lot for looks in found)


def test_small_lots_and_eyes_that_miss_have_no_plan() -> None:
    assert plans.expanding(49, sensitivity=0.85) == ()
    assert plans.n_single(49, 0, sensitivity=0.85) is None
    assert plans.expanding(0) == ()


def test_the_jump_guard_stops_a_lot_that_is_a_tenth_defective() -> None:
    assert [plans.jump_guard(lot) for lot in (0, 1, 40, 290, 2000)] == [0, 1, 4, 29, 29]
    looks, sight = plans.jump_guard(1000), 0.85
    none = stats.binom.pmf(0, looks, 0.1 * sight)
    one = stats.binom.pmf(1, looks, 0.1 * sight)
    assert none + one * none <= 0.10
    lone = plans.LONE_FIND_LOOKS
    assert stats.binom.cdf(1, lone, 0.1 * sight) <= 0.10 < stats.binom.cdf(1, lone - 2, 0.1 * sight)


def test_inspection_alone_cannot_rescue_a_very_bad_lot() -> None:
    assert plans.after_inspection(300, 45, sensitivity=0.85).action == "redo"  # 15 % > 13.3 %
    bad = plans.after_inspection(300, 32, sensitivity=0.85)
    assert (bad.action, bad.is_incident) == ("second_pass", True)
    assert plans.after_inspection(300, 36, sensitivity=0.85, passes=3).action == "release"
    assert plans.after_inspection(300, 2).action == "release"
    assert plans.after_inspection(49, 0, sensitivity=0.85).action == "second_pass"
    assert plans.after_inspection(50, 0, sensitivity=0.85).action == "release"
    assert plans.after_inspection(0, 0).action == "release"
    assert plans.after_inspection(20, 20, sensitivity=1.0) == plans.Inspected("release", 0, True)


@pytest.mark.parametrize(
    "call",
    [
        lambda: bounds.cp_upper(3, 2),
        lambda: bounds.cp_upper(0, 10, 0.0),
        lambda: bounds.defects_upper(10, 0, 11),
        lambda: bounds.found_at_most(0, 11, 10, 5),
        lambda: bounds.binomial_defects_upper(0, 1.5),
        lambda: bounds.tolerated(-1, 0.02),
        lambda: plans.n_single(100, -1),
        lambda: plans.expanding(100, sensitivity=0.0),
        lambda: plans.jump_guard(-1),
    ],
)
def test_impossible_numbers_are_refused(call: object) -> None:
    with pytest.raises(ValueError, match=r"impossible|outside"):
        call()  # type: ignore[operator]


@given(st.randoms(use_true_random=False))
def test_smp11_the_seed_gives_the_same_order_again(rng: object) -> None:
    ids = [f"image-{number}" for number in range(30)]
    shuffled = [*ids, ids[3]]
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert order.ordered(SEED, shuffled) == order.ordered(SEED, ids)
    assert order.rank(SEED, shuffled, order.ordered(SEED, ids)[5]) == 5


def test_smp11_seed_hash_and_shares() -> None:
    assert order.seed_hash("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert order.ordered(SEED, []) == []
    assert order.ordered(SEED, ["a", "b", "c", "d", "e", "f"]) != order.ordered("b2" * 32, list("abcdef"))
    shares = np.array([order.share_of(SEED, str(number)) for number in range(4000)])
    assert abs(shares.mean() - 0.5) < 0.02 and abs((shares < 0.1).mean() - 0.1) < 0.02
    with pytest.raises(ValueError, match="hexadecimal"):
        order.seed_hash("no hex")
