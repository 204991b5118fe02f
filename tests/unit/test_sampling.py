"""Sample sizes, reproducible draws, the stop rule, the escape rate's interval (SMP-01, 02, 03, 10, 11)."""

from __future__ import annotations

import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewapp.policies.sampling import (
    draw,
    first_size,
    population_digest,
    rejection_interval,
    sample_size,
    should_pause,
)

SEED = "a1" * 32
HASHES = [hashlib.sha256(str(n).encode()).hexdigest() for n in range(50)]


@pytest.mark.parametrize(("n", "size"), [(0, 0), (1, 1), (5, 1), (9, 1), (10, 1), (19, 1), (25, 2), (100, 10)])
def test_smp01_worked_values(n: int, size: int) -> None:
    assert sample_size(n, 0.1) == size


@pytest.mark.parametrize(("n", "rate", "size"), [(100, 0.29, 29), (100, 0.57, 57), (1000, 0.15, 150), (7, 1.0, 7)])
def test_smp02_the_rate_is_taken_in_decimal(n: int, rate: float, size: int) -> None:
    assert sample_size(n, rate) == size


@pytest.mark.parametrize("rate", [-0.01, 1.01, float("nan")])
def test_smp02_a_rate_outside_0_to_1_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="rate"):
        sample_size(10, rate)


def test_a_rate_of_zero_turns_sampling_off() -> None:
    assert sample_size(100, 0.0) == 0


@given(st.integers(1, 10_000), st.floats(0.01, 1.0))
def test_smp01_between_one_and_everything(n: int, rate: float) -> None:
    assert 1 <= sample_size(n, rate) <= n


@given(st.randoms(use_true_random=False), st.integers(0, 60))
def test_smp11_the_draw_does_not_depend_on_the_order(rng: random.Random, size: int) -> None:
    shuffled = HASHES[:]
    rng.shuffle(shuffled)
    assert draw(SEED, shuffled, size) == draw(SEED, HASHES, size)


def test_smp11_members_are_distinct_and_from_the_population() -> None:
    members = draw(SEED, HASHES + HASHES, 10)
    assert len(set(members)) == 10
    assert set(members) <= set(HASHES)


def test_smp11_another_seed_draws_others() -> None:
    assert draw(SEED, HASHES, 5) != draw("b2" * 32, HASHES, 5)


def test_smp11_a_smaller_sample_is_the_head_of_a_bigger_one() -> None:
    assert draw(SEED, HASHES, 10)[:4] == draw(SEED, HASHES, 4)


def test_every_photo_is_drawn_about_equally_often() -> None:
    drawn = [sha for n in range(400) for sha in draw(f"{n:064x}", HASHES, 5)]
    counts = [drawn.count(sha) for sha in HASHES]
    # 400 draws of 5 in 50: 40 each, standard deviation 6.
    assert min(counts) >= 15 and max(counts) <= 65


def test_draw_refuses_nonsense() -> None:
    with pytest.raises(ValueError, match="impossible"):
        draw(SEED, HASHES, -1)
    with pytest.raises(ValueError, match="hexadecimal"):
        draw("not hex", HASHES, 1)


@pytest.mark.parametrize(
    ("rejected", "judged", "pauses"),
    [(0, 0, False), (1, 1, False), (2, 2, True), (2, 20, True), (2, 21, False), (3, 30, True), (10, 100, True)],
)
def test_smp03_stop_rule(rejected: int, judged: int, pauses: bool) -> None:
    assert should_pause(rejected, judged, 2) is pauses


def test_smp03_a_limit_of_zero_never_pauses() -> None:
    assert not should_pause(5, 5, 0)


def test_smp10_clopper_pearson_worked_values() -> None:
    # 0 of 10: the upper bound solves (1 - p)^10 = 0.025.
    low, high = rejection_interval(0, 10)
    assert low == 0.0
    assert high == pytest.approx(1 - 0.025**0.1, abs=1e-9)
    # 2 of 20, as in the tables of Clopper and Pearson.
    assert rejection_interval(2, 20) == pytest.approx((0.0123, 0.3170), abs=1e-4)
    assert rejection_interval(5, 5)[1] == 1.0
    assert rejection_interval(0, 0) == (0.0, 1.0)


@given(st.integers(0, 300), st.data())
def test_smp10_the_interval_holds_the_estimate(judged: int, data: st.DataObject) -> None:
    rejected = data.draw(st.integers(0, judged))
    low, high = rejection_interval(rejected, judged)
    assert 0.0 <= low <= high <= 1.0
    if judged:
        assert low <= rejected / judged <= high


def test_smp10_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="impossible"):
        rejection_interval(3, 2)


@pytest.mark.parametrize(
    ("n", "share", "size"), [(0, 0.1, 0), (3, 0.1, 3), (5, 0.1, 5), (49, 0.1, 5), (60, 0.1, 6), (100, 0.29, 29)]
)
def test_smp06_a_first_sample_is_a_share_five_at_least_and_never_more_than_there_are(
    n: int, share: float, size: int
) -> None:
    assert first_size(n, share) == size


def test_smp06_a_share_of_nothing_samples_nothing_and_an_impossible_one_is_refused() -> None:
    assert first_size(100, 0.0) == 0
    with pytest.raises(ValueError, match="rate"):
        first_size(100, 1.5)


def test_smp11_the_digest_is_one_of_the_set_not_of_its_order() -> None:
    assert population_digest(HASHES) == population_digest([*reversed(HASHES), HASHES[0]])
    assert population_digest(HASHES) != population_digest(HASHES[1:])
