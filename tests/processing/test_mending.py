"""What the score finds and a machine can put right is put right where the score then agrees (QC-13, QC-14)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from processing import mending, pipeline
from processing.channels import load_channels
from processing.geometry import Box
from processing.params import STANDARD_PRESET, ScoringParams
from processing.removal.base import create_remover
from processing.types import AlphaArray, Gate, Measure, QualityReport, RGBArray
from tests.processing.products import backdrop_photo, product_alpha

SIDE = 1000
DEMO = Path(__file__).resolve().parents[2] / "demo"
AMAZON = load_channels()["amazon_main"]


def bytes_of(alpha: np.ndarray) -> AlphaArray:
    return np.round(alpha * 255).astype(np.uint8)


@pytest.fixture(scope="module")
def truth() -> AlphaArray:
    return bytes_of(product_alpha(SIDE, 0.7))


@pytest.fixture(scope="module")
def photo() -> RGBArray:
    """The product on a grey sweep with a shadow to its right."""
    picture = backdrop_photo(product_alpha(SIDE, 0.7)).astype(np.float32)
    shade = np.zeros((SIDE, SIDE), np.float32)
    cv2.ellipse(shade, (690, 800), (150, 60), 0, 0, 360, 0.35, -1)
    shade = cv2.GaussianBlur(shade, (0, 0), 12) * (1 - product_alpha(SIDE, 0.7))
    grain = np.random.default_rng(3).normal(0, 1.2, picture.shape)
    return np.clip(picture * (1 - shade[..., None]) + grain, 0, 255).astype(np.uint8)


def error(alpha: AlphaArray, truth: AlphaArray, box: Box) -> float:
    window = (slice(box.y0 - 30, box.y1 + 30), slice(box.x0 - 30, box.x1 + 30))
    return float(np.abs(alpha[window].astype(int) - truth[window]).mean())


def planted(truth: AlphaArray, box: Box) -> AlphaArray:
    """The right matte with a block beside the outline that isn't product."""
    wrong = truth.copy()
    wrong[box.y0 : box.y1, box.x0 : box.x1] = 255
    return wrong


def edge_at(truth: AlphaArray, row: int) -> int:
    """The column right of which the product ends in this row."""
    return int(np.flatnonzero(truth[row] > 127)[-1])


def test_a_rest_of_shadow_on_the_outline_is_taken_off_to_the_edge(truth: AlphaArray, photo: RGBArray) -> None:
    right = edge_at(truth, 780)
    box = Box(right - 3, 770, right + 26, 792)
    wrong = planted(truth, box)
    made = mending.mended(photo, wrong, [box])
    assert made is not None
    assert error(wrong, truth, box) > 15 and error(made, truth, box) < 1.5
    far = np.ones(truth.shape, bool)
    far[box.y0 - 60 : box.y1 + 60, box.x0 - 60 : box.x1 + 60] = False
    assert np.array_equal(made[far], wrong[far]), "nothing else is touched"
    assert int(((truth > 250) & (made < 128)).sum()) <= 3, "no product is taken along"


def test_a_gap_that_was_never_opened_is_opened(truth: AlphaArray, photo: RGBArray) -> None:
    open_, shown = truth.copy(), photo.copy()
    hole = Box(470, 480, 530, 540)
    clear = backdrop_photo(np.zeros((SIDE, SIDE), np.float32))
    open_[hole.y0 : hole.y1, hole.x0 : hole.x1] = 0
    shown[hole.y0 : hole.y1, hole.x0 : hole.x1] = clear[hole.y0 : hole.y1, hole.x0 : hole.x1]
    found = Box(hole.x0 + 5, hole.y0 + 5, hole.x1 - 5, hole.y1 - 5)
    made = mending.mended(shown, truth, [found])
    assert made is not None and error(truth, open_, hole) > 60 and error(made, open_, hole) < 3


def test_what_can_not_be_told_is_left_alone(truth: AlphaArray, photo: RGBArray) -> None:
    inside = Box(490, 490, 510, 510)
    assert mending.mended(photo, truth, [inside]) is None, "it shows the product's own colour"
    assert mending.mended(photo, truth, []) is None
    restless = np.random.default_rng(1).integers(0, 256, photo.shape, np.uint8)
    assert mending.mended(restless, truth, [inside]) is None
    white = np.full_like(photo, 200)
    assert mending.mended(white, truth, [inside]) is None, (
        "a product of the backdrop's colour goes on beyond any window"
    )


