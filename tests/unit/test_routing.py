"""Lanes and routes as pure rules (RTE-01..09, CLS-08, QC-08, QC-34, B9)."""

from __future__ import annotations

import itertools

import pytest

from reviewapp.enums import Complexity, EditReason, Lane, ReviewReason, Routing
from reviewapp.policies.routing import SPECIAL_HANDLING, Scored, Thresholds, choose_lane, explored, route

LIMITS = Thresholds()


def lane(category: str = "", source: str = "pixels", complexity: str = "simple", human: bool = False) -> Lane:
    return choose_lane(category, source, complexity, human, True)[0]


def test_rte04_complexity_chooses_the_lane() -> None:
    assert lane(complexity="simple") == Lane.AUTOMATED
    assert lane(complexity="medium") == Lane.AUTOMATED_THEN_REVIEW
    assert lane(complexity="complex") == Lane.EDITING_WITH_START


def test_b18_medium_may_be_left_to_the_score() -> None:
    assert choose_lane("mugs", "metadata", "medium", False, False)[0] == Lane.AUTOMATED


@pytest.mark.parametrize("category", ["other", "unknown"])
def test_rte07_uncategorised_goes_to_people_and_says_so(category: str) -> None:
    chosen, why = choose_lane(category, "metadata", "simple", False, True)
    assert chosen == Lane.MANUAL
    assert "uncategorised" in why.lower()


def test_a_photo_without_a_category_goes_by_its_pixels() -> None:
    assert lane("", "pixels", "simple") == Lane.AUTOMATED
    assert lane("", "pixels", "complex") == Lane.EDITING_WITH_START


@pytest.mark.parametrize("complexity", [*Complexity.values, "", "nonsense"])
def test_rte09_always_human_outranks_complexity(complexity: str) -> None:
    assert lane("jewelry", "metadata", complexity, human=True) == Lane.EDITING_WITH_START


@pytest.mark.parametrize("complexity", ["", "nonsense"])
def test_cls08_an_unknown_complexity_is_never_automated(complexity: str) -> None:
    assert lane(complexity=complexity) == Lane.EDITING_WITH_START


def test_cls08_every_cell_resolves_with_a_reason() -> None:
    categories = ["", "jewelry", "books", "other", "unknown", "shoes"]
    for category, source, complexity, human, people in itertools.product(
        categories, ["metadata", "pixels"], Complexity.values, [True, False], [True, False]
    ):
        chosen, why = choose_lane(category, source, complexity, human, people)
        assert chosen in Lane.values and why.endswith(".")


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        (100.0, Routing.AUTO_APPROVE),
        (90.0, Routing.AUTO_APPROVE),
        (89.999, Routing.HUMAN_REVIEW),
        (89.5, Routing.HUMAN_REVIEW),
        (70.0, Routing.HUMAN_REVIEW),
        (69.999, Routing.REJECT_AND_REDO),
        (0.0, Routing.REJECT_AND_REDO),
    ],
)
def test_rte01_rte02_rte03_worked_values(total: float, expected: Routing) -> None:
    assert route(Scored(total, Lane.AUTOMATED), LIMITS).routing == expected


def test_rte11_thresholds_are_given() -> None:
    assert route(Scored(91.0, Lane.AUTOMATED), Thresholds(approve_at=92.0)).routing == Routing.HUMAN_REVIEW


@pytest.mark.parametrize("lane_", [Lane.EDITING_WITH_START, Lane.MANUAL])
def test_rte09_no_score_lets_a_complex_photo_skip_people(lane_: Lane) -> None:
    found = route(Scored(100.0, lane_), LIMITS)
    assert (found.routing, found.reason) == (Routing.EDITING, EditReason.COMPLEX)


def test_rte09_a_rule_made_after_classification_holds_too() -> None:
    found = route(Scored(100.0, Lane.AUTOMATED, is_always_human=True), LIMITS)
    assert (found.routing, found.reason) == (Routing.EDITING, EditReason.ALWAYS_HUMAN)


def test_qc34_rte05_background_fail_goes_to_correction_and_never_auto_approves() -> None:
    found = route(Scored(98.0, Lane.AUTOMATED, background_failed=True), LIMITS)
    assert found.routing == Routing.EDITING
    assert found.code == "route_to_correction"


