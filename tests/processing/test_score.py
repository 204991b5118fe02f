"""The score: worked values of the seeds, gates, planted defects (QC-01..08, QC-12..15, QC-33, QC-34, QC-37, D)."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.channels import load_channels
from processing.params import ScoringParams
from processing.quality import gates, measures
from processing.quality.difference import delta_e_2000
from processing.quality.score import background_part, colour_part, fill_part, fill_ratio, ramp, score
from processing.types import MaskArray, QualityReport, RGBArray
from tests.processing.products import SIDE, backdrop_photo, grown, over, product_alpha, product_colour

AMAZON = load_channels()["amazon_main"]
ANY = load_channels()["print_catalog"]
SCORING = ScoringParams()
WHITE = (255, 255, 255)


def judged(
    frame: RGBArray, alpha: MaskArray, *, channel: object = AMAZON, expected: RGBArray | None = None, **more: object
) -> QualityReport:
    return score(frame, alpha, channel=channel, scoring=SCORING, expected=expected, **more)  # type: ignore[arg-type]


def result_of(alpha: MaskArray, truth: MaskArray) -> tuple[RGBArray, RGBArray]:
    """What ships when the matte `alpha` is used on a photo whose true matte is `truth`; and the photo."""
    photo = backdrop_photo(truth)
    return over(photo, alpha, WHITE), photo


@pytest.mark.parametrize(
    "bad, rate, passed, part",
    [
        (0, 1.0, True, 25), (1, 0.98, True, 25), (2, 0.96, True, 25), (3, 0.94, False, 23), (4, 0.92, False, 23),
        (5, 0.90, False, 22), (20, 0.60, False, 15), (21, 0.58, False, 14), (25, 0.50, False, 12), (50, 0.0, False, 0),
    ],
)  # fmt: skip
def test_qc01_qc05_worked_values_of_the_background_part(bad: int, rate: float, passed: bool, part: int) -> None:
    frame = np.full((400, 600, 3), 255, np.uint8)
    for x, y in measures.perimeter_points(600, 400, 50)[:bad]:
        frame[y, x] = (255, 249, 255)
    sampled = measures.background_samples(frame, samples=50, tolerance=250, wanted_rate=0.95)
    assert sampled.compliance_rate == pytest.approx(rate)
    assert sampled.passed is passed
    assert background_part(sampled.compliance_rate, sampled.passed) == part


def test_qc02_failures_carry_place_colour_and_delta() -> None:
    frame = np.full((100, 100, 3), 255, np.uint8)
    frame[0, 0] = (248, 250, 248)
    (failure,) = measures.background_samples(frame, samples=50, tolerance=250, wanted_rate=0.95).failures
    assert (failure.x, failure.y, failure.rgb, failure.delta) == (0, 0, (248, 250, 248), (7, 5, 7))


def test_b4_250_passes_the_sample_but_not_the_final_gate() -> None:
    frame = np.full((100, 100, 3), 255, np.uint8)
    frame[0, :] = (250, 252, 255)
    assert measures.background_samples(frame, samples=50, tolerance=250, wanted_rate=0.95).passed
    assert not gates.background_white(
        True, measures.off_white_share(frame, np.zeros((100, 100), np.float32)), 1.0
    ).passed


@given(st.integers(2, 900), st.integers(2, 900), st.integers(1, 200))
def test_perimeter_points_lie_on_the_frame(width: int, height: int, count: int) -> None:
    points = measures.perimeter_points(width, height, count)
    assert len(points) == count
    for x, y in points:
        assert 0 <= x < width and 0 <= y < height
        assert x in (0, width - 1) or y in (0, height - 1)


@pytest.mark.parametrize(
    "fill, part", [(0.425, 12), (0.5, 14), (0.7, 20), (0.8, 23), (0.84, 24), (0.849, 24), (0.85, 25), (1.0, 25), (0, 0)]
)
def test_qc07_worked_values_of_the_fill_part(fill: float, part: int) -> None:
    assert fill_part(fill) == part


@pytest.mark.parametrize("de, part", [(0.0, 25), (1.0, 25), (3.0, 12.5), (5.0, 0), (9.0, 0)])
def test_colour_part_falls_from_one_to_five(de: float, part: float) -> None:
    assert colour_part(de) == part


@given(st.floats(-10, 10), st.floats(-5, 5), st.floats(-5, 5))
def test_a_ramp_stays_between_zero_and_one(value: float, full: float, nothing: float) -> None:
    if full != nothing:
        assert 0 <= ramp(value, full, nothing) <= 1
        assert ramp(full, full, nothing) == 1 and ramp(nothing, full, nothing) == 0


# Sharma, Wu, Dalal (2005), table 1: pairs 1, 4, 7, 9, 13, 17, 20, 23, 25, 28, 31, 34.
@pytest.mark.parametrize(
    "first, second, wanted",
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0000),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, 2.49, -0.001), (50, -2.49, 0.0009), 7.1792),
        ((50, -0.001, 2.49), (50, 0.0009, -2.49), 4.8045),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((50, 2.5, 0), (58, 24, 15), 19.4535),
        ((50, 2.5, 0), (50, 1.8634, 0.5757), 1.0000),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((35.0831, -44.1164, 3.7933), (35.0232, -40.0716, 1.5901), 1.8645),
        ((90.9257, -0.5406, -0.9208), (88.6381, -0.8985, -0.7239), 1.5381),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_ciede2000_gives_the_published_values(
    first: tuple[float, ...], second: tuple[float, ...], wanted: float
) -> None:
    assert float(delta_e_2000(first, second)) == pytest.approx(wanted, abs=5e-5)
    assert float(delta_e_2000(second, first)) == pytest.approx(wanted, abs=5e-5)


def test_qc04_a_good_result_scores_ninety_or_more_and_adds_up() -> None:
    alpha = product_alpha()
    _, photo = result_of(alpha, alpha)
    clean = over(product_colour(SIDE), alpha, WHITE)
    report = judged(clean, alpha, expected=photo, confidence=0.95)
    assert report.total >= 90, report
    assert report.total == report.background + report.edge + report.fill + report.colour
    for part in (report.background, report.edge, report.fill, report.colour):
        assert 0 <= part <= 25
    assert not report.has_failed_gate and report.advice == ""
    assert set(report.checks) == {"not_blank", "has_content", "no_corruption", "correct_dimensions", "proper_format"}
    assert all(report.checks.values())


def planted(kind: str) -> QualityReport:
    """One defect planted in an otherwise good result."""
    truth = product_alpha()
    photo, clean = backdrop_photo(truth), product_colour(SIDE)
    alpha, colour, ground = truth, clean, WHITE
    if kind == "halo":
        alpha, colour = grown(truth, 6), photo
    elif kind == "eaten":
        alpha = grown(truth, -8)
    elif kind == "off_white":
        ground = (250, 252, 250)
    elif kind == "blurred_matte":
        alpha = np.asarray(cv2.GaussianBlur(truth, (0, 0), 14), np.float32)
    elif kind == "jagged":
        small = (cv2.resize(truth, (120, 120)) > 0.5).astype(np.float32)
        alpha = np.asarray(cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST), np.float32)
    elif kind == "colour_shift":
        colour = np.clip(clean.astype(int) + np.array((18, -6, -14)), 0, 255).astype(np.uint8)
    elif kind == "blob":
        alpha, colour = truth.copy(), photo
        cv2.circle(alpha, (90, 90), 40, 1.0, -1)
    elif kind == "small":
        alpha = product_alpha(fill=0.4)
        photo = backdrop_photo(alpha)
    elif kind == "holes":
        alpha = truth.copy()
        for place in ((480, 400), (520, 500), (450, 620), (560, 640)):
            cv2.circle(alpha, place, 22, 0.0, -1)
    return judged(over(colour, alpha, ground), alpha, expected=photo, confidence=0.95)


@pytest.mark.parametrize(
    "kind", ["halo", "eaten", "off_white", "blurred_matte", "jagged", "colour_shift", "blob", "small", "holes"]
)
def test_qc37_every_planted_defect_is_below_ninety_or_hits_a_gate(kind: str) -> None:
    report = planted(kind)
    assert report.total < 90 or report.has_failed_gate, (kind, report.total, report.measures)
    assert report.advice, "what is wrong is said in one sentence"


def test_qc06_a_jagged_or_haloed_edge_scores_lower_than_a_clean_one() -> None:
    alpha = product_alpha()
    good = judged(over(product_colour(SIDE), alpha, WHITE), alpha, expected=backdrop_photo(alpha), confidence=0.95)
    assert planted("jagged").edge < good.edge
    assert planted("halo").edge < good.edge
    assert planted("eaten").edge < good.edge


def test_qc12_a_blank_output_is_a_hard_fail_though_the_seed_formula_gives_75() -> None:
    frame = np.full((300, 300, 3), 255, np.uint8)
    report = judged(frame, np.zeros((300, 300), np.float32))
    assert not next(gate for gate in report.gates if gate.code == "blank").passed
    assert report.advice == "Invalid output: solid color"
    assert (report.total, report.fill) == (75, 0)
    assert not report.checks["not_blank"]


@pytest.mark.parametrize("loss, passed", [(0.5, True), (0.5000001, False), (0.6, False), (0.0, True), (None, True)])
def test_qc13_more_than_half_lost_fails_and_exactly_half_passes(loss: float | None, passed: bool) -> None:
    gate = gates.content_kept(loss)
    assert gate.passed is passed
    if loss == 0.6:
        assert gate.message == "Excessive content loss: 60%"


def test_qc13_a_matte_that_drops_most_of_the_product_is_caught() -> None:
    truth = product_alpha()
    alpha = truth.copy()
    alpha[int(SIDE * 0.38) :] = 0
    report = judged(over(product_colour(SIDE), alpha, WHITE), alpha, expected=backdrop_photo(truth))
    assert not next(gate for gate in report.gates if gate.code == "content_loss").passed


def test_qc14_a_leftover_blob_is_an_artifact_but_a_second_earring_is_not() -> None:
    assert not next(gate for gate in planted("blob").gates if gate.code == "artifacts").passed
    truth = product_alpha(fill=0.6)
    cv2.circle(truth, (120, 120), 50, 1.0, -1)
    report = judged(over(product_colour(SIDE), truth, WHITE), truth, expected=backdrop_photo(truth))
    assert next(gate for gate in report.gates if gate.code == "artifacts").passed


def test_qc34_background_fail_is_a_gate_on_pure_white_whatever_the_total() -> None:
    alpha = product_alpha()
    frame = over(product_colour(SIDE), alpha, WHITE)
    for x, y in measures.perimeter_points(SIDE, SIDE, 50)[:20]:
        frame[y, x] = (240, 240, 240)
    report = judged(frame, alpha, expected=backdrop_photo(alpha), confidence=0.95)
    assert report.background_status == "FAIL" and report.background == 15
    assert report.has_failed_gate
    assert len(report.failures) == 20


@pytest.mark.parametrize("bad, total, passes_by_points", [(20, 90, True), (21, 89, False)])
def test_d_with_the_other_parts_full_20_bad_points_total_90_and_only_the_gate_holds_it(
    bad: int, total: int, passes_by_points: bool
) -> None:
    alpha = product_alpha()
    frame = over(product_colour(SIDE), alpha, WHITE)
    for x, y in measures.perimeter_points(SIDE, SIDE, 50)[:bad]:
        frame[y, x] = (240, 240, 240)
    report = judged(frame, alpha, expected=backdrop_photo(alpha))
    assert report.total == pytest.approx(total)
    assert (report.total >= 90) is passes_by_points
    assert [gate.code for gate in report.gates if not gate.passed] == ["background"]


@pytest.mark.parametrize("side, points", [(0.6, 17), (0.84, 24)])
def test_qc37_too_little_fill_keeps_its_points_by_the_seed_but_is_a_gate(side: float, points: int) -> None:
    truth = product_alpha(fill=side)
    report = judged(over(product_colour(SIDE), truth, WHITE), truth, expected=backdrop_photo(truth))
    assert report.fill == points and report.total >= 90
    failed = [gate for gate in report.gates if not gate.passed]
    assert [gate.code for gate in failed] == ["underfilled"]
    assert failed[0].message.startswith("The product fills ") and report.advice == failed[0].message
    fill = next(measure for measure in report.measures if measure.name == "fill")
    ((x, y, width, height),) = fill.where
    assert max(width, height) / SIDE == pytest.approx(fill.value, abs=1e-4) and x > 0 and y > 0
    free = judged(over(product_colour(SIDE), truth, WHITE), truth, channel=ANY, expected=backdrop_photo(truth))
    assert not free.has_failed_gate


def test_every_judged_measure_says_its_unit_its_limit_and_a_failed_one_of_a_place_where() -> None:
    """QC-14, QC-29: stored with value, unit, threshold and place; `removal_confidence` and shares of all have none."""
    report = planted("halo")
    everywhere = {"compliance_rate", "removal_confidence", "colour_shift", "residual_cast", "white_reference"}
    assert all(item.unit for item in report.measures if item.name != "white_reference")
    assert all(item.threshold is not None for item in report.measures if item.passed is not None)
    failed = [item for item in report.measures if item.passed is False]
    assert failed and all(item.where for item in failed if item.name not in everywhere)


def test_qc19_edges_colour_and_shadow_have_measures_of_their_own() -> None:
    """Edge detection, colour fidelity and the shadow: each by name, with a value, in its part of the score."""
    found = {item.name: item for item in planted("jagged").measures}
    for name, part in (
        ("edge_roughness", "edge"),
        ("halo", "edge"),
        ("colour_shift", "colour"),
        ("leftover", "gate"),
    ):
        assert found[name].part == part, name


def test_qc21_a_shift_of_the_products_colours_lowers_the_colour_part_alone() -> None:
    """A cast that a reflecting surface leaves on the product, measured before against after in the product."""
    truth = product_alpha()
    photo, clean = backdrop_photo(truth), product_colour(SIDE)
    shifted = np.clip(clean.astype(int) + np.array((12, -4, -9)), 0, 255).astype(np.uint8)
    good, off = (
        judged(over(colour, truth, WHITE), truth, expected=photo, confidence=0.95) for colour in (clean, shifted)
    )
    measure = next(item for item in off.measures if item.name == "colour_shift")
    assert measure.passed is False and measure.threshold is not None and measure.value > measure.threshold
    assert off.colour < good.colour and (off.background, off.fill) == (good.background, good.fill)


def test_qc03_one_pixel_of_254_in_the_background_blocks_pure_white() -> None:
    alpha = product_alpha()
    frame = over(product_colour(SIDE), alpha, WHITE)
    frame[500, 20] = (254, 255, 255)
    report = judged(frame, alpha, expected=backdrop_photo(alpha))
    assert not next(gate for gate in report.gates if gate.code == "background").passed


def test_qc33_a_grey_background_costs_nothing_where_the_channel_does_not_ask_for_white() -> None:
    alpha = product_alpha(fill=0.5)
    report = judged(over(product_colour(SIDE), alpha, (200, 200, 200)), alpha, channel=ANY)
    assert (report.background, report.background_status, report.fill) == (25, "NOT_REQUIRED", 25)
    assert not report.has_failed_gate


def test_qc08_colour_without_a_reference_is_25_and_said() -> None:
    alpha = product_alpha()
    report = judged(over(product_colour(SIDE), alpha, WHITE), alpha)
    assert report.colour == 25 and report.colour_measured is False


def test_qc08_what_was_looked_for_and_not_found_earns_nothing() -> None:
    """A product that isn't in its photo, and a photo that shows too little to compare: said, and never a free 25."""
    alpha = product_alpha()
    frame = over(product_colour(SIDE), alpha, WHITE)
    lost = judged(frame, alpha, is_found=False)
    assert (lost.edge, lost.colour, lost.colour_measured) == (0, 0, False)
    assert [gate.code for gate in lost.gates if not gate.passed] == ["wrong_file"]
    thread = np.zeros((SIDE, SIDE), np.float32)
    thread[100:900, 500:503] = 1
    thin = judged(over(product_colour(SIDE), thread, WHITE), thread, expected=backdrop_photo(thread))
    assert (thin.colour, thin.colour_measured) == (0, False)


