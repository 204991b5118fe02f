"""The shadow in a finished file against the declared one: direction and opacity (QC-22)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from processing.channels import load_channels
from processing.compositing import background_for, compose
from processing.params import ProcessingParams, ScoringParams, ShadowParams
from processing.quality.cast import cast_measures, seen_cast
from processing.quality.pair import score_pair
from processing.types import RGBArray
from tests.processing.products import backdrop_photo, product_alpha, product_colour

SIDE = 1080
ALPHA = product_alpha(SIDE, fill=0.7)
SOCIAL = load_channels()["social"]
STANDARD = ProcessingParams()


def drawn(shadow: ShadowParams) -> RGBArray:
    return compose(product_colour(SIDE), ALPHA, replace(STANDARD, shadow=shadow), SOCIAL)


def ground() -> RGBArray:
    return background_for((SIDE, SIDE), STANDARD, SOCIAL)


@pytest.mark.parametrize(
    "angle, opacity, blur, reach", [(45, 0.2, 15, 5), (135, 0.2, 15, 5), (90, 0.35, 30, 20), (300, 0.1, 5, 8)]
)
def test_qc22_direction_and_opacity_of_a_drawn_shadow_are_read_back(
    angle: float, opacity: float, blur: int, reach: int
) -> None:
    shadow = ShadowParams(True, angle, opacity, blur, (reach, 0))
    cast = seen_cast(drawn(shadow), ground(), ALPHA, shadow)
    assert cast is not None and cast.angle_deg is not None
    assert cast.opacity == pytest.approx(opacity, abs=0.03)
    assert abs((cast.angle_deg - angle + 180) % 360 - 180) < 8


@pytest.mark.parametrize(
    "shadow, wrong",
    [
        (ShadowParams(), set()),
        (ShadowParams(opacity=0.4), {"shadow_opacity"}),
        (ShadowParams(angle_deg=135), {"shadow_angle"}),
        (ShadowParams(angle_deg=250, opacity=0.05), {"shadow_angle", "shadow_opacity"}),
    ],
)
def test_qc22_the_score_of_a_pair_names_what_is_off_the_preset(shadow: ShadowParams, wrong: set[str]) -> None:
    report = score_pair(
        backdrop_photo(ALPHA), drawn(shadow), SOCIAL, ScoringParams(), alpha=ALPHA, affine=np.eye(2, 3),
        declared=STANDARD,
    )  # fmt: skip
    found = {item.name: item.passed for item in report.quality.measures if item.name.startswith("shadow_")}
    assert set(found) == {"shadow_opacity", "shadow_angle"}
    assert {name for name, passed in found.items() if passed is False} == wrong


def test_qc22_no_shadow_and_one_without_direction_are_said() -> None:
    bare = drawn(ShadowParams(enabled=False))
    opacity, angle = cast_measures(bare, ground(), ALPHA, ShadowParams())
    assert opacity.passed is False and opacity.value == pytest.approx(0.2)
    assert angle.passed is None and angle.note == "not measured"
    whole = np.ones((SIDE, SIDE), np.float32)
    (unmeasured,) = cast_measures(bare, ground(), whole, ShadowParams())
    assert unmeasured.passed is None


def test_qc22_a_channel_without_shadows_asks_for_none() -> None:
    report = score_pair(
        backdrop_photo(ALPHA), drawn(ShadowParams()), load_channels()["amazon_main"], ScoringParams(), alpha=ALPHA,
        affine=np.eye(2, 3), declared=STANDARD,
    )  # fmt: skip
    assert not [item for item in report.quality.measures if item.name.startswith("shadow_")]
