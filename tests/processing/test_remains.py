"""Small remains of shadow: seen by the score by area and contrast (QC-14), left out by the remover (PRO-01)."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from processing.channels import load_channels
from processing.matting import refine
from processing.params import EdgeParams, ScoringParams
from processing.quality import gates, parts
from processing.quality.difference import to_lab
from processing.quality.regions import against
from processing.quality.score import score
from processing.removal.shadow_rests import without_shadow_rests
from processing.removal.studio import StudioRemover
from processing.types import MaskArray, QualityReport, RGBArray
from tests.processing.products import backdrop_photo, over, product_alpha, product_colour

SIDE = 1000
DEMO = Path(__file__).resolve().parents[2] / "demo"
AMAZON = load_channels()["amazon_main"]


def scored(dimming: float, strip: tuple[int, int], at: tuple[int, int] = (0, 0), kept: bool = True) -> QualityReport:
    """Score the bottle with a soft shadow strip of `strip` (w, h) px beside it, `at` (x, y) px off its foot's side."""
    alpha = product_alpha(SIDE, softness=0.8)
    rows, columns = np.nonzero(alpha > 0.5)
    y = int(np.percentile(rows, 90)) + at[1]
    left = int(columns[rows == int(np.percentile(rows, 90))].max()) - 2 + at[0]
    bar = np.zeros((SIDE, SIDE), np.float32)
    bar[y - strip[1] // 2 : y + (strip[1] + 1) // 2, left : left + strip[0]] = 1
    shade = np.asarray(cv2.GaussianBlur(bar, (0, 0), 3.5), np.float32)
    photo = np.round(backdrop_photo(alpha) * (1 - dimming * (shade * (1 - alpha))[..., None])).astype(np.uint8)
    matte = np.asarray(np.maximum(alpha, np.clip((shade - 0.4) * 5, 0, 1)), np.float32) if kept else alpha
    colour = np.where((alpha > 0.5)[..., None], product_colour(SIDE), photo).astype(np.uint8)
    return score(over(colour, matte, (255, 255, 255)), matte, channel=AMAZON, scoring=ScoringParams(), expected=photo)


def visible(report: QualityReport) -> float:
    return next(item.value for item in report.measures if item.name == "remains")


def is_clean(report: QualityReport) -> bool:
    return next(gate.passed for gate in report.gates if gate.code == "artifacts")


def test_qc14_a_strip_of_shadow_beside_a_foot_fails_and_is_boxed() -> None:
    report = scored(0.3, (30, 14))
    measure = next(item for item in report.measures if item.name == "remains")
    assert not is_clean(report) and measure.passed is False and measure.threshold == 36.0
    width, height = measure.where[0][2:]
    assert 20 <= width <= 45 and 8 <= height <= 26
    assert report.label_map and "stay visible" in report.advice


def test_qc14_the_same_shadow_cut_away_is_clean() -> None:
    report = scored(0.22, (45, 18), kept=False)
    assert is_clean(report) and visible(report) == 0.0


def test_a_piece_that_has_come_loose_is_seen_too() -> None:
    report = scored(0.22, (20, 12), at=(60, 0))
    share = next(item.value for item in report.measures if item.name == "leftover_beside")
    assert share <= gates.BESIDE_LIMIT, "too small for a share of the frame"
    assert visible(report) > gates.VISIBLE_LIMIT_PX and not is_clean(report)


def test_a_trifle_costs_points_and_closes_no_gate() -> None:
    report = scored(0.1, (17, 11), at=(60, 0))
    assert 36.0 < visible(report) < gates.VISIBLE_LIMIT_PX and is_clean(report)
    assert report.total < 90 and report.advice.startswith("Clear the small remains")


def test_darker_remains_weigh_more_and_larger_ones_too() -> None:
    faint, dark, large = visible(scored(0.1, (40, 18))), visible(scored(0.3, (40, 18))), visible(scored(0.3, (80, 18)))
    assert 0 < faint < dark < large
    assert large == pytest.approx(2 * dark, rel=0.35)


def test_points_go_from_six_by_six_px_at_a_distance_of_fifteen_and_the_gate_closes_at_ten_times_that() -> None:
    factors = [parts.row("remains", value, "px").factor for value in (0.0, 36.0, 78.0, 120.0)]
    assert factors == [1.0, 1.0, pytest.approx(0.5), 0.0]
    at, over_it = (gates.no_artifacts(0.0, 0.0, visible=value) for value in (360.0, 360.1))
    assert at.passed and not over_it.passed
    assert "stay visible" in over_it.message


def flat(colour: tuple[int, int, int]) -> npt.NDArray[np.float32]:
    return to_lab(np.full((2, 2, 3), colour, np.uint8))


@pytest.mark.parametrize(
    "ground, seen, is_shadow",
    [
        ((244, 244, 244), (200, 200, 200), True), ((244, 244, 244), (196, 134, 78), False),
        ((244, 243, 245), (170, 150, 120), False), ((244, 244, 244), (60, 90, 130), False),
        ((230, 200, 60), (180, 155, 40), True), ((230, 200, 60), (60, 150, 80), False),
    ],
)  # fmt: skip
def test_a_shadow_has_its_grounds_tint(
    ground: tuple[int, int, int], seen: tuple[int, int, int], is_shadow: bool
) -> None:
    """On grey every tint is foreign: wood once counted as shadow there, and a bite out of a chair as nothing lost."""
    off, shadow = against(flat(seen), flat(ground), 0.6)
    assert bool(shadow.all()) is is_shadow and bool(shadow.any()) is is_shadow
    assert float(off.min()) == pytest.approx(float(np.linalg.norm(flat(seen)[0, 0] - flat(ground)[0, 0])), rel=1e-4)


Plane = npt.NDArray[np.float32]


def legs(shadow_l: float, softness: float) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], Plane, Plane]:
    """A coloured block with a leg, and a strip of shadow kept beside the leg: product, dimmed, darker, gradient."""
    product = np.zeros((300, 300), bool)
    product[40:160, 60:240] = product[160:260, 100:120] = True
    strip = np.zeros((300, 300), np.float32)
    strip[240:252, 120:170] = 1
    shade = np.asarray(cv2.GaussianBlur(strip, (0, 0), softness), np.float32)
    darker = np.asarray(np.where(product, 60.0, shadow_l * shade), np.float32)
    dimmed = ~product
    gradient = np.asarray(cv2.magnitude(cv2.Sobel(darker, cv2.CV_32F, 1, 0), cv2.Sobel(darker, cv2.CV_32F, 0, 1)) / 8)
    return product | (shade > 0.4), dimmed, darker, gradient