def test_a_product_cut_by_the_photo_is_a_gate() -> None:
    alpha = product_alpha()
    report = judged(over(product_colour(SIDE), alpha, WHITE), alpha, is_cut=True)
    assert not next(gate for gate in report.gates if gate.code == "product_cut").passed


def test_an_unsure_remover_costs_points() -> None:
    alpha = product_alpha()
    frame, photo = over(product_colour(SIDE), alpha, WHITE), backdrop_photo(alpha)
    sure = judged(frame, alpha, expected=photo, confidence=0.9)
    unsure = judged(frame, alpha, expected=photo, confidence=0.2)
    assert unsure.edge < sure.edge


def test_fill_ratio_is_the_longest_side() -> None:
    alpha = np.zeros((200, 400), np.float32)
    alpha[50:150, 30:370] = 1
    assert fill_ratio(alpha) == pytest.approx(340 / 400)
    assert fill_ratio(np.zeros((10, 10), np.float32)) == 0


@given(
    st.lists(st.tuples(st.integers(0, 89), st.integers(0, 119), st.integers(0, 2)), max_size=4),
    st.tuples(st.integers(0, 89), st.integers(0, 119), st.integers(1, 90), st.integers(1, 120)),
    st.sampled_from((0, 8)),
)
def test_b5_every_pixel_off_white_is_seen_wherever_it_lies(
    dirt: list[tuple[int, int, int]], box: tuple[int, int, int, int], margin: int
) -> None:
    """The fast answer, beside the box and in it, against the plain count of every pixel."""
    frame, alpha = np.full((90, 120, 3), 255, np.uint8), np.zeros((90, 120), np.float32)
    top, left, height, width = box
    alpha[top : top + height, left : left + width] = 0.5
    frame[alpha > 0] = 40
    for y, x, channel in dirt:
        frame[y, x, channel] = 254
    rows, columns = np.nonzero(alpha)
    outside = np.ones(alpha.shape, bool)
    outside[max(0, rows.min() - margin) : rows.max() + margin + 1,
            max(0, columns.min() - margin) : columns.max() + margin + 1] = False  # fmt: skip
    wrong = int(((frame != 255).any(axis=2) & outside).sum())
    share = measures.off_white_share(frame, alpha, margin)
    assert share == pytest.approx(wrong / max(1, int(outside.sum())))
    assert measures.is_white_beyond(frame, (~outside).view(np.uint8)) is (wrong == 0)
