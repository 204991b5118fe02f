"""Calibration, thresholds, reviewers, tuning, duel, canary: golden values, edges, properties (FBK-01, 09, 10,
C10..C16).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.params import ProcessingParams
from reviewapp.policies.quality import calibration, canary, duel, reviewers, thresholds, tuning
from reviewapp.policies.quality.bounds import cp_lower
from reviewapp.policies.quality.calibration import Labels
from reviewapp.policies.quality.thresholds import Window


def window(count: int, bad_share: float = 0.0, seed: int = 1) -> Window:
    rng = np.random.default_rng(seed)
    scores = rng.uniform(70, 100, count)
    pi = np.where(scores >= 90, 0.1, 1.0)
    return Window(scores, pi, rng.random(count) < pi, rng.random(count) < bad_share)


@pytest.mark.parametrize(("defects", "looks"), list(enumerate([149, 236, 313, 386, 456, 523])))
def test_golden_labels_needed(defects: int, looks: int) -> None:
    assert thresholds.labels_needed(defects) == looks


def test_clean_labels_certify_and_bad_ones_never_do() -> None:
    clean = thresholds.certify(window(20_000), window(20_000, seed=2))
    assert clean.tau is not None and clean.risk is not None and clean.risk <= 0.02
    assert [row[0] for row in clean.tried] == sorted((row[0] for row in clean.tried), reverse=True)
    assert thresholds.certify(window(20_000, 0.05), window(20_000, 0.05, 2)).tau is None
    few = thresholds.certify(window(300), window(300, seed=2))
    assert few.tau is None and few.labels_needed > 0


def test_nothing_seen_proves_nothing() -> None:
    empty = window(0)
    assert thresholds.risk_upper(empty, 80) == 1.0
    assert thresholds.certify(empty, empty).tau is None
    unseen = Window(np.full(50, 95.0), np.full(50, 0.1), np.zeros(50, bool), np.zeros(50, bool))
    assert thresholds.risk_upper(unseen, 90) == 1.0
    assert thresholds.certify_redo(empty, (60, 65)) is None
    assert thresholds.human_share(np.zeros(0), 90, 70, 0.1) == 0.0


@given(st.integers(1, 400), st.integers(0, 5))
def test_risk_bounds_are_monotone_in_finds_and_error(looks: int, finds: int) -> None:
    finds = min(finds, looks - 1)
    bad = np.arange(looks) < finds
    one = Window(np.full(looks, 95.0), np.full(looks, 0.5), np.ones(looks, bool), bad)
    worse = Window(one.scores, one.pi, one.seen, np.arange(looks) < finds + 1)
    assert thresholds.risk_upper(worse, 90) >= thresholds.risk_upper(one, 90)
    assert thresholds.risk_upper(one, 90, 0.01) >= thresholds.risk_upper(one, 90, 0.05)


def test_redo_needs_fourteen_clean_looks() -> None:
    def bad(count: int) -> Window:
        return Window(np.full(count, 50.0), np.ones(count), np.ones(count, bool), np.ones(count, bool))

    assert thresholds.certify_redo(bad(14), (60,)) == 60.0
    assert thresholds.certify_redo(bad(13), (60,)) is None
    assert thresholds.good_upper(bad(14), 60) == pytest.approx(1 - 0.05 ** (1 / 14))
    few = Window(np.full(50, 50.0), np.full(50, 0.04), np.arange(50) < 3, np.ones(50, bool))
    assert thresholds.bad_looks_left(few, 60) == 11 and thresholds.bad_looks_left(few, 40) == 14
    good = replace(few, bad=np.arange(50) > 0)
    assert thresholds.bad_looks_left(good, 60) == thresholds.labels_needed(1, 0.2) - 3
    assert thresholds.redo_is_cheaper(0.9, 1.0, 2.0, 0.5) and not thresholds.redo_is_cheaper(0.7, 1.0, 2.0, 0.5)
    with pytest.raises(ValueError, match="costs nothing"):
        thresholds.redo_is_cheaper(0.9, 1.0, 0.0, 0.5)


def test_weights_undo_the_choice_of_labels() -> None:
    scores = np.r_[np.full(100, 80.0), np.full(10, 95.0)]
    bad = np.r_[np.arange(100) < 20, np.zeros(10, bool)]
    labels = Labels(scores, bad, np.r_[np.ones(100), np.full(10, 0.1)])
    assert calibration.ipw_rate(labels)[0] == pytest.approx(0.1)
    curve = calibration.isotonic(labels)
    assert curve.at(np.array([80.0, 95.0])) == pytest.approx([0.2, 0.0])
    assert calibration.inclusion(95, 90, 70, 0.1) == 0.1
    assert [calibration.inclusion(score, 90, 70, 0.1) for score in (80, 60)] == [1.0, calibration.EXPLORED]
    none = Labels(np.zeros(0), np.zeros(0, bool), np.zeros(0))
    assert calibration.ipw_rate(none) == (None, float("inf"))
    assert np.isnan(calibration.isotonic(none).at(np.array([90.0]))).all()


@pytest.mark.parametrize("pi", [0.0, 1.1, float("nan")])
def test_labels_without_a_logged_chance_are_refused(pi: float) -> None:
    with pytest.raises(ValueError, match="inclusion"):
        Labels(np.array([90.0]), np.array([True]), np.array([pi]))


def test_a_logistic_fit_finds_the_slope_and_survives_nothing() -> None:
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(4000, 2))
    bad = rng.random(4000) < 1 / (1 + np.exp(-(rows[:, 0] * 2 - 1)))
    fit = calibration.logistic(rows, bad, np.ones(4000), ridge=1.0)
    assert fit.slopes / fit.scale == pytest.approx([2.0, 0.0], abs=0.2)
    assert calibration.logistic(np.zeros((0, 2)), np.zeros(0, bool), np.zeros(0)).at(rows[:1])[0] == 0.5
    clean = calibration.logistic(rows[:50], np.zeros(50, bool), np.ones(50))
    assert clean.at(rows[:50]).max() < 0.2


def test_groups_are_shrunk_and_drift_is_seen() -> None:
    shrunk = calibration.empirical_bayes(np.array([9.0, 0.0, 0.0]), np.array([200.0, 200.0, 0.0]))
    assert 0.0 < shrunk[1].mean < shrunk[0].mean < 0.06
    assert calibration.empirical_bayes(np.zeros(0), np.zeros(0)) == []
    rng = np.random.default_rng(1)
    before = rng.normal(90, 4, 4000)
    assert calibration.population_stability(before, rng.normal(90, 4, 4000)) < 0.05
    assert calibration.population_stability(before, rng.normal(86, 4, 4000)) > 0.25
    assert calibration.population_stability(before, np.zeros(0)) == 0.0


@pytest.mark.parametrize(("shown", "bound"), [(30, 0.76), (60, 0.83), (100, 0.86), (200, 0.88)])
def test_golden_sensitivity_bounds(shown: int, bound: float) -> None:
    # 92 % of 30 is no whole number: the design's figure lies between its neighbours.
    low, high = (reviewers.sensitivity_bound(found, shown) for found in (int(0.92 * shown), -(-92 * shown // 100)))
    assert low - 0.006 <= bound <= high + 0.006


def test_no_gold_is_distrusted_and_misses_alarm() -> None:
    assert reviewers.sensitivity_bound(0, 0) == 0.70
    assert 0.0 < reviewers.sensitivity_bound(0, 40) < 0.01
    assert reviewers.sensitivity_bound(1, 1) > 0.70 and 0.65 < reviewers.sensitivity_bound(7, 8) < 0.80
    assert reviewers.sensitivity_bound(4, 8) < 0.50 and reviewers.sensitivity_bound(0, 3) < 0.50, "they contradict it"
    assert reviewers.sensitivity_bound(18, 20) == pytest.approx(cp_lower(18, 20, 0.05)), "enough: Clopper-Pearson"
    assert reviewers.reviewer_stats([]).s_L == 0.70 and reviewers.reviewer_stats([]).sp_L is None
    assert not reviewers.reviewer_stats([(True, True), (False, False)] * 100).is_alarm
    assert reviewers.reviewer_stats([(True, False), (False, False)] * 7).is_alarm
    assert reviewers.reviewer_stats([(False, True)] * 9).is_alarm


def test_agreement_and_its_paradox() -> None:
    rare, common = (1, 2, 2, 995), (100, 10, 10, 280)
    kappas = [reviewers.cohen_kappa(table) for table in (rare, common)]
    agreed = [reviewers.gwet_ac1(table) for table in (rare, common)]
    assert kappas[0] is not None and kappas[1] is not None and kappas[0] < 0.4 < kappas[1]
    assert agreed[0] is not None and agreed[0] > 0.99
    assert reviewers.cohen_kappa((0, 0, 0, 0)) is None and reviewers.gwet_ac1((0, 0, 0, 0)) is None
    assert reviewers.cohen_kappa((0, 0, 0, 50)) is None
    assert reviewers.fleiss_kappa([0, 3, 0, 3], 3) == pytest.approx(1.0)
    assert reviewers.fleiss_kappa([], 3) is None
    assert not reviewers.prevalence_allows_kappa(0, 0) and reviewers.prevalence_allows_kappa(10, 100)


def test_true_rates_and_bias() -> None:
    assert reviewers.rogan_gladen(0.10 * 0.9 + 0.90 * 0.05, 0.9, 0.95) == pytest.approx(0.10)
    assert reviewers.rogan_gladen(0.0, 0.9, 0.95) == 0.0
    assert reviewers.rogan_gladen(0.5, 0.5, 0.5) is None
    found = reviewers.bias([10, 12, 60, 0], [100, 100, 100, 0])
    assert [one.is_flagged for one in found] == [True, True, True, False] and found[3].rate is None
    assert not any(one.is_flagged for one in reviewers.bias([10, 12, 9], [100, 100, 100]))
    assert reviewers.bias([], []) == []
    assert sum(reviewers.gold_due(place) for place in range(1000)) == 50


def test_reasons_with_a_direction_nudge_real_settings_within_bounds() -> None:
    params = ProcessingParams().to_dict()
    assert dict(tuning.nudges(params, "crop_fill", "too_small"))["geometry.fill_ratio"] == pytest.approx(0.87)
    assert dict(tuning.nudges(params, "crop_fill", "too_large"))["geometry.fill_ratio"] == pytest.approx(0.83)
    assert tuning.nudges(params, "crop_fill", "sideways") == []
    space = tuning.dimensions(["geometry.fill_ratio", "shadow.blur_px"])
    assert [one.is_whole for one in space] == [False, True]
    assert space[0].around(0.85) == (pytest.approx(0.715), pytest.approx(0.985))
    with pytest.raises(ValueError, match="searched"):
        tuning.dimensions(["edge.refinement"])


def test_the_search_stays_within_reach_and_replays() -> None:
    space = [tuning.Dimension("a", 0.0, 1.0), tuning.Dimension("b", 0, 100, is_whole=True)]

    def score(chosen: Any) -> float:
        return 100.0 - 50 * (chosen["a"] - 0.9) ** 2 - abs(chosen["b"] - 60) / 10

    start = {"a": 0.5, "b": 50.0}
    found = tuning.search(score, start, space, seeds=[{"a": 0.95}], trials=25, seed=4)
    assert found == tuning.search(score, start, space, seeds=[{"a": 0.95}], trials=25, seed=4)
    assert found.champion_value == score(start) and found.is_worth_a_duel
    assert tuning.largest_step(start, found.best, space) <= tuning.REACH + 1e-9
    assert tuning.search(score, start, space, trials=0).gain == 0.0
    assert tuning.search(lambda chosen: 3.0, start, []) == tuning.Found({}, 3.0, 3.0, (({}, 3.0),))


def test_a_replay_set_speaks_of_the_traffic() -> None:
    rejected, approved = [("r1", 1.0), ("r2", 0.1)], [("a1", 0.1)]
    found = tuning.replay_set(rejected, approved, (22.0, 978.0))
    assert found.weights == pytest.approx([2.0, 20.0, 978.0])
    assert found == tuning.replay_set(rejected, approved, (22.0, 978.0))
    assert tuning.replay_set([], [], (0.0, 0.0)).ids == ()
    with pytest.raises(ValueError, match="inclusion"):
        tuning.replay_set([("x", 0.0)], [], (1.0, 0.0))
    assert (
        tuning.objective(
            calibration.logistic(np.zeros((0, 1)), np.zeros(0, bool), np.zeros(0)), np.zeros((0, 1)), np.zeros(0)
        )
        == 0.0
    )
    assert tuning.is_due(40, 0.03) and not tuning.is_due(39, 0.5) and not tuning.is_due(400, 0.02)


def test_duels() -> None:
    better = [duel.Pair(True, False)] * 9 + [duel.Pair(False, False)] * 50
    assert duel.decide(better).is_won
    assert not duel.decide([duel.Pair(True, False), duel.Pair(False, True)] * 9).is_won
    grave = [duel.Pair(False, True, was_approved=True, grave=True)] * 2
    assert not duel.decide([*better, *grave]).is_won and "lost a part" in duel.decide([*better, *grave]).why
    assert not duel.decide([]).is_won
    with pytest.raises(ValueError, match="weight"):
        duel.decide([duel.Pair(True, False, weight=0.0)])
    assert duel.discordant_evidence(0, 0) == pytest.approx(1.0)
    assert duel.discordant_evidence(9, 0) > duel.ROLLBACK_AT > duel.discordant_evidence(4, 1)


@given(st.integers(0, 12))
def test_the_duels_evidence_is_fair(total: int) -> None:
    from scipy.stats import binom

    mean = sum(binom.pmf(b, total, 0.5) * duel.discordant_evidence(b, total - b) for b in range(total + 1))
    assert mean == pytest.approx(1.0)


def activated() -> canary.Activation:
    return canary.Activation(version_id=2, parent_id=1, admin_id=7, evidence={"D": -0.05})


def test_a_bad_canary_rolls_itself_back_to_its_parent() -> None:
    now = canary.started(activated(), 0.01, 0.7)
    for _ in range(8):
        now = canary.judged(now, True)
    assert (now.state, now.current_id) == ("rolled_back", 1)
    assert canary.judged(now, False) == now and canary.tick(now) == now


def test_a_good_canary_is_promoted_after_a_hundred_looks() -> None:
    now = canary.started(activated(), 0.01, 0.7)
    for looks in range(100):
        assert canary.tick(now).state == "running", looks
        now = canary.judged(now, False)
    assert (canary.tick(now).state, canary.tick(now).current_id) == ("promoted", 2)
    fallen = canary.started(activated(), 0.01, 0.9)
    for _ in range(60):
        fallen = canary.judged(fallen, False, passes_threshold=False)
    assert fallen.state == "rolled_back" and "threshold" in fallen.why
    assert canary.no_worse(0, 0, 0.01) and not canary.no_worse(9, 100, 0.01)


def test_nobody_activates_without_a_person_evidence_and_rest() -> None:
    for words in ({"admin_id": 0}, {"parent_id": 0}, {"evidence": {}}):
        fields: dict[str, Any] = {"version_id": 2, "parent_id": 1, "admin_id": 7, "evidence": {"D": -1}, **words}
        with pytest.raises(ValueError, match="needs a person"):
            canary.Activation(**fields)
    assert canary.refusal(canary.Situation()) is None
    for field in (
        "canary_is_running",
        "hold_is_open",
        "reviewer_alarm_is_open",
        "score_version_changed",
        "preset_is_locked",
    ):
        assert canary.refusal(canary.Situation(**{field: True})) is not None
    assert canary.refusal(canary.Situation(largest_step=0.2)) is not None
    assert canary.refusal(canary.Situation(days_since_activation=3, images_since_activation=200)) is not None
    assert canary.refusal(canary.Situation(days_since_activation=3, images_since_activation=2000)) is None
    share = np.mean([canary.is_in_canary("a1" * 32, str(lot)) for lot in range(4000)])
    assert 0.08 < share < 0.12
