"""The reference card: found, read, fitted; the same matrix serves the shoot; a bad fit is refused (PRO-11, C48)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from processing.__main__ import main
from processing.colour import ColourTransform
from processing.errors import InputRejected
from processing.quality.difference import delta_e_2000, to_lab
from processing.reference_card import (
    PATCHES,
    CardReading,
    correct_from_card,
    fit_card,
    patch_centres,
    read_card,
)
from tests.processing.cards import CAST, UPRIGHT, card_photo, corner_patches

UPSIDE_DOWN = (UPRIGHT[2], UPRIGHT[3], UPRIGHT[0], UPRIGHT[1])
ON_ITS_SIDE = ((300.0, 750.0), (310.0, 250.0), (650.0, 260.0), (640.0, 760.0))
SMALL = ((100.0, 100.0), (330.0, 110.0), (325.0, 265.0), (98.0, 255.0))


def patches_under(cast: tuple[float, ...]) -> CardReading:
    seen = ColourTransform(matrix=cast).apply(PATCHES[None])[0].astype(np.float64)
    return CardReading(np.zeros((24, 2)), seen, np.ones(24, bool))


def test_pro11_a_known_cast_is_undone_on_the_patches_and_on_another_photo_of_the_shoot() -> None:
    fit, _ = correct_from_card(card_photo(), corner_patches())
    assert fit.patches == 24 and fit.mean_before > 5
    assert fit.mean_after < 1.0 and fit.worst_after < 3.0
    product = np.array([[(180, 40, 60), (30, 90, 160), (210, 200, 190), (70, 70, 72)]], np.uint8)
    cast = ColourTransform(matrix=CAST).apply(product)
    left = delta_e_2000(to_lab(fit.transform.apply(cast))[0], to_lab(product)[0])
    assert float(left.max()) < 2.5 < float(delta_e_2000(to_lab(cast)[0], to_lab(product)[0]).min())


@pytest.mark.parametrize(
    "corners", [UPRIGHT, UPSIDE_DOWN, ON_ITS_SIDE, SMALL], ids=["upright", "down", "side", "small"]
)
def test_pro11_the_card_is_found_any_way_round(corners: tuple[tuple[float, float], ...]) -> None:
    fit, reading = correct_from_card(card_photo(corners))
    assert fit.mean_after < 1.0
    patch = np.hypot(*(np.array(corners[1]) - corners[0])) / 6
    assert np.hypot(*(reading.positions[0] - corner_patches(corners)[0])) < 0.25 * patch
    assert np.hypot(*(reading.positions[23] - corner_patches(corners)[2])) < 0.25 * patch


def test_pro11_a_photo_without_a_card_says_so() -> None:
    photo = np.full((600, 800, 3), 205, np.uint8)
    photo[100:300, 100:300] = (60, 110, 90)
    with pytest.raises(InputRejected) as caught:
        correct_from_card(photo)
    assert caught.value.code == "card_not_found"


def test_pro11_a_chessboard_is_no_card() -> None:
    board = (np.indices((8, 8)).sum(axis=0) % 2 * 200 + 20).astype(np.uint8).repeat(60, 0).repeat(60, 1)
    with pytest.raises(InputRejected) as caught:
        correct_from_card(np.pad(np.dstack([board] * 3), ((90, 90), (90, 90), (0, 0)), constant_values=210))
    assert caught.value.code == "card_not_found"


def test_pro11_the_wrong_way_round_is_refused_by_its_residual() -> None:
    turned = np.roll(corner_patches(), 2, axis=0)
    with pytest.raises(InputRejected, match="dE2000") as caught:
        correct_from_card(card_photo(), turned)
    assert caught.value.code == "card_fit_bad"


def test_pro11_burnt_patches_are_left_out_and_too_many_stop_it() -> None:
    photo = card_photo(cast=(1.15, 0, 0, 0, 1.15, 0, 0, 0, 1.15))
    reading = read_card(photo, patch_centres(corner_patches()))
    assert not reading.is_usable[18], "the white patch is burnt"
    assert fit_card(reading).mean_after < 1.5
    with pytest.raises(InputRejected, match="patches of the reference card") as caught:
        correct_from_card(card_photo(cast=(4.0, 0, 0, 0, 4.0, 0, 0, 0, 4.0)), corner_patches())
    assert caught.value.code == "card_unreadable"


def test_pro11_something_over_a_patch_takes_that_patch_out() -> None:
    photo = card_photo()
    x, y = np.rint(patch_centres(corner_patches())[7]).astype(int)
    photo[y - 20 : y + 20, x : x + 20] = 255
    assert np.flatnonzero(~read_card(photo, patch_centres(corner_patches())).is_usable).tolist() == [7]


@pytest.mark.parametrize(
    "corners",
    [
        [(0, 0), (10, 0), (10, 10)], [(0, 0), (5, 0), (5, 5), (0, 5)], [(0, 0), (500, 500), (500, 0), (0, 500)],
        [(0, 0), (600, 0), (float("nan"), 400), (0, 400)], [(900, 700), (1400, 700), (1400, 1100), (900, 1100)],
    ],
)  # fmt: skip
def test_pro11_corners_that_span_no_card_are_refused(corners: list[tuple[float, float]]) -> None:
    with pytest.raises(InputRejected) as caught:
        correct_from_card(card_photo(), corners)
    assert caught.value.code == "card_unreadable"


def test_pro11_the_command_prints_the_matrix_or_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(card_photo()).save(tmp_path / "card.png")
    Image.new("RGB", (600, 600), "grey").save(tmp_path / "none.png")
    assert main(["card", str(tmp_path / "card.png")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["matrix"]) == 9 and told["mean_after"] < 1 and len(told["positions"]) == 24
    corners = [f"{x:.1f},{y:.1f}" for x, y in corner_patches()]
    assert main(["card", str(tmp_path / "card.png"), "--corners", *corners]) == 0
    assert json.loads(capsys.readouterr().out)["mean_after"] < 1
    for name in ("none.png", "missing.png"):
        assert main(["card", str(tmp_path / name)]) == 1
        assert capsys.readouterr().err.strip()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-0.08, 0.08), min_size=9, max_size=9))
def test_pro11_any_mild_cast_is_undone(wobble: list[float]) -> None:
    cast = tuple(float(value) for value in (np.diag([0.85, 0.85, 0.8]) + np.reshape(wobble, (3, 3))).reshape(-1))
    seen = patches_under(cast)
    if seen.colours.min() < 2:
        return  # a channel drowned: nothing can bring it back
    assert fit_card(seen).mean_after < 1.5


def test_pro11_random_patches_are_refused() -> None:
    noise = np.random.default_rng(0).integers(5, 250, (24, 3)).astype(np.float64)
    with pytest.raises(InputRejected) as caught:
        fit_card(CardReading(np.zeros((24, 2)), noise, np.ones(24, bool)))
    assert caught.value.code == "card_fit_bad"
