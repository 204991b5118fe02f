"""One look for a set: reference pictures, exposures, variants of a SKU, reports (PRO-07..13, QC-17, QC-35)."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing import correction, matching, set_colour
from processing.colour import ColourTransform, contrast_curve, plan_correction
from processing.correction import Aids
from processing.errors import InputRejected
from processing.params import STANDARD_PRESET, ColourParams
from processing.quality.difference import to_lab
from processing.quality.uniformity import Look, consistency_of, look_at, set_report
from processing.types import MaskArray, RGBArray
from tests.processing.products import over, product_alpha, product_colour

PLAIN = ColourParams(white_balance="off", exposure="off", saturation=0, contrast=0)
BALANCE = ColourParams(saturation=0, contrast=0, exposure="off")


def shot(ev: float = 0.0, ground: tuple[int, int, int] = (190, 190, 190)) -> tuple[RGBArray, MaskArray]:
    """The same product on the same sweep, `ev` more or less exposed."""
    alpha = product_alpha(300, 0.7)
    return ColourTransform().exposed(ev).apply(over(product_colour(300), alpha, ground)), alpha


def spread(values: list[float]) -> float:
    return max(values) - min(values)


def test_pro13_exposures_come_together_and_the_median_picture_is_untouched() -> None:
    pictures = {f"p{number}": shot(ev) for number, ev in enumerate((-0.4, -0.15, 0.0, 0.1, 0.3))}
    levels = {key: set_colour.exposure_level(*picture) for key, picture in pictures.items()}
    offsets = set_colour.plan_exposures(levels)
    assert offsets["p2"] == 0.0
    before = [float(rgb.mean()) for rgb, _ in pictures.values()]
    after = [float(ColourTransform().exposed(offsets[key]).apply(rgb).mean()) for key, (rgb, _) in pictures.items()]
    assert spread(after) < 0.1 * spread(before)
    assert after[2] == before[2]


def test_pro13_no_picture_moves_by_more_than_the_limit_and_one_without_backdrop_not_at_all() -> None:
    offsets = set_colour.plan_exposures({"dark": -4.0, "a": -1.0, "b": -1.0, "bright": 0.0, "unseen": None}, 0.3)
    assert offsets == {"dark": 0.3, "a": 0.0, "b": 0.0, "bright": -0.3, "unseen": 0.0}
    assert set_colour.plan_exposures({"unseen": None}) == {"unseen": 0.0} and set_colour.plan_exposures({}) == {}
    with pytest.raises(InputRejected):
        set_colour.plan_exposures({}, -1)


def test_pro13_a_black_product_is_not_taken_for_an_underexposed_photo() -> None:
    alpha = product_alpha(300, 0.7)
    black = over(np.full((300, 300, 3), 20, np.uint8), alpha, (190, 190, 190))
    assert set_colour.exposure_level(black, alpha) == set_colour.exposure_level(*shot())
    assert set_colour.exposure_level(over(product_colour(300), alpha, (3, 3, 3)), alpha) is None


@given(st.dictionaries(st.text(max_size=3), st.one_of(st.none(), st.floats(-8, 0)), max_size=12), st.floats(0, 2))
def test_pro13_any_batch_ends_no_wider_than_it_was(levels: dict[str, float | None], limit: float) -> None:
    offsets = set_colour.plan_exposures(levels, limit)
    assert set(offsets) == set(levels) and all(abs(offset) <= limit for offset in offsets.values())
    known = {key: level for key, level in levels.items() if level is not None}
    if known:
        assert spread([level + offsets[key] for key, level in known.items()]) <= spread(list(known.values())) + 1e-9
        assert 0.0 in [offsets[key] for key in known]


def test_pro08_qc35_variants_of_a_sku_get_one_correction_and_say_what_it_costs() -> None:
    grounds = {"red": (200, 196, 190), "blue": (202, 196, 188), "green": (198, 196, 192), "other": (230, 230, 230)}
    own = {key: plan_correction(*shot(ground=ground), BALANCE)[0] for key, ground in grounds.items()}
    plans = set_colour.plan_set(own, {"red": "S1", "blue": "S1", "green": "S1", "other": ""}, limit_ev=0)
    assert len({plans[key].transform.gains for key in ("red", "blue", "green")}) == 1
    assert plans["other"].transform == own["other"] and plans["other"].delta == 0
    assert plans["red"].transform.gains == own["red"].gains, "the middle one of the three"
    assert 0 < float(plans["blue"].delta or 0) < 3
    assert plans["blue"].transform.reference == (202, 196, 188)


def test_pro13_a_set_is_evened_after_its_own_corrections_not_twice() -> None:
    params = ColourParams(saturation=0, contrast=0, exposure_limit=0.15)
    own = {f"p{number}": plan_correction(*shot(ev), params)[0] for number, ev in enumerate((-0.3, 0.0, 0.2))}
    plans = set_colour.plan_set(own, {})
    seen = [plans[f"p{n}"].transform.apply(shot(ev)[0])[5, 5].mean() for n, ev in enumerate((-0.3, 0.0, 0.2))]
    assert spread([float(value) for value in seen]) <= 2
    assert 0.0 in [plan.offset_ev for plan in plans.values()]


def test_variants_with_different_cards_have_no_common_correction() -> None:
    card = ColourTransform(matrix=(1.0, 0, 0, 0, 1, 0, 0, 0, 1))
    with pytest.raises(InputRejected):
        set_colour.shared_transform([card, ColourTransform()])
    with pytest.raises(InputRejected):
        set_colour.shared_transform([])
    assert set_colour.shared_transform([card, card]) == card


@pytest.mark.parametrize("mode, left", [("each", 0.2), ("together", 0.6)])
def test_pro12_the_histogram_comes_nearer_to_the_reference(mode: str, left: float) -> None:
    alpha = product_alpha(300, 0.7)
    colour = product_colour(300)
    reference = matching.histogram(ColourTransform(gains=(1.15, 1.2, 1.18), contrast=0.2).apply(colour), alpha)
    source = matching.histogram(colour, alpha)
    curves = matching.match(source, reference, mode=mode)  # type: ignore[arg-type]
    after = matching.histogram(ColourTransform(curves=curves).apply(colour), alpha)
    assert matching.distance(after, reference) < left * matching.distance(source, reference)


def test_pro12_together_keeps_neutral_neutral() -> None:
    grey = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    alpha = np.ones((300, 300), np.float32)
    source = matching.histogram(product_colour(300), alpha)
    reference = matching.histogram(np.full((300, 300, 3), (200, 120, 40), np.uint8), alpha)
    assert np.ptp(ColourTransform(curves=matching.match(source, reference)).apply(grey).astype(int), axis=2).max() == 0


def test_pro12_equal_pictures_are_left_as_they_are() -> None:
    alpha = product_alpha(300, 0.7)
    same = matching.histogram(product_colour(300), alpha)
    out = ColourTransform(curves=matching.match(same, same, mode="each")).apply(product_colour(300))
    assert np.abs(out.astype(int) - product_colour(300)).max() <= 1


def test_pro12_too_little_product_and_a_wild_limit_are_refused() -> None:
    with pytest.raises(InputRejected) as caught:
        matching.histogram(np.zeros((30, 30, 3), np.uint8), np.zeros((30, 30), np.float32))
    assert caught.value.code == "too_little_product"
    flat = np.full((4, 256), 1 / 256)
    with pytest.raises(InputRejected):
        matching.match(flat, flat, limit=0.9)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 0.5), st.sampled_from(["each", "together"]))
def test_pro12_curves_rise_stay_bounded_and_keep_black_and_white(seed: int, limit: float, mode: str) -> None:
    rng = np.random.default_rng(seed)
    first, second = (rng.random((4, 256)) ** 8 for _ in range(2))
    first, second = (rows / rows.sum(axis=1, keepdims=True) for rows in (first, second))
    for curve in matching.match(first, second, limit=limit, mode=mode):  # type: ignore[arg-type]
        values = np.array(curve)
        assert (np.diff(values) >= 0).all() and values[0] == 0 and values[-1] == 1
        assert np.abs(values - np.linspace(0, 1, len(values))).max() <= limit + 0.5 / len(values)


def test_pro10_processing_with_a_reference_reduces_the_distance_and_says_so() -> None:
    rgb, alpha = shot()
    reference = matching.histogram(ColourTransform(gains=(1.2, 1.2, 1.2)).apply(product_colour(300)), alpha)
    transform, findings = correction.plan(rgb, alpha, PLAIN, Aids(reference=reference))
    assert [finding.code for finding in findings if finding.code.startswith("reference")] == ["reference_matched"]
    plain = matching.distance(matching.histogram(rgb, alpha), reference)
    assert matching.distance(matching.histogram(transform.apply(rgb), alpha), reference) < 0.6 * plain


def test_aids_none_is_the_photos_own_correction_and_each_aid_is_in_the_transform() -> None:
    rgb, alpha = shot(ground=(200, 196, 190))
    params = STANDARD_PRESET.colour
    own = plan_correction(rgb, alpha, params)
    assert correction.plan(rgb, alpha, params) == own
    card = (0.9, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.1)
    with_card, _ = correction.plan(rgb, alpha, params, Aids(card=card, offset_ev=0.2))
    assert with_card.matrix == card and with_card.gains == pytest.approx((2**0.2,) * 3, abs=1e-5)
    assert (with_card.contrast, with_card.saturation, with_card.is_balanced) == (0.10, 0.05, True)
    shared, _ = correction.plan(rgb, alpha, params, Aids(shared=replace(own[0], gains=(1.1, 1.0, 1.0))))
    assert shared.gains == (1.1, 1.0, 1.0) and shared.reference == own[0].reference
    with pytest.raises(InputRejected):
        correction.plan(rgb, alpha, params, Aids(card=(1.0,)))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(-0.5, 1.5), min_size=9, max_size=9),
    st.tuples(*[st.floats(0.5, 2)] * 3),
    st.floats(-1, 1),
    st.floats(-1, 1),
    st.booleans(),
)
def test_a_transform_survives_json_and_gives_the_same_pixels(
    matrix: list[float], gains: tuple[float, float, float], contrast: float, saturation: float, bends: bool
) -> None:
    curves = ((0.0, 0.3, 1.0), (0.0, 0.5, 1.0), (0.0, 0.6, 1.0)) if bends else ()
    whole = ColourTransform(gains, contrast, saturation, (250, 249, 248), True, tuple(matrix), curves)
    back = ColourTransform.from_dict(json.loads(json.dumps(whole.to_dict())))
    pixels = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    assert back == whole and np.array_equal(back.apply(pixels), whole.apply(pixels))
    assert np.array_equal(whole.apply(pixels)[:7], whole.apply(pixels[:7])), "each pixel by itself"


def test_an_identity_matrix_changes_nothing_and_old_rows_still_read() -> None:
    ramp = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 256, 3)
    assert np.array_equal(ColourTransform(matrix=(1.0, 0, 0, 0, 1, 0, 0, 0, 1)).apply(ramp), ramp)
    old = {"gains": [1.0, 1.1, 1.2], "contrast": 0.1, "saturation": 0.05, "reference": None, "is_balanced": False}
    assert ColourTransform.from_dict(old) == ColourTransform((1.0, 1.1, 1.2), 0.1, 0.05)


def test_a_large_picture_is_corrected_in_bands_like_a_small_one() -> None:
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (1300, 1700, 3), dtype=np.uint8)
    transform = ColourTransform(matrix=(0.9, 0.1, 0, 0.05, 0.95, 0, 0, 0.1, 0.9), saturation=0.05)
    whole = transform.apply(rgb)
    assert np.array_equal(whole[580:600], transform.apply(rgb[580:600]))


def test_pre01_saturation_and_contrast_of_the_standard_preset_do_what_they_say() -> None:
    colour = STANDARD_PRESET.colour
    assert (colour.white_balance, colour.saturation, colour.contrast) == ("auto_reference", 5, 10)
    patches = np.array([[(150, 90, 60), (60, 120, 150), (120, 140, 80), (128, 128, 128), (60, 60, 60)]], np.uint8)
    lab = to_lab(patches)[0]
    chroma = np.hypot(*to_lab(ColourTransform(saturation=0.05).apply(patches))[0][:, 1:].T)
    more = chroma[:3] / np.hypot(*lab[:3, 1:].T)
    assert ((more > 1.02) & (more < 1.08)).all() and chroma[3:].max() < 0.5
    steep = (contrast_curve(np.array([0.51]), 0.10) - contrast_curve(np.array([0.49]), 0.10)) / 0.02
    assert steep == pytest.approx([1.10], abs=0.001)
    rgb, alpha = shot()
    off = plan_correction(rgb, alpha, PLAIN)[0].apply(rgb)
    assert (plan_correction(rgb, alpha, colour)[0].apply(rgb) != off).any()


def look(cast: tuple[float, float, float] = (95.0, 0.0, 0.0), ev: float = -0.2, fill: float = 0.85) -> Look:
    return Look(cast, ev, fill, "standard 3")


def test_qc17_equal_pictures_score_100_and_mixed_ones_less_in_the_right_part() -> None:
    assert consistency_of({key: look() for key in "abcd"}).overall == 100
    assert consistency_of({"one": look()}).overall == consistency_of({}).overall == 100
    tinted = consistency_of({"a": look(), "b": look(), "c": look(cast=(95.0, 8.0, -6.0))})
    assert tinted.colour < 100 and tinted.exposure == tinted.size == tinted.style == 100 and tinted.farthest == "c"
    dark = consistency_of({"a": look(), "b": look(ev=-1.2)})
    assert dark.exposure == 50 and dark.colour == 100
    assert consistency_of({"a": look(fill=0.85), "b": look(fill=0.45)}).size == 0
    mixed = consistency_of({"a": look(), "b": look(), "c": look(), "d": replace(look(), style="portrait 1")})
    assert mixed.style == 75 and mixed.overall == 93.75


def test_qc17_real_pictures_of_one_shoot_are_more_alike_than_of_two() -> None:
    def looks(grounds: list[tuple[int, int, int]]) -> dict[str, Look]:
        found = {str(number): look_at(*shot(ground=ground), 0.7, "s") for number, ground in enumerate(grounds)}
        return {key: seen for key, seen in found.items() if seen is not None}

    alike = consistency_of(looks([(200, 200, 200)] * 2 + [(202, 201, 200)]))
    apart = consistency_of(looks([(200, 200, 200), (120, 140, 160), (230, 215, 190)]))
    assert apart.overall < alike.overall and alike.overall > 97
    assert look_at(np.zeros((20, 20, 3), np.uint8), np.ones((20, 20), np.float32), 1.0, "s") is None


def test_qc35_the_report_names_who_differs() -> None:
    """QC-27: one odd size in a set is named."""
    files = {
        "a": {"size": "2000 x 2000", "format": "JPEG"},
        "b": {"size": "2000 x 2000", "format": "JPEG"},
        "c": {"size": "1500 x 1500", "format": "JPEG"},
    }
    size, form, profile = set_report(files, ("size", "format", "profile"))
    assert (size.is_uniform, size.usual, dict(size.others)) == (False, "2000 x 2000", {"c": "1500 x 1500"})
    assert form.is_uniform and profile.is_uniform and set_report({}, ("size",))[0].is_uniform
    assert set_report({"a": {"x": "2"}, "b": {"x": "1"}}, ("x",))[0].usual == "1"
