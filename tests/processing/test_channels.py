"""Channel files by data, re-opened by other readers and held against their rules (EXP-01..05, EXP-12..30, QC-11)."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from processing import encoding
from processing.channels import build_alt_text, build_filename, load_channels, render, verify
from processing.errors import InputRejected, StageFailed
from processing.params import STANDARD_PRESET, ChannelSpec
from processing.types import Rendered, RuleCheck
from tests.processing.products import over, product_alpha, product_colour

CHANNELS = load_channels()
TOKENS = {"asin": "B0TEST1234", "shot": "MAIN", "sku": "SKU-1", "view": "view-1", "description": "Teal bottle"}
TAGS = {"sku": "SKU-1", "copyright": "Acme <2026> & Co", "description": "Teal bottle", "gps": "48.1, 11.5"}
SMALL = replace(CHANNELS["amazon_main"], min_dimension=300, recommended_dimension=500)


def cutout(folder: Path, side: int = 1200, fill: float = 0.9) -> Path:
    alpha = product_alpha(side, fill)
    path = folder / f"cutout-{side}-{fill}.png"
    rgba = np.dstack([product_colour(side), np.round(alpha * 255).astype(np.uint8)])
    Image.fromarray(rgba).save(path, compress_level=1)
    return path


def rendered(path: Path, spec: ChannelSpec) -> Rendered:
    return render(path, spec, params=STANDARD_PRESET, tokens=TOKENS, metadata=TAGS)


def failed(checks: tuple[RuleCheck, ...]) -> set[str]:
    return {check.rule for check in checks if not check.passed and check.severity == "error"}


def reopened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def ring_of(image: Image.Image) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    pixels = np.asarray(image.convert("RGB"))
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


def test_exp01_amazon_main_reopened(tmp_path: Path) -> None:
    result = rendered(cutout(tmp_path, 2600), CHANNELS["amazon_main"])
    image = reopened(result.data)
    assert result.is_verified, result.checks
    assert (image.format, image.size, result.filename) == ("JPEG", (2000, 2000), "B0TEST1234.MAIN.jpg")
    assert len(result.data) <= 10 * 1024**2 and image.info["icc_profile"]
    assert image.layer[0][1:3] == (1, 1) and image.layer[1][1:3] == (1, 1), "4:4:4"  # type: ignore[attr-defined]
    assert (ring_of(image) == 255).all()


@pytest.mark.parametrize("key, side", [("shopify", 2048), ("google_shopping", 800)])
def test_exp03_exp05_square_webp(tmp_path: Path, key: str, side: int) -> None:
    result = rendered(cutout(tmp_path, 2600), CHANNELS[key])
    image = reopened(result.data)
    assert result.is_verified, result.checks
    assert (image.format, image.size, result.filename) == ("WEBP", (side, side), "SKU-1_view-1.webp")
    assert image.info["icc_profile"]


def test_exp04_b44_print_is_sixteen_bit_adobe_rgb_in_the_cutouts_own_size(tmp_path: Path) -> None:
    result = rendered(cutout(tmp_path, 700), CHANNELS["print_catalog"])
    assert result.is_verified, result.checks
    with tifffile.TiffFile(io.BytesIO(result.data)) as file:
        page = file.pages[0]
        pixels = page.asarray()
        dots, inches = page.tags["XResolution"].value
    assert dots / inches == pytest.approx(300, abs=0.5)
    assert pixels.dtype == np.uint16 and pixels.shape == (700, 700, 3)
    wanted = product_colour(700)[350, 350].astype(int) * 257
    assert abs(pixels[350, 350].astype(int) - wanted).max() > 1000, "converted, not relabelled (EXP-19)"


def test_exp04_adobe_values_agree_with_the_published_formula() -> None:
    spec = CHANNELS["print_catalog"]
    frame = np.full((32, 32, 3), (40, 130, 110), np.uint8)
    pixels = tifffile.imread(io.BytesIO(encoding.encode(frame, spec, b"")))
    share = np.array([40, 130, 110]) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    # Linear sRGB to linear Adobe RGB, both D65: IEC 61966-2-1 and Adobe RGB (1998) section 4.3.6.1.
    matrix = np.array([[0.7151, 0.2849, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0412, 0.9588]])
    wanted = (matrix @ linear) ** (256 / 563) * 65535
    assert np.abs(pixels[16, 16] - wanted).max() < 0.006 * 65535


@pytest.mark.parametrize("key", ["amazon_main", "shopify", "google_shopping"])
def test_exp18_sku_copyright_and_description_are_readable_and_no_place_is(tmp_path: Path, key: str) -> None:
    exif = reopened(rendered(cutout(tmp_path), CHANNELS[key]).data).getexif()
    assert (exif[0x010D], exif[0x8298], exif[0x010E]) == ("SKU-1", "Acme <2026> & Co", "Teal bottle")
    assert 0x8825 not in exif


def test_exp18_print_carries_them_as_tiff_fields_and_stays_readable(tmp_path: Path) -> None:
    result = rendered(cutout(tmp_path, 500), CHANNELS["print_catalog"])
    with tifffile.TiffFile(io.BytesIO(result.data)) as file:
        fields = {tag.code: tag.value for tag in file.pages[0].tags}
        assert file.pages[0].asarray().shape == (500, 500, 3)
    assert (fields[269], fields[33432], fields[270]) == ("SKU-1", "Acme <2026> & Co", "Teal bottle")
    assert 34853 not in fields


@pytest.mark.parametrize("missing", ["", "   ", "None", None])
def test_exp12_c30_a_missing_asin_stops_with_a_readable_sentence(missing: str | None) -> None:
    tokens = {key: value for key, value in TOKENS.items() if key != "asin"}
    if missing is not None:
        tokens["asin"] = missing
    with pytest.raises(InputRejected, match="ASIN") as caught:
        build_filename(CHANNELS["amazon_main"], tokens)
    assert caught.value.code == "missing_token"


@pytest.mark.parametrize("sku", ["../../etc/passwd", "a/b\\c", 'x"; rm -rf', "..", "Ä Ö"])
def test_exp12_names_hold_safe_characters_only(sku: str) -> None:
    name = build_filename(CHANNELS["shopify"], {**TOKENS, "sku": sku})
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    assert not name.startswith(".") and name.endswith(".webp")


def test_exp14_the_steps_are_recorded_in_order_and_end_with_verify(tmp_path: Path) -> None:
    assert rendered(cutout(tmp_path, 600), SMALL).steps == (
        "open", "resize_for_platform", "convert_color_space", "ensure_pure_white", "generate_filename",
        "save_with_config", "verify_output_compliance",
    )  # fmt: skip


def test_exp15_c32_the_largest_quality_that_fits() -> None:
    asked: list[int] = []

    def make(quality: int) -> bytes:
        asked.append(quality)
        return b"x" * quality * 100

    assert len(encoding.largest_fitting(make, range(10, 96), 4_250)) == 4_200
    assert len(asked) <= 7, "a binary search"


def test_exp15_c32_nothing_fits_is_a_failure_not_a_95() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (400, 400, 3), dtype=np.uint8)
    with pytest.raises(StageFailed) as caught:
        encoding.encode(noise, replace(SMALL, max_bytes=2_000), b"")
    assert caught.value.code == "too_many_bytes"


def test_exp27_a_1200_px_source_stays_1200_with_a_warning(tmp_path: Path) -> None:
    result = rendered(cutout(tmp_path, 1200, 0.85), CHANNELS["amazon_main"])
    assert 1190 <= result.width <= 1200
    (note,) = [check for check in result.checks if check.rule == "below_recommended"]
    assert not note.passed and note.severity == "warning"
    assert result.is_verified, result.checks


def test_exp02_a_999_px_source_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputRejected, match="at least 1000 px"):
        rendered(cutout(tmp_path, 999), CHANNELS["amazon_secondary"])


def test_exp30_c31_a_wide_product_is_padded_never_stretched(tmp_path: Path) -> None:
    alpha = np.zeros((500, 1000), np.float32)
    alpha[150:350, 50:950] = 1
    path = tmp_path / "wide.png"
    Image.fromarray(np.dstack([product_colour(1000)[:500], (alpha * 255).astype(np.uint8)])).save(path)
    image = reopened(rendered(path, SMALL).data)
    rows, columns = np.nonzero(np.asarray(image.convert("RGB")).min(axis=2) < 200)
    assert image.size[0] == image.size[1]
    assert (np.ptp(columns) + 1) / (np.ptp(rows) + 1) == pytest.approx(900 / 200, rel=0.03)


def flawed(change: Callable[[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]], None]) -> tuple[RuleCheck, ...]:
    alpha = product_alpha(500, 0.86)
    frame = over(product_colour(500), alpha, (255, 255, 255))
    change(frame)
    return verify(encoding.encode(frame, SMALL, b""), SMALL, alpha=alpha, filename="B0.MAIN.jpg")


def test_qc11_an_untouched_file_passes_every_rule() -> None:
    assert failed(flawed(lambda frame: None)) == set()


def test_qc11_c3_a_grey_patch_inside_the_background_is_caught_though_the_ring_is_white() -> None:
    def patch(frame: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> None:
        frame[200:240, 30:60] = 248

    assert failed(flawed(patch)) == {"white_background"}


def test_qc11_an_off_white_frame_is_caught() -> None:
    def ring(frame: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> None:
        frame[:16] = 250

    assert "white_frame" in failed(flawed(ring))


def saved(**options: object) -> bytes:
    alpha = product_alpha(500, 0.86)
    target = io.BytesIO()
    image = Image.fromarray(over(product_colour(500), alpha, (255, 255, 255)))
    image.save(target, **{"format": "JPEG", "quality": 95, "subsampling": 0, **options})  # type: ignore[arg-type]
    return target.getvalue()


def test_qc11_a_wrong_format_profile_size_name_or_place_is_caught() -> None:
    srgb = reopened(encoding.encode(np.full((9, 9, 3), 255, np.uint8), SMALL, b"")).info["icc_profile"]
    assert failed(verify(saved(), SMALL, alpha=None)) == {"profile"}
    assert failed(verify(saved(icc_profile=encoding.adobe_rgb_profile()), SMALL, alpha=None)) == {"profile"}
    assert failed(verify(saved(icc_profile=b"not a profile"), SMALL, alpha=None)) == {"profile"}
    assert "format" in failed(verify(saved(format="PNG", icc_profile=srgb), SMALL, alpha=None))
    good = saved(icc_profile=srgb)
    assert failed(verify(good, SMALL, alpha=None)) == set()
    assert failed(verify(good, SMALL, alpha=None, filename="B0.MAIN.png")) == {"extension"}
    assert failed(verify(good, replace(SMALL, max_bytes=1_000), alpha=None)) == {"max_bytes"}
    assert failed(verify(good, CHANNELS["amazon_main"], alpha=None)) == {"min_dimension"}
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    assert failed(verify(saved(icc_profile=srgb, exif=exif), SMALL, alpha=None)) == {"metadata"}


@pytest.mark.parametrize("cut", [0, 20, 300, 4000])
def test_qc11_a_truncated_file_is_a_failed_rule_and_never_raises(cut: int) -> None:
    assert failed(verify(saved()[:cut], SMALL, alpha=None)) == {"decodes"}


@pytest.mark.parametrize("grey, wanted", [(255, set()), (238, set()), (10, {"background"})])
def test_exp05_light_grey_passes_and_black_fails(grey: int, wanted: set[str]) -> None:
    spec = replace(CHANNELS["google_shopping"], recommended_dimension=0)
    data = encoding.encode(np.full((800, 800, 3), grey, np.uint8), spec, b"")
    assert failed(verify(data, spec, alpha=None)) == wanted


def test_exp03_off_white_is_a_warning_on_shopify() -> None:
    spec = CHANNELS["shopify"]
    checks = verify(encoding.encode(np.full((2048, 2048, 3), 240, np.uint8), spec, b""), spec, alpha=None)
    assert failed(checks) == set()
    assert [check.rule for check in checks if not check.passed] == ["background"]


def test_a_new_channel_is_a_row_of_data(tmp_path: Path) -> None:
    row = {**CHANNELS["shopify"].to_dict(), "key": "corner_shop", "format": "PNG", "recommended_dimension": 400}
    result = rendered(cutout(tmp_path, 900), ChannelSpec.from_dict(row))
    assert result.is_verified and reopened(result.data).size == (400, 400)


def test_exp20_alt_text_leaves_out_what_is_missing() -> None:
    assert build_alt_text(CHANNELS["shopify"], TOKENS) == "Teal bottle, view-1"
    assert build_alt_text(CHANNELS["shopify"], {"description": "Teal bottle"}) == "Teal bottle"
