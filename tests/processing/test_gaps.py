"""Backdrop kept in a gap of the product costs the edge; what only looks a little like it does not (QC-14)."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from processing.channels import load_channels
from processing.params import ScoringParams
from processing.quality.score import score
from processing.types import QualityReport, RGBArray
from tests.processing.products import over, product_alpha, product_colour

SIDE = 1000
GROUND = (214, 215, 216)
GAP = (430, 520, 80, 70)


def judged(shown: tuple[int, int, int], *, is_open: bool, ground: tuple[int, int, int] = GROUND) -> QualityReport:
    """Score a bottle with a place of colour `shown` in its middle, opened in the matte or not."""
    alpha, colour = product_alpha(SIDE), product_colour(SIDE).copy()
    place = np.zeros((SIDE, SIDE), np.float32)
    x, y, width, height = GAP
    place[y : y + height, x : x + width] = 1
    place = np.asarray(cv2.GaussianBlur(place, (0, 0), 0.8), np.float32)
    colour = np.round(colour * (1 - place[..., None]) + np.array(shown) * place[..., None]).astype(np.uint8)
    noise = np.random.default_rng(4).normal(0, 1.2, (SIDE, SIDE, 1))
    photo: RGBArray = np.clip(np.round(over(colour, alpha, ground) + noise), 0, 255).astype(np.uint8)
    kept = np.asarray(alpha * (1 - place), np.float32) if is_open else alpha
    kept[kept < 1 / 255] = 0
    frame = over(np.where((alpha > 0.5)[..., None], photo, colour).astype(np.uint8), kept, (255, 255, 255))
    return score(frame, kept, channel=load_channels()["amazon_main"], scoring=ScoringParams(), expected=photo)


def visible(report: QualityReport) -> float:
    return next(item.value for item in report.measures if item.name == "gaps")


def test_a_gap_that_was_never_opened_costs_the_edge_and_is_boxed() -> None:
    report = judged(GROUND, is_open=False)
    measure = next(item for item in report.measures if item.name == "gaps")
    assert report.total < 90 and measure.passed is False and "gaps" in report.advice
    ((x, y, width, height),) = measure.where
    assert abs(x - GAP[0]) < 12 and abs(y - GAP[1]) < 12 and abs(width - GAP[2]) < 24 and abs(height - GAP[3]) < 24
    assert report.label_map


@pytest.mark.parametrize("shown", [(204, 205, 206), (228, 228, 229), (214, 210, 222), (60, 60, 60)])
def test_a_label_of_nearly_the_backdrops_colour_is_none(shown: tuple[int, int, int]) -> None:
    assert visible(judged(shown, is_open=False)) == 0


def test_an_opened_gap_and_one_that_nobody_sees_cost_nothing() -> None:
    assert visible(judged(GROUND, is_open=True)) == 0
    assert visible(judged((253, 253, 253), is_open=False, ground=(253, 253, 253))) == 0
