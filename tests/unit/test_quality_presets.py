"""Pure parts of presets that learn: bans, comparing, where a study begins, what an unseen picture does to a canary."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.params import STANDARD_PRESET
from reviewapp.enums import RejectReason
from reviewapp.policies.learning import replaced
from reviewapp.policies.quality import bans, canary, comparing, studying, tuning
from reviewapp.policies.quality.calibration import kolmogorov_smirnov, logistic, signed_logistic

BASE = STANDARD_PRESET.to_dict()


def with_(**changes: Any) -> dict[str, Any]:
    params = BASE
    for path, value in changes.items():
        params = replaced(params, path.replace("__", "."), value)
    return params


def test_the_region_of_a_ban_is_half_a_step_round_what_failed_and_leaves_the_parent_out() -> None:
    failed = with_(edge__radius_ratio=0.010, edge__decontaminate=False)
    where = bans.region(BASE, failed)
    assert where == {"edge.radius_ratio": [0.008, 0.012], "edge.decontaminate": False}
    assert bans.is_banned(failed, [where])
    assert not bans.is_banned(BASE, [where])
    assert not bans.is_banned(with_(edge__radius_ratio=0.010), [where]), "all that it had changed must be alike"
    assert not bans.is_banned(with_(edge__radius_ratio=0.013, edge__decontaminate=False), [where])
    assert bans.region(BASE, BASE) == {} and not bans.is_banned(failed, [{}]) and not bans.is_banned(failed, [])


@given(st.floats(0.001, 0.03), st.floats(0.001, 0.03))
def test_a_failed_step_is_always_banned_and_its_parent_never(old: float, new: float) -> None:
    parent, failed = with_(edge__radius_ratio=old), with_(edge__radius_ratio=new)
    where = bans.region(parent, failed)
    if abs(new - old) > 1e-6:
        assert bans.is_banned(failed, [where]) and not bans.is_banned(parent, [where])


def test_only_what_lies_beyond_a_measures_limit_is_better_or_worse() -> None:
    old = [{"total": 75.0, "halo": 1.5, "specks": 0.001, "psnr": 30.0}, {"total": 75.0, "halo": 1.4, "specks": 0.002,
            "psnr": 31.0}]  # fmt: skip
    new = [{"total": 95.0, "halo": 0.1, "specks": 0.004, "psnr": 20.0}, {"total": 97.0, "halo": 0.0, "specks": 0.005,
            "psnr": 20.0}]  # fmt: skip
    rows = {row.name: row for row in comparing.compare(old, new, limits={"halo": 0.7, "specks": 0.012})}
    assert (rows["total"].verdict, rows["halo"].verdict) == ("better", "better")
    assert rows["halo"].change == pytest.approx(-0.75) and rows["halo"].champion == pytest.approx(1.45)
    assert (rows["specks"].verdict, rows["specks"].worse) == ("same", 0), "within its limit it finds no fault"
    assert rows["psnr"].verdict == "same", "told, not judged"
    back = {row.name: row.verdict for row in comparing.compare(new, old, limits={"halo": 0.7})}
    assert (back["total"], back["halo"]) == ("worse", "worse")


def test_comparing_nothing_gives_nothing_and_different_photos_are_refused() -> None:
    assert comparing.compare([], []) == []
    with pytest.raises(ValueError, match="same photos"):
        comparing.compare([{"total": 1.0}], [])
    one = comparing.compare([{"total": 80.0}], [{"total": 80.0}])[0]
    assert asdict(one)["verdict"] == "same" and one.error == 0.0


def test_a_photo_without_a_measure_counts_as_faultless_and_odd_values_are_cut() -> None:
    row = comparing.feature_row({"background": 25.0, "halo": 99.0})
    assert len(row) == len(comparing.FEATURES)
    values = dict(zip(comparing.FEATURES, row, strict=True))
    assert (values["halo"], values["missing_edge"], values["detail"]) == (4.0, 0.0, 1.0)


def test_a_choice_that_a_reason_suggests_is_a_start_of_its_own() -> None:
    coarse = with_(edge__refinement="low", edge__decontaminate=False)
    begun = studying.beginning(coarse, [("edge_halo", "")], [("edge.decontaminate", True)])
    assert begun.starts[0] == coarse and len(begun.starts) == 3
    assert begun.starts[1]["edge"]["decontaminate"] is True and begun.starts[1]["edge"]["refinement"] == "low"
    assert begun.starts[2]["edge"]["refinement"] == "medium"
    assert begun.paths == ("edge.radius_ratio",) and begun.nudge == {"edge.radius_ratio": 0.005}
    tuning.dimensions(begun.paths)


@pytest.mark.parametrize("reason", list(RejectReason))
def test_every_reason_begins_somewhere_and_its_paths_can_be_searched(reason: RejectReason) -> None:
    begun = studying.beginning(BASE, [(reason.value, "")])
    assert begun.starts[0] == BASE
    tuning.dimensions(begun.paths)
    moved = studying.with_values(BASE, begun.nudge)
    assert {change["path"] for change in studying.changes(BASE, moved)} == set(begun.nudge)
    assert studying.largest_step(BASE, moved) <= tuning.REACH


def test_the_crop_tells_its_direction_the_rest_needs_a_word() -> None:
    assert studying.direction("crop_fill", [{"fill": 0.6}, {"fill": 0.7}, {}], 0.85) == "too_small"
    assert studying.direction("crop_fill", [{"fill": 0.95}], 0.85) == "too_large"
    said = ["too_strong", "too_strong", "too_weak", "", "too_strong"]
    assert studying.direction("colour_shift", [], 0.85, {}, said) == "too_strong", "two thirds of one mind"
    assert studying.direction("colour_shift", [], 0.85, {}, said[:3]) == "", "two are a habit"
    assert studying.direction("crop_fill", [{"fill": 0.6}], 0.85, {}, ["too_large"] * 3) == "too_large", (
        "said beats seen"
    )
    assert studying.direction("crop_fill", [], 0.85) == "" == studying.direction("shadow", [{"fill": 0.6}], 0.85)


def test_what_people_moved_at_the_desk_tells_the_way_and_the_wish() -> None:
    lighter = {"shadow.opacity": [-0.05, -0.1, -0.1], "edge.decontaminate": [1.0] * 5, "shadow.blur_px": [5.0]}
    assert studying.direction("shadow", [], 0.85, lighter) == "too_dark"
    assert studying.direction("shadow", [], 0.85, {"shadow.opacity": [0.1]}) == "too_light"
    assert studying.direction("shadow", [], 0.85, {"shadow.blur_px": [10.0]}) == "too_hard"
    assert studying.wished(lighter, BASE) == [("shadow.opacity", pytest.approx(0.1))], "thrice, a number, not undone"
    assert studying.wished({}, BASE) == []


def test_pictures_that_get_no_look_trip_the_wire_by_themselves() -> None:
    trial = canary.started(canary.Activation(2, 1, 7, {"why": 1}), 0.01, 0.9)
    for _ in range(200):
        trial = canary.missed(trial)
    assert trial.state == "rolled_back" and trial.looks == 0
    assert canary.missed(trial) == trial, "nothing changes once it has ended"
    calm = canary.started(canary.Activation(2, 1, 7, {"why": 1}), 0.01, 0.9)
    for at in range(200):
        calm = canary.missed(calm, passes_threshold=at % 10 > 0)
    assert calm.state == "running"


def test_ks_sees_a_shift_and_nothing_where_there_is_none() -> None:
    rng = np.random.default_rng(1)
    calm, other, moved = rng.normal(90, 3, 400), rng.normal(90, 3, 400), rng.normal(88, 3, 400)
    assert kolmogorov_smirnov(calm, moved)[1] < 1e-6 < 0.05 < kolmogorov_smirnov(calm, other)[1]
    assert kolmogorov_smirnov(calm, np.array([])) == (0.0, 1.0)
    gap, _ = kolmogorov_smirnov(np.zeros(5), np.ones(5))
    assert gap == 1.0


def test_what_means_worse_never_counts_as_better_whoever_was_approved() -> None:
    rng = np.random.default_rng(2)
    # Hard photos have wide edges and were approved; halos were rejected: a free fit takes wide edges for good.
    halo = np.r_[rng.uniform(1, 2, 40), np.zeros(15)]
    width = np.r_[rng.uniform(8, 10, 40), rng.uniform(10, 14, 15)]
    rows, bad = np.stack([halo, width], axis=1), np.r_[np.ones(40, np.bool_), np.zeros(15, np.bool_)]
    free = logistic(rows, bad, np.ones(55))
    kept = signed_logistic(rows, bad, np.ones(55), np.array([1.0, 1.0]))
    assert free.slopes[1] < 0 and kept.slopes[1] == 0.0 < kept.slopes[0]
    assert kept.at(np.array([[0.0, 5.0]]))[0] < 0.4 < 0.8 < kept.at(np.array([[1.5, 9.0]]))[0]
    nothing = signed_logistic(np.zeros((0, 2)), np.zeros(0, np.bool_), np.zeros(0), np.ones(2))
    assert nothing.at(np.zeros((1, 2)))[0] == 0.5
    with pytest.raises(ValueError, match="sign"):
        signed_logistic(rows, bad, np.ones(55), np.zeros(2))


def test_a_study_is_due_by_the_policys_own_numbers() -> None:
    assert tuning.is_due(40, 0.03) and not tuning.is_due(39, 0.03) and not tuning.is_due(40, 0.02)
    assert tuning.is_due(5, 0.06, 5, 0.05) and not tuning.is_due(4, 0.06, 5, 0.05)


def test_a_search_sees_a_reason_only_where_the_fit_learned_of_it() -> None:
    assert studying.is_seen("edge_halo", {})
    assert not studying.is_seen("shadow", {"edge": -1.0}), "nothing of the score is about shadows"
    assert not studying.is_seen("crop_fill", {"fill_part": 0.0, "edge": -1.0}), "all photos were framed alike"
    assert studying.is_seen("crop_fill", {"fill_part": -0.3})