def test_pro01_a_rest_of_shadow_is_dropped_and_nothing_else() -> None:
    product, dimmed, darker, gradient = legs(20.0, 3.0)
    kept = without_shadow_rests(product, dimmed, darker, gradient)
    assert not (kept & dimmed).any()
    assert np.array_equal(kept & ~dimmed, product & ~dimmed)


def test_a_sharp_grey_part_is_no_shadow() -> None:
    product, dimmed, darker, gradient = legs(20.0, 0.4)
    assert np.array_equal(without_shadow_rests(product, dimmed, darker, gradient), product)


def test_a_product_of_the_backdrops_tint_is_left_alone() -> None:
    product, dimmed, darker, gradient = legs(20.0, 3.0)
    dimmed[40:120] = True
    assert np.array_equal(without_shadow_rests(product, dimmed, darker, gradient), product)
    nothing = np.zeros_like(product)
    assert np.array_equal(without_shadow_rests(nothing, dimmed, darker, gradient), nothing)


def test_what_runs_out_of_the_picture_is_left_alone() -> None:
    product, dimmed, darker, gradient = (plane[:, :172] for plane in legs(20.0, 3.0))
    assert np.array_equal(without_shadow_rests(product, dimmed, darker, gradient), product)


@pytest.mark.parametrize("name, most_px", [("NW-CHR-0701_34", 400), ("NW-STL-0702_01", 200)])
def test_pro01_legs_of_chair_and_stool_keep_none_of_their_shadow(name: str, most_px: int) -> None:
    photo, mask = DEMO / "photos" / f"{name}.jpg", DEMO / "masks" / f"{name}.png"
    if not photo.exists() or not mask.exists():
        pytest.skip("the demo shots are not rendered")
    with Image.open(photo) as file:
        small = file.convert("RGB").resize((file.width // 2, file.height // 2), Image.Resampling.BOX)
    rgb: RGBArray = np.asarray(small)
    truth: MaskArray = np.asarray(Image.open(mask).convert("L").resize(rgb.shape[1::-1]), np.float32) / np.float32(255)
    alpha = refine(rgb, StudioRemover().remove(rgb).mask, EdgeParams()).alpha / np.float32(255)
    lab = to_lab(rgb)
    grey_and_seen = (np.hypot(lab[..., 1], lab[..., 2]) < 6) & (lab[..., 0] < 90) & (alpha > 0.5) & (truth < 0.1)
    opened = cv2.morphologyEx(grey_and_seen.astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    assert int(opened.sum()) < most_px
