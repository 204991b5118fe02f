"""The steps a reject reason proposes: small, one at a time, always inside the bounds (FBK-01)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.errors import InputRejected
from processing.params import STANDARD_PRESET, ProcessingParams
from reviewapp.enums import RejectReason
from reviewapp.policies import learning

STANDARD = STANDARD_PRESET.to_dict()
PATHS = {line.path: line for line in ProcessingParams.describe()}


@pytest.mark.parametrize(
    ("reason", "path", "old", "new"),
    [
        ("edge_halo", "edge.radius_ratio", 0.006, 0.005),
        ("edge_rough", "edge.working_side", 1600, 2000),
        ("partial_removal", "edge.working_side", 1600, 2000),
        ("background_left", "edge.radius_ratio", 0.006, 0.005),
        ("colour_shift", "colour.saturation", 5, 0),
        ("shadow", "shadow.opacity", 0.2, 0.15),
        ("crop_fill", "geometry.centring", "box", "mass"),
        ("resolution", "colour.exposure_limit", 0.15, 0.1),
    ],
)
def test_fbk01_the_first_step_from_the_standard_preset(reason: str, path: str, old: object, new: object) -> None:
    draft = learning.draft(STANDARD, reason)
    assert draft is not None and draft.changes == [{"path": path, "old": old, "new": new}]
    assert learning.read(draft.params, path) == new


def test_a_low_setting_is_raised_before_finer_ones_are_touched() -> None:
    params = learning.replaced(STANDARD, "edge.refinement", "low")
    draft = learning.draft(params, "edge_halo")
    assert draft is not None and draft.changes == [{"path": "edge.refinement", "old": "low", "new": "medium"}]


def test_saturation_moves_toward_zero_from_both_sides_and_stops_there() -> None:
    negative = learning.draft(learning.replaced(STANDARD, "colour.saturation", -12), "colour_shift")
    assert negative is not None and negative.changes[0]["new"] == -7
    zero = learning.draft(learning.replaced(STANDARD, "colour.saturation", 0), "colour_shift")
    assert zero is not None and zero.changes[0]["path"] == "colour.contrast"


@pytest.mark.parametrize("reason", list(RejectReason))
def test_repeating_a_reason_ends_instead_of_running_out_of_bounds(reason: RejectReason) -> None:
    params, seen = STANDARD, set()
    for _step in range(100):
        draft = learning.draft(params, reason)
        if draft is None:
            break
        params = draft.params
        key = ProcessingParams.from_dict(params).digest()
        assert key not in seen, "a step must never lead back"
        seen.add(key)
    else:
        pytest.fail(f"{reason} never ends")
    assert seen


@pytest.mark.parametrize("step", [step for steps in learning.STEPS.values() for step in steps])
def test_every_step_names_a_setting_that_exists_and_a_goal_within_its_bounds(step: learning.Step) -> None:
    line = PATHS[step.path]
    if isinstance(step, learning.Toward):
        assert line.low is not None and line.high is not None and line.low <= step.goal <= line.high
    else:
        allowed = line.options or (False, True)
        assert set(step.rungs) <= set(allowed)


def test_every_reason_has_steps() -> None:
    assert set(learning.STEPS) == set(RejectReason)


@given(
    st.sampled_from(list(RejectReason)),
    st.integers(-100, 100),
    st.integers(-100, 100),
    st.floats(0, 1),
    st.floats(0.1, 1),
    st.sampled_from(["low", "medium", "high"]),
)
def test_a_draft_of_any_valid_preset_is_valid_and_changes_one_setting(
    reason: RejectReason, saturation: int, contrast: int, opacity: float, fill: float, refinement: str
) -> None:
    params = STANDARD
    for path, value in {
        "colour.saturation": saturation, "colour.contrast": contrast, "shadow.opacity": opacity,
        "geometry.fill_ratio": fill, "edge.refinement": refinement,
    }.items():  # fmt: skip
        params = learning.replaced(params, path, value)
    draft = learning.draft(params, reason)
    if draft is not None:
        assert ProcessingParams.from_dict(draft.params).to_dict() == draft.params
        differ = [path for path in PATHS if learning.read(params, path) != learning.read(draft.params, path)]
        assert differ == [draft.changes[0]["path"]]


def test_a_preset_that_is_not_valid_is_refused() -> None:
    with pytest.raises(InputRejected):
        learning.draft({"nonsense": 1}, "shadow")


def test_the_input_is_not_changed() -> None:
    before = STANDARD_PRESET.to_dict()
    learning.draft(before, "shadow")
    assert before == STANDARD_PRESET.to_dict()


def test_shares_count_each_decision_once_per_reason_with_an_interval() -> None:
    decisions = [
        learning.Judged(1, True, ("shadow", "shadow")),
        learning.Judged(2, True, ("shadow", "edge_halo")),
        learning.Judged(3, False, ("shadow",)),
        *(learning.Judged(n, False, ()) for n in range(4, 11)),
    ]
    first, second = learning.shares(decisions)
    assert (first.reason, first.count, first.decisions, first.decision_ids) == (RejectReason.SHADOW, 2, 10, (1, 2))
    # Clopper-Pearson for 2 of 10, from published tables: 2.52 % to 55.61 %.
    assert (first.share, first.low, first.high) == pytest.approx((0.2, 0.0252, 0.5561), abs=1e-4)
    assert (second.reason, second.count) == (RejectReason.EDGE_HALO, 1)
    assert learning.shares([]) == []


@pytest.mark.parametrize(
    ("count", "of", "is_enough"), [(5, 50, True), (4, 10, False), (5, 100, False), (5, 99, True), (6, 100, True)]
)
def test_evidence_needs_the_count_and_more_than_the_share(count: int, of: int, is_enough: bool) -> None:
    share = learning.ReasonShare(RejectReason.SHADOW, count, of, count / of, 0, 1, ())
    assert learning.is_evidence(share, min_count=5, limit=0.05) is is_enough
