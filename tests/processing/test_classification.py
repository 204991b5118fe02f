"""Classification: rules outrank pixels, thresholds are strict, scores rank drawn scenes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.classification import (
    Opinion,
    classify,
    classify_pixels,
    colour_match_risk,
    cues_of,
    edge_complexity,
    lighting_groups,
    look_at,
)
from processing.codecs import Photo
from processing.errors import InputRejected
from processing.intake import PROFILES, inspect
from processing.params import ClassificationParams
from processing.types import ImageInfo
from tests.processing.pictures import saved
from tests.processing.scenes import draw

RULES = {"jewelry": "complex", "fur": "complex", "lingerie": "complex", "transparent": "complex",
         "electronics": "simple", "books": "simple", "cosmetics_tube": "medium"}  # fmt: skip
PARAMS = ClassificationParams()
INFO = ImageInfo("PNG", 900, 800, 1, "RGB")


def _lace(size: int = 400) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    y, x = np.mgrid[0:size, 0:size]
    cloth = (np.hypot(x - size / 2, y - size / 2) < size * 0.42) & ((x // 5 + y // 5) % 3 != 0)
    rgb = np.full((size, size, 3), 240, np.uint8)
    rgb[cloth] = (60 + rng.normal(0, 14, (int(cloth.sum()), 3))).clip(0, 255).astype(np.uint8)
    return rgb, cloth


@pytest.mark.parametrize(("category", "wanted"), RULES.items())
def test_cls04_06_seven_rules_outrank_the_pixels(tmp_path: Path, category: str, wanted: str) -> None:
    """CLS-04, CLS-06: a plain box named jewelry is complex."""
    path = saved(tmp_path / "a.png", draw(1, shape="box").rgb)
    found = classify(path, category.upper(), RULES, PARAMS)
    assert found.complexity == wanted
    assert (found.category, found.category_source) == (category, "metadata")
    assert category in found.rule and wanted in found.rule


def test_cls01_flat_box_is_simple_lace_is_complex(tmp_path: Path) -> None:
    box = classify(saved(tmp_path / "a.png", draw(1, shape="box").rgb), "", RULES, PARAMS)
    assert box.edge_score < PARAMS.edge_medium
    assert (box.complexity, box.category_source) == ("simple", "pixels")
    rgb, cloth = _lace()
    assert edge_complexity(rgb, cloth) > PARAMS.edge_complex
    assert classify_pixels(rgb, cloth, "", {}, PARAMS).complexity == "complex"


def test_cls02_white_on_white_is_risky_black_on_white_is_not(tmp_path: Path) -> None:
    white = draw(2, shape="disc", colour=(228.0, 228.0, 226.0), shadow=0.05)
    black = draw(2, shape="disc", colour=(18.0, 18.0, 20.0), shadow=0.05)
    found = classify(saved(tmp_path / "w.png", white.rgb), "", {}, PARAMS)
    assert found.colour_match_risk > 0.3
    assert found.complexity != "simple"
    found = classify(saved(tmp_path / "b.png", black.rgb), "", {}, PARAMS)
    assert found.colour_match_risk <= 0.3
    assert found.colour_family == "black"


def test_cls05_thresholds_are_strict_and_the_rule_is_told() -> None:
    scene = draw(1, shape="stand")
    small = cv2.resize(scene.rgb, (450, 400), interpolation=cv2.INTER_AREA)
    product = cv2.resize(scene.alpha, (450, 400), interpolation=cv2.INTER_AREA) > 0.5
    edge, risk = edge_complexity(small, product), colour_match_risk(small, product)

    def at(medium: float, colour: float) -> tuple[str, str]:
        found = classify_pixels(small, product, "mugs", {}, ClassificationParams(medium, 0.99, colour))
        return found.complexity, found.rule

    assert at(edge, risk) == ("simple", at(edge, risk)[1])
    assert at(edge - 1e-6, risk)[0] == "medium"
    assert at(edge - 1e-6, risk)[1].startswith("Edge complexity")
    assert at(edge, risk - 1e-6)[0] == "medium"
    assert at(edge, risk - 1e-6)[1].startswith("Colour match risk")


def test_a_rule_with_an_unknown_value_is_refused() -> None:
    rgb, cloth = _lace()
    with pytest.raises(InputRejected):
        classify_pixels(rgb, cloth, "lace", {"lace": "tricky"}, PARAMS)


@pytest.mark.parametrize(
    ("colour", "family"),
    [((250, 250, 250), "white"), ((128, 128, 128), "grey"), ((200, 30, 30), "red"), ((40, 90, 200), "blue"),
     ((40, 140, 60), "green"), ((240, 220, 60), "yellow"), ((90, 55, 30), "brown"), ((222, 203, 170), "beige")],
)  # fmt: skip
def test_cls12_colour_family(colour: tuple[int, int, int], family: str) -> None:
    rgb = np.full((50, 50, 3), colour, np.uint8)
    assert classify_pixels(rgb, np.ones((50, 50), bool), "", {}, PARAMS).colour_family == family


def test_cls21_cues_of_intake_spare_the_second_look(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", draw(1, shape="stand").rgb)
    cues = inspect(path, PROFILES["basic-500"], "a.png").cues
    assert cues is not None
    assert classify(tmp_path / "gone.png", "", {}, PARAMS, cues=cues) == classify(path, "", {}, PARAMS)


def test_cls07_a_models_category_goes_through_the_rules_and_is_told(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", draw(1, shape="box").rgb)
    found = classify(path, "", RULES, PARAMS, model=lambda rgb, product: Opinion("Jewelry", 0.93, "shopnet 2"))
    assert (found.complexity, found.category, found.category_source) == ("complex", "jewelry", "model")
    assert found.rule == "shopnet 2 says Jewelry (0.93). Category rule: jewelry is complex"


def test_cls07_an_unsure_model_is_not_followed_and_that_is_told(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", draw(1, shape="box").rgb)
    limit = PARAMS.model_confidence
    unsure = classify(path, "", RULES, PARAMS, model=lambda rgb, product: Opinion("fur", limit - 0.01, "shopnet 2"))
    assert (unsure.complexity, unsure.category, unsure.category_source) == ("simple", "", "pixels")
    assert "not followed" in unsure.rule
    sure = classify(path, "", RULES, PARAMS, model=lambda rgb, product: Opinion("fur", limit, "shopnet 2"))
    assert sure.category == "fur"
    assert classify(path, "", RULES, PARAMS, model=lambda rgb, product: None).category == ""


def test_cls21_a_named_category_is_never_put_to_the_model(tmp_path: Path) -> None:
    asked: list[tuple[int, ...]] = []

    def model(rgb: np.ndarray, product: np.ndarray) -> Opinion | None:
        asked.append(rgb.shape)
        return None

    path = saved(tmp_path / "a.png", draw(1, shape="box").rgb)
    classify(path, "books", RULES, PARAMS, model=model)
    assert asked == []
    classify(path, "", RULES, PARAMS, model=model)
    assert asked == [(356, 400, 3)]


def test_ing08_two_lightings_give_two_groups() -> None:
    lightings = {}
    for index in range(6):
        warm = index % 2 == 1
        rgb = draw(index, shape=("mug", "box", "bottle")[index % 3], kind="grey").rgb
        if warm:  # a tungsten shoot of the same sweep, half a stop down
            rgb = np.clip(rgb * np.array([0.86, 0.76, 0.6]), 0, 255).astype(np.uint8)
        lightings[f"{'warm' if warm else 'day'}-{index}"] = cues_of(look_at(Photo(rgb, None, INFO))).lighting
    groups = lighting_groups({**lightings, "cut-out": ()})
    assert "cut-out" not in groups
    assert {name.split("-")[0]: number for name, number in groups.items()} == {"day": 0, "warm": 1}
    assert len(set(groups.values())) == 2


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[st.floats(-50, 100)] * 5), max_size=12), st.floats(0.5, 20))
def test_ing08_every_photo_is_near_the_first_of_its_group(lightings: list[tuple[float, ...]], limit: float) -> None:
    named = {str(index): lighting for index, lighting in enumerate(lightings)}
    groups = lighting_groups(named, limit=limit)
    assert set(groups) == set(named)
    for name, number in groups.items():
        first = next(other for other, its in groups.items() if its == number)
        assert np.linalg.norm(np.subtract(named[name], named[first])) <= limit