def test_qc14_failed_gates_are_listed_as_sentences() -> None:
    gates = ["Visual artifacts detected: background left", "The product is cut off by the edge of the photo."]
    why = route(Scored(75.0, Lane.AUTOMATED, failed_gates=gates), LIMITS).why
    assert why == (
        "A hard check failed: Visual artifacts detected: background left. "
        "The product is cut off by the edge of the photo."
    )


def test_qc12_a_failed_gate_outranks_the_score() -> None:
    found = route(Scored(100.0, Lane.AUTOMATED, failed_gates=["The result is blank."]), LIMITS)
    assert (found.routing, found.reason) == (Routing.EDITING, EditReason.GATE)
    assert "The result is blank." in found.why


def test_what_the_line_mended_by_itself_always_meets_a_person() -> None:
    found = route(Scored(100.0, Lane.AUTOMATED, was_mended=True), LIMITS)
    assert (found.routing, found.reason, found.code) == (Routing.HUMAN_REVIEW, ReviewReason.MENDED, "mended")
    assert route(Scored(60.0, Lane.AUTOMATED, was_mended=True), LIMITS).routing == Routing.REJECT_AND_REDO


def test_rte03_a_share_of_what_is_sent_back_is_looked_at_and_nothing_else() -> None:
    low = route(Scored(61.5, Lane.AUTOMATED), LIMITS)
    assert explored(low, 61.5, LIMITS, 0.04, 0.04) is low and explored(low, 61.5, LIMITS, 0.0, 0.0) is low
    found = explored(low, 61.5, LIMITS, 0.0399, 0.04)
    assert (found.routing, found.reason, found.code) == (Routing.EXPLORED, ReviewReason.EXPLORED, "explored")
    assert found.why == "Score 61 is below 70: a person looks at a few of those all the same."
    others = (
        Scored(61.5, Lane.AUTOMATED, failed_gates=["The result is blank."]),
        Scored(61.5, Lane.AUTOMATED, background_failed=True),
        Scored(61.5, Lane.EDITING_WITH_START),
        Scored(61.5, Lane.AUTOMATED, is_always_human=True),
        Scored(75.0, Lane.AUTOMATED),
        Scored(95.0, Lane.AUTOMATED),
    )
    for scored in others:
        answer = route(scored, LIMITS)
        assert explored(answer, scored.total, LIMITS, 0.0, 1.0) is answer


def test_medium_lane_always_meets_a_person_but_a_bad_one_is_redone() -> None:
    assert route(Scored(100.0, Lane.AUTOMATED_THEN_REVIEW), LIMITS).reason == ReviewReason.MEDIUM
    assert route(Scored(60.0, Lane.AUTOMATED_THEN_REVIEW), LIMITS).routing == Routing.REJECT_AND_REDO


@pytest.mark.parametrize(
    ("watched", "words"), [(ReviewReason.PILOT, "a pilot"), (ReviewReason.FIRST_SAMPLE, "judged before the rest")]
)
def test_smp05_smp06_what_is_watched_never_ships_by_its_score_and_the_rule_is_named(
    watched: ReviewReason, words: str
) -> None:
    found = route(Scored(95.0, Lane.AUTOMATED, watched=watched), LIMITS)
    assert (found.routing, found.reason, found.code) == (Routing.HUMAN_REVIEW, watched, watched.value)
    assert "Score 95 reaches 90" in found.why and words in found.why
    # What would have gone to people anyway keeps its own reason, and a gate stays a gate.
    assert route(Scored(80.0, Lane.AUTOMATED, watched=watched), LIMITS).reason == ReviewReason.SCORE_BAND
    assert route(Scored(95.0, Lane.AUTOMATED, watched=watched, confidence=0.1), LIMITS).reason == (
        ReviewReason.LOW_CONFIDENCE
    )
    assert route(Scored(60.0, Lane.AUTOMATED, watched=watched), LIMITS).routing == Routing.REJECT_AND_REDO
    assert route(Scored(95.0, Lane.AUTOMATED, watched=watched, failed_gates=["Cut off."]), LIMITS).reason == (
        EditReason.GATE
    )