def report(total: float, *rows: tuple[str, float, bool], gate: bool = True) -> QualityReport:
    measures = tuple(Measure(name, value, "px", "edge", 1.0, passed) for name, value, passed in rows)
    gates = (Gate("artifacts", gate, ""),)
    return QualityReport(total, 25.0, total - 75.0, 25.0, 25.0, True, "PASS", 1.0, gates=gates, measures=measures)


def test_only_what_the_score_calls_better_is_taken() -> None:
    before = report(75.0, ("remains", 200.0, False), ("halo", 0.1, True), gate=False)
    assert mending.is_better(report(99.0, ("remains", 0.0, True), ("halo", 0.1, True)), before)
    assert mending.is_better(report(92.0, ("remains", 40.0, False), ("halo", 0.1, True), gate=False), before)
    assert not mending.is_better(report(89.9, ("remains", 0.0, True), ("halo", 0.1, True)), before), "below the line"
    assert not mending.is_better(report(75.0, ("remains", 0.0, True), ("halo", 0.1, True)), before)
    assert not mending.is_better(report(90.0, ("remains", 0.0, True), ("halo", 0.8, False)), before), "a new fault"
    whole = replace(before, gates=(Gate("artifacts", True, ""),))
    assert not mending.is_better(report(99.0, ("remains", 0.0, True), gate=False), whole), "a gate that was open"


@pytest.mark.parametrize(
    ("rows", "worth"),
    [
        ([("remains", 200.0, False)], True),
        ([("gaps", 200.0, False)], True),
        ([("remains", 10.0, True)], False),
        ([("remains", 200.0, False), ("unsupported", 0.6, False)], True),
        ([("remains", 200.0, False), ("holes", 0.01, False)], False),
        ([("remains", 50_000.0, False)], False),
        ([], False),
    ],
)
def test_mending_is_tried_where_it_could_lift_the_score(rows: list[tuple[str, float, bool]], worth: bool) -> None:
    assert mending.is_worth_it(report(75.0, *rows)) is worth


def test_a_place_is_found_again_in_the_photo() -> None:
    made = report(75.0, ("remains", 200.0, False))
    rows = (replace(made.measures[0], where=((100, 200, 10, 20),)),)
    framing = pipeline.Framing(Box(50, 60, 550, 560), (1000, 1000), (20, 30), (1040, 1060))
    assert mending.places_of(replace(made, measures=rows), framing) == [Box(90, 145, 96, 156)]


@pytest.mark.parametrize("name", ["NW-BOK-0402_stack", "NW-SPK-0205_top", "NW-CHR-0701_34"])
def test_the_line_mends_a_demo_photo_toward_its_mask(name: str) -> None:
    source, remover = DEMO / "photos" / f"{name}.jpg", create_remover("auto")
    made = pipeline.make(source, STANDARD_PRESET, AMAZON, ScoringParams(), remover)
    assert made.quality.total >= 90 and "mended" in [finding.code for finding in made.findings]
    assert [timing.name for timing in made.timings] == [
        "decode", "removal", "rgb_verify", "crop", "colour", "score", "mend"]  # fmt: skip
    as_cut = pipeline.Extras(mends=False)
    before = pipeline.make(source, STANDARD_PRESET, AMAZON, ScoringParams(), remover, as_cut)
    assert before.quality.total < 90
    (row,) = [measure for measure in made.quality.measures if measure.name == "mended"]
    assert (row.part, row.passed, row.value) == ("info", None, float(len(row.where)))
    height, width = made.cut.alpha.shape
    mask = np.asarray(Image.open(DEMO / "masks" / f"{name}.png").convert("L").resize((width, height)))
    changed = made.cut.alpha != before.cut.alpha
    sx, _, tx, _, sy, ty = made.framing.matrix
    for x, y, across, down in row.where:  # each place is told where it is in the frame, for who looks
        rows = slice(int((y - ty) / sy), int((y + down - ty) / sy) + 1)
        assert changed[rows, int((x - tx) / sx) : int((x + across - tx) / sx) + 1].any()
    off = [float(np.abs(one.cut.alpha.astype(int) - mask)[changed].mean()) for one in (before, made)]
    assert off[1] < 0.25 * off[0]
    taken = changed & (mask > 200) & (made.cut.alpha < 60)
    assert taken.sum() < 0.05 * changed.sum()


def test_a_good_cut_out_is_not_mended() -> None:
    source = DEMO / "photos" / "NW-BTL-0110_01.jpg"
    made = pipeline.make(source, STANDARD_PRESET, AMAZON, ScoringParams(), create_remover("auto"))
    assert "mend" not in [timing.name for timing in made.timings] and made.quality.total >= 90
