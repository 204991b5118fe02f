"""Rows of channels: dated rules, several sizes, fallbacks, logo and background pictures (EXP-06..11, PRO-24, B47)."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from processing import watermark
from processing.channel_rules import Variant, marketplaces, parse_variant
from processing.channels import load_channels, render
from processing.errors import InputRejected
from processing.finishing import Labels, finish
from processing.params import STANDARD_PRESET, ChannelSpec, ProcessingParams, WatermarkParams
from processing.plates import Plates, load_plates
from processing.types import MaskArray, Rendered, RGBArray
from processing.variants import fitted
from tests.processing.products import product_alpha, product_colour

CHANNELS = load_channels()
TOKENS = {"asin": "B0SOFTPRF1", "sku": "MUG-042", "shot": "MAIN", "view": "view-1", "description": "Blue mug"}
EVE, DAY = date(2027, 1, 30), date(2027, 1, 31)
LOGO = np.dstack([np.full((40, 120, 3), (220, 0, 0), np.uint8), np.full((40, 120), 255, np.uint8)])
BRANDED = ProcessingParams(watermark=WatermarkParams(channels=("website",), logo="logo.png", opacity=1.0))


def framed(width: int, height: int) -> tuple[RGBArray, MaskArray]:
    side = min(width, height)
    alpha = np.zeros((height, width), np.float32)
    y, x = (height - side) // 2, (width - side) // 2
    alpha[y : y + side, x : x + side] = product_alpha(side, 0.7)
    return np.full((height, width, 3), (30, 110, 120), np.uint8), alpha


def made(spec: ChannelSpec, size: tuple[int, int], params: ProcessingParams = STANDARD_PRESET, **more: Any) -> Rendered:
    frame, alpha = framed(*size)
    return finish(frame, alpha, spec, params=params, labels=Labels(TOKENS, {"sku": "MUG-042"}), **more)


def size_of(result: Rendered) -> tuple[str | None, tuple[int, int]]:
    image = Image.open(io.BytesIO(result.data))
    return image.format, image.size


def pixels_of(result: Rendered) -> RGBArray:
    return np.asarray(Image.open(io.BytesIO(result.data)).convert("RGB"))


def test_exp05_google_asks_for_500_px_from_its_day_and_not_before() -> None:
    google = CHANNELS["google_shopping"]
    assert google.min_dimension == google.on(EVE).min_dimension == 100
    assert google.on(DAY).min_dimension == google.on(date(2030, 1, 1)).min_dimension == 500
    assert google.on(DAY).changes == () and google.on(EVE) == google


def test_exp05_a_300_px_picture_ships_before_the_day_with_a_warning_and_not_from_it_on(tmp_path: Path) -> None:
    google = CHANNELS["google_shopping"]
    early = made(google, (300, 300), today=EVE)
    assert early.is_verified
    (coming,) = [check for check in early.checks if check.rule.startswith("from 2027-01-31")]
    assert coming.severity == "warning" and coming.expected == "at least 500 px" and "300" in coming.actual
    late = made(google, (300, 300), today=DAY)
    assert {check.rule for check in late.checks if not check.passed and check.severity == "error"} == {"min_dimension"}
    assert not [check for check in made(google, (600, 600), today=EVE).checks if check.rule.startswith("from ")]
    rgba = np.dstack([product_colour(400), np.round(product_alpha(400) * 255).astype(np.uint8)])
    Image.fromarray(rgba).save(tmp_path / "small.png")
    with pytest.raises(InputRejected, match="at least 500 px") as caught:
        render(tmp_path / "small.png", google, params=STANDARD_PRESET, tokens=TOKENS, today=DAY)
    assert caught.value.code == "too_small"


@pytest.mark.parametrize(
    "line",
    ["2027-01-31", "31.1.2027 min_dimension = 500", "2027-02-30 quality = 5", "2027-01-31 nothing = 1",
     "2027-01-31 min_dimension = 900000", "2027-01-31 key = 'other'", "2027-01-31 quality = 5\nbits = 8"],
)  # fmt: skip
def test_pre03_a_change_that_cant_be_meant_is_refused_when_the_row_is_made(line: str) -> None:
    with pytest.raises(InputRejected) as caught:
        replace(CHANNELS["google_shopping"], changes=(line,))
    assert caught.value.code == "invalid_parameter"


def test_changes_of_one_rule_follow_each_other() -> None:
    row = replace(CHANNELS["ebay"], changes=("2028-01-01 quality = 70", "2027-01-01 quality = 80"))
    assert [row.on(date(year, 6, 1)).quality for year in (2026, 2027, 2028)] == [90, 80, 70]
    assert row.change_days() == (date(2027, 1, 1), date(2028, 1, 1))


def test_exp10_the_four_sizes_of_a_4000_x_3000_source() -> None:
    result = made(CHANNELS["responsive"], (4000, 3000))
    webp = {file.part: size_of(file) for file in result.files if file.content_type == "image/webp"}
    assert webp == {
        "large": ("WEBP", (2000, 1500)), "medium": ("WEBP", (800, 600)), "mobile": ("WEBP", (640, 640)),
        "thumbnail": ("WEBP", (300, 300)),
    }  # fmt: skip
    assert all(file.is_verified for file in result.files), [file.checks for file in result.files]
    assert len({file.filename for file in result.files}) == 8


def test_exp11_every_webp_has_a_jpeg_of_the_same_stem_and_picture() -> None:
    files = made(CHANNELS["responsive"], (900, 700)).files
    pairs = {file.part.removesuffix("-jpeg"): [] for file in files}  # type: dict[str, list[Rendered]]
    for file in files:
        pairs[file.part.removesuffix("-jpeg")].append(file)
    for webp, jpeg in pairs.values():
        assert (webp.content_type, jpeg.content_type) == ("image/webp", "image/jpeg")
        assert Path(webp.filename).stem == Path(jpeg.filename).stem
        assert Path(jpeg.filename).suffix == ".jpg" and size_of(jpeg)[0] == "JPEG"
        assert np.abs(pixels_of(webp).astype(int) - pixels_of(jpeg)).mean() < 2


def test_exp10_a_500_px_source_is_enlarged_by_none_of_them() -> None:
    files = {file.part: file for file in made(CHANNELS["responsive"], (500, 400)).files}
    assert size_of(files["large"])[1] == size_of(files["medium"])[1] == (500, 400)
    assert size_of(files["mobile"])[1] == (400, 400)
    assert "variant: variant_reduced" in {check.rule for check in files["mobile"].checks}


def test_exp10_a_square_of_a_wide_product_says_that_it_cuts() -> None:
    frame, alpha = np.full((300, 900, 3), 60, np.uint8), np.zeros((300, 900), np.float32)
    alpha[100:200, 50:850] = 1
    result = finish(frame, alpha, CHANNELS["responsive"], params=STANDARD_PRESET, labels=Labels(TOKENS))
    files = {file.part: file for file in result.files}
    assert "variant: product_cut" in {check.rule for check in files["thumbnail"].checks}
    assert "variant: product_cut" not in {check.rule for check in files["medium"].checks}


@given(st.integers(1, 9000), st.integers(1, 9000), st.integers(1, 3000), st.integers(1, 3000), st.booleans())
def test_exp10_no_size_is_ever_larger_than_its_source_or_its_box(w: int, h: int, bw: int, bh: int, fill: bool) -> None:
    width, height = fitted((w, h), Variant("any", "fill" if fill else "limit", bw, bh))
    assert 1 <= width <= min(w, bw) and 1 <= height <= min(h, bh)
    if not fill and min(width, height) > 20:
        assert width / height == pytest.approx(w / h, rel=0.1)


@pytest.mark.parametrize(
    "line", ["", "small", "small crop 3x3", "small fill 3", "small fill 0x3", "small fill 99999x3", "s fill 3x3 q101"]
)
def test_a_variant_that_cant_be_meant_is_refused(line: str) -> None:
    with pytest.raises(InputRejected):
        parse_variant(line)


@pytest.mark.parametrize(
    "wrong",
    [{"variants": ("a fill 3x3", "a fill 4x4")}, {"variants": ("a fill 3x3", "b fill 4x4"), "naming": "{sku}.{ext}"},
     {"fallback_format": "WEBP"}, {"marketplace": True}],
)  # fmt: skip
def test_a_row_that_contradicts_itself_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputRejected):
        replace(CHANNELS["responsive"], **wrong)


def test_exp06_ebay_has_a_white_background_and_says_what_is_assumed() -> None:
    assert CHANNELS["ebay"].background == "white_recommended" and "Assumed" in CHANNELS["ebay"].source_note


def test_exp07_website_is_1500_px_on_the_gradient_under_the_seeds_name() -> None:
    plain = STANDARD_PRESET.from_dict({"shadow": {"enabled": False}})
    result = made(CHANNELS["website"], (1500, 1500), plain)
    assert result.filename == "MUG-042_website_main.jpg" and size_of(result) == ("JPEG", (1500, 1500))
    pixels = pixels_of(result).astype(int)
    assert np.abs(pixels[0] - 0xF5).max() <= 1 and np.abs(pixels[-1] - 0xFF).max() <= 1


def test_exp07_pro24_the_logo_changes_its_corner_and_nothing_else() -> None:
    without = pixels_of(made(CHANNELS["website"], (600, 600))).astype(int)
    result = made(CHANNELS["website"], (600, 600), BRANDED, plates=Plates(logo=LOGO))
    change = np.abs(pixels_of(result).astype(int) - without).max(axis=2)
    rows, columns = np.flatnonzero((change > 40).any(axis=1)), np.flatnonzero((change > 40).any(axis=0))
    x, y, width, height = watermark.place((600, 600), (120, 40), BRANDED.watermark)
    assert (columns[0], columns[-1] + 1) == pytest.approx((x, x + width), abs=1)
    assert (rows[0], rows[-1] + 1) == pytest.approx((y, y + height), abs=1)
    assert change[: y - 16].max() == 0
    assert "add_watermark" in result.steps


def test_pro24_half_a_logo_is_half_way() -> None:
    params = WatermarkParams(channels=("website",), logo="logo.png", opacity=0.5, position="centre")
    out = watermark.stamp(np.full((200, 200, 3), 100, np.uint8), LOGO, params)
    assert tuple(out[100, 100]) == (160, 50, 50) and tuple(out[20, 20]) == (100, 100, 100)


@pytest.mark.parametrize("key", sorted(marketplaces()))
def test_b47_a_preset_with_a_logo_on_a_marketplace_is_refused_by_its_own_validation(key: str) -> None:
    with pytest.raises(InputRejected, match=key) as caught:
        ProcessingParams.from_dict({"watermark": {"channels": ["website", key], "logo": "logo.png"}})
    assert caught.value.code == "overlay_refused"


def test_b47_rendering_refuses_a_logo_where_the_row_allows_none() -> None:
    own = replace(CHANNELS["website"], key="shop_window", overlay_allowed=False)
    wish = ProcessingParams(watermark=WatermarkParams(channels=("shop_window",), logo="logo.png"))
    with pytest.raises(InputRejected, match="takes no logo") as caught:
        made(own, (300, 300), wish, plates=Plates(logo=LOGO))
    assert caught.value.code == "overlay_refused"


def test_pro24_a_logo_that_isnt_there_stops_instead_of_shipping_without(tmp_path: Path) -> None:
    for attempt in (
        lambda: made(CHANNELS["website"], (300, 300), BRANDED),
        lambda: load_plates(BRANDED, tmp_path),
        lambda: load_plates(BRANDED, None),
    ):
        with pytest.raises(InputRejected, match=r"logo\.png") as caught:
            attempt()
        assert caught.value.code == "plate_missing"
    Image.fromarray(LOGO).save(tmp_path / "logo.png")
    assert np.array_equal(load_plates(BRANDED, tmp_path).logo, LOGO)


@settings(max_examples=60)
@given(
    st.tuples(st.integers(1, 900), st.integers(1, 900)),
    st.tuples(st.integers(1, 900), st.integers(1, 900)),
    st.sampled_from(["bottom_right", "bottom_left", "top_right", "top_left", "centre"]),
    st.floats(0.02, 0.6),
    st.floats(0, 0.2),
)
def test_pro24_a_logo_of_any_shape_lies_whole_inside_the_frame(
    frame: tuple[int, int], logo: tuple[int, int], position: str, width_ratio: float, margin_ratio: float
) -> None:
    params = WatermarkParams(position=position, width_ratio=width_ratio, margin_ratio=margin_ratio)
    x, y, width, height = watermark.place(frame, logo, params)
    assert x >= 0 and y >= 0 and width >= 1 and height >= 1
    assert x + width <= frame[0] and y + height <= frame[1]


def test_pro03_a_brand_picture_covers_the_frame_of_the_social_channel() -> None:
    half = np.zeros((300, 600, 3), np.uint8)
    half[:, 300:] = (0, 0, 200)
    wish = {"background": {"kind": "image", "image": "wall.png"}, "shadow": {"enabled": False}}
    result = made(CHANNELS["social"], (1080, 1080), ProcessingParams.from_dict(wish), plates=Plates(background=half))
    assert result.is_verified and result.filename == "MUG-042_social_1080x1080.jpg"
    assert size_of(result)[1] == (1080, 1080)
    pixels = pixels_of(result).astype(int)
    assert np.abs(pixels[540, 5] - (0, 0, 0)).max() < 6 and np.abs(pixels[540, -5] - (0, 0, 200)).max() < 6
    white = made(CHANNELS["amazon_main"], (1080, 1080), ProcessingParams.from_dict(wish))
    assert (pixels_of(white)[:5] == 255).all(), "a pure white channel never looks at the preset's picture"
    with pytest.raises(InputRejected) as caught:
        made(CHANNELS["social"], (1080, 1080), ProcessingParams.from_dict(wish))
    assert caught.value.code == "plate_missing"


def test_exp08_b30_anything_but_1080_px_is_caught() -> None:
    result = made(CHANNELS["social"], (1000, 1000))
    assert "min_dimension" in {check.rule for check in result.checks if not check.passed and check.severity == "error"}


def test_exp09_amazon_can_be_cloned_with_another_name_and_quality() -> None:
    clone = replace(CHANNELS["amazon_main"], key="amazon_seed000", quality=90, naming="{sku}_amazon_main.{ext}")
    first, second = made(CHANNELS["amazon_main"], (2000, 2000)), made(clone, (2000, 2000))
    assert second.filename == "MUG-042_amazon_main.jpg" and first.filename == "B0SOFTPRF1.MAIN.jpg"
    assert len(second.data) < len(first.data)