def test_qc08_not_measured_needs_a_person_when_the_policy_says_so() -> None:
    scored = Scored(95.0, Lane.AUTOMATED, colour_measured=False)
    assert route(scored, LIMITS).routing == Routing.AUTO_APPROVE
    assert route(scored, Thresholds(allow_not_measured=False)).reason == ReviewReason.NOT_MEASURED


def test_qc08_a_colour_compared_with_nothing_needs_a_person_whatever_the_policy_says() -> None:
    scored = Scored(100.0, Lane.AUTOMATED, colour_measured=False, colour_compared=False)
    for limits in (LIMITS, Thresholds(allow_not_measured=True), Thresholds(allow_not_measured=False)):
        found = route(scored, limits)
        assert (found.routing, found.reason) == (Routing.HUMAN_REVIEW, ReviewReason.NOT_MEASURED)
        assert found.code == "colour_not_compared"


def test_low_confidence_and_the_clients_rule_reach_a_person() -> None:
    limits = Thresholds(min_confidence=0.6)
    assert route(Scored(95.0, Lane.AUTOMATED, confidence=0.59), limits).reason == ReviewReason.LOW_CONFIDENCE
    assert route(Scored(95.0, Lane.AUTOMATED, confidence=0.6), limits).routing == Routing.AUTO_APPROVE
    assert route(Scored(95.0, Lane.AUTOMATED, client_wants_people=True), LIMITS).reason == ReviewReason.CLIENT_RULE


def test_an_uncertain_cutout_never_ships_by_itself_unless_the_policy_is_changed() -> None:
    assert route(Scored(100.0, Lane.AUTOMATED, confidence=0.749), Thresholds()).reason == ReviewReason.LOW_CONFIDENCE
    assert route(Scored(100.0, Lane.AUTOMATED, confidence=0.75), Thresholds()).routing == Routing.AUTO_APPROVE


def test_b9_totals_are_said_rounded_down() -> None:
    assert "89" in route(Scored(89.999, Lane.AUTOMATED), LIMITS).why


def test_only_the_score_rule_can_auto_approve() -> None:
    flags = [True, False]
    for lane_, background, gate, human, client, total in itertools.product(
        Lane, flags, flags, flags, flags, [100.0, 90.0, 89.9, 10.0]
    ):
        scored = Scored(
            total,
            lane_,
            background_failed=background,
            failed_gates=["x"] if gate else [],
            is_always_human=human,
            client_wants_people=client,
        )
        found = route(scored, LIMITS)
        may_ship = lane_ == Lane.AUTOMATED and not (background or gate or human or client) and total >= 90
        assert (found.routing == Routing.AUTO_APPROVE) == may_ship
        assert found.why and found.code


@pytest.mark.parametrize("people", [True, False])
@pytest.mark.parametrize("complexity", Complexity.values)
def test_cls14_rte10_a_flagged_photo_never_takes_the_generic_automatic_way(complexity: str, people: bool) -> None:
    for flag in SPECIAL_HANDLING:
        chosen, why = choose_lane("kettles", "metadata", complexity, False, people, ["untagged", flag])
        assert chosen in (Lane.AUTOMATED_THEN_REVIEW, Lane.EDITING_WITH_START) and why.endswith(".")


def test_cls14_the_lane_of_a_flag_never_relaxes_another() -> None:
    assert choose_lane("", "pixels", "complex", False, True, ["reflective"])[0] == Lane.EDITING_WITH_START
    assert choose_lane("", "pixels", "simple", False, True, ["reflective", "transparent"])[0] == Lane.EDITING_WITH_START
    assert choose_lane("other", "metadata", "simple", False, True, ["reflective"])[0] == Lane.MANUAL
    assert choose_lane("", "pixels", "simple", False, True, ["blurred"])[0] == Lane.AUTOMATED


def test_cls11_a_model_that_calls_it_other_sends_it_to_people_too() -> None:
    chosen, why = choose_lane("other", "model", "simple", False, True)
    assert chosen == Lane.MANUAL and "the model" in why
