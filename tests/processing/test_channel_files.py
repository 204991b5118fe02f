"""All channels from one cut-out, read by others (EXP-02, 14, 15, 17..19, 24, 27, 30; QC-10; C30..C33)."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from processing import encoding
from processing.channels import build_alt_text, build_filename, load_channels, render, verify
from processing.errors import InputRejected, StageFailed
from processing.params import STANDARD_PRESET, ChannelSpec, ProcessingParams
from processing.types import MaskArray, Rendered, RGBArray
from tests.processing.products import product_alpha, product_colour

CHANNELS = load_channels()
TOKENS = {"asin": "B0SOFTPRF1", "sku": "MUG-042", "shot": "MAIN", "view": "view-1", "description": "Blue mug, 350 ml"}
METADATA = {"sku": "MUG-042", "copyright": "Emaille Größe & Söhne", "description": "Blue mug, 350 ml"}


def cutout(path: Path, alpha: MaskArray, colour: RGBArray | None = None) -> Path:
    """The stored cut-out: straight alpha, colour everywhere, also where it can't be seen."""
    if colour is None:
        colour = product_colour(max(alpha.shape))[: alpha.shape[0], : alpha.shape[1]]
    Image.fromarray(np.dstack([colour, np.round(alpha * 255).astype(np.uint8)])).save(path, "PNG", compress_level=1)
    return path


def rendered(path: Path, spec: ChannelSpec, params: ProcessingParams = STANDARD_PRESET) -> Rendered:
    return render(path, spec, params=params, tokens=TOKENS, metadata=METADATA)


def broken(result: Rendered, severity: str = "error") -> set[str]:
    return {check.rule for check in result.checks if not check.passed and check.severity == severity}


def opened(result: Rendered) -> Image.Image:
    image = Image.open(io.BytesIO(result.data))
    image.load()
    return image


def visible_fill(pixels: RGBArray) -> float:
    """Fill by what can be seen: pixels well away from white, not by any matte."""
    seen = pixels.min(axis=2) < 200
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    return float(max((rows[-1] - rows[0] + 1) / seen.shape[0], (columns[-1] - columns[0] + 1) / seen.shape[1]))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2600 px square; the product is 2236 px tall."""
    return cutout(tmp_path_factory.mktemp("cutouts") / "large.png", product_alpha(2600))


@pytest.fixture(scope="module")
def everything(large: Path) -> dict[str, Rendered]:
    return {key: rendered(large, spec) for key, spec in CHANNELS.items()}


def test_exp24_every_channel_from_one_cutout_is_verified(everything: dict[str, Rendered]) -> None:
    assert set(everything) == {
        "amazon_main", "amazon_secondary", "shopify", "google_shopping", "walmart", "ebay", "etsy", "print_catalog",
        "website", "social", "responsive", "mls",
    }  # fmt: skip
    assert {key: broken(result) for key, result in everything.items()} == {key: set() for key in everything}
    assert all(result.is_verified and result.data for result in everything.values())


def test_exp01_white_and_fill_as_the_eye_sees_them(everything: dict[str, Rendered]) -> None:
    pixels = np.asarray(opened(everything["amazon_main"]))
    assert visible_fill(pixels) >= 0.85
    away = cv2.dilate((pixels.min(axis=2) < 200).astype(np.uint8), np.ones((41, 41), np.uint8)) == 0
    assert away.mean() > 0.3
    assert (pixels[away] == 255).all()


def test_exp14_only_pure_white_channels_are_whitened(everything: dict[str, Rendered]) -> None:
    for key, result in everything.items():
        assert ("ensure_pure_white" in result.steps) is (CHANNELS[key].background == "pure_white")
        assert result.steps[-1] == "verify_output_compliance"


@pytest.mark.parametrize("key", sorted(CHANNELS))
def test_exp18_c33_texts_survive_in_every_format_and_no_place_does(key: str, everything: dict[str, Rendered]) -> None:
    exif = opened(everything[key]).getexif()
    tags = {"sku": 0x010D, "copyright": 0x8298, "description": 0x010E}
    assert {name: exif[tag].encode("latin-1").decode() for name, tag in tags.items()} == METADATA
    assert not exif.get_ifd(0x8825)


def test_exp18_a_png_channel_carries_the_texts_as_well(large: Path) -> None:
    result = rendered(large, replace(CHANNELS["google_shopping"], format="PNG", quality=0))
    assert result.is_verified, broken(result)
    assert opened(result).getexif()[0x010D] == "MUG-042"


def test_exp02_grey_is_no_fault_where_any_background_is_allowed(large: Path) -> None:
    grey = ProcessingParams.from_dict({"background": {"kind": "colour", "colour": "#9A9A9A"}})
    result = rendered(large, CHANNELS["amazon_secondary"], grey)
    assert result.is_verified, broken(result)
    assert np.abs(np.asarray(opened(result))[0, 0].astype(int) - 0x9A).max() <= 1


@pytest.mark.parametrize("key, side", [("amazon_secondary", 999), ("amazon_main", 999), ("google_shopping", 99)])
def test_exp02_exp05_below_the_minimum_is_refused_in_numbers(tmp_path: Path, key: str, side: int) -> None:
    with pytest.raises(InputRejected) as caught:
        rendered(cutout(tmp_path / "small.png", product_alpha(side)), CHANNELS[key])
    assert caught.value.code == "too_small"
    assert f"{side} x {side} px" in str(caught.value)
    assert f"at least {CHANNELS[key].min_dimension} px" in str(caught.value)


def test_exp19_adobe_rgb_reads_back_to_the_colours_it_was_made_of(tmp_path: Path) -> None:
    alpha = np.ascontiguousarray(product_alpha(1100)[:900])
    y, x = np.mgrid[0:900, 0:1100]
    colour = np.stack([x % 256, 255 - y % 256, np.full_like(x, 40)], axis=-1).astype(np.uint8)
    path = cutout(tmp_path / "cut.png", alpha, colour)
    result = rendered(path, CHANNELS["print_catalog"], ProcessingParams.from_dict({"shadow": {"enabled": False}}))
    stored = tifffile.imread(io.BytesIO(result.data))
    assert stored.shape == (900, 1100, 3) and stored.dtype == np.uint16
    solid = alpha >= 1
    assert np.median(np.abs(stored[solid] / 257 - colour[solid]).max(axis=1)) > 8  # converted, not relabelled
    profile = ImageCms.ImageCmsProfile(io.BytesIO(opened(result).info["icc_profile"]))
    back = ImageCms.profileToProfile(
        Image.fromarray((stored >> 8).astype(np.uint8)), profile, ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    assert back is not None
    assert np.percentile(np.abs(np.asarray(back)[solid].astype(int) - colour[solid]), 99) <= 3
    assert stored[alpha <= 0].min() >= 65535 - 64  # white stays white


@pytest.mark.parametrize("naming", ["{sku", "{}", "{sku.nothing}", "{sku[x]}", "{sku!z}", "{sku:d}"])
def test_exp12_a_broken_template_is_a_readable_error(naming: str) -> None:
    with pytest.raises(InputRejected):
        build_filename(replace(CHANNELS["shopify"], naming=naming), TOKENS)


@pytest.mark.parametrize("missing", ["", "None", "none "])
def test_exp20_alt_text_never_says_none(missing: str) -> None:
    for spec in CHANNELS.values():
        for key in ("description", "view", "sku"):
            text = build_alt_text(spec, {**TOKENS, key: missing})
            assert text and "none" not in text.lower()
            assert text.strip(" ,") == text


def test_exp27_c31_a_1200_px_source_keeps_its_own_pixels(tmp_path: Path) -> None:
    result = rendered(cutout(tmp_path / "c.png", product_alpha(1200)), CHANNELS["amazon_main"])
    assert max(opened(result).size) < 1300
    assert "below_recommended" in broken(result, "warning")
    assert result.is_verified, broken(result)
    assert visible_fill(np.asarray(opened(result))) >= 0.85


def test_qc10_too_small_a_product_is_not_verified(tmp_path: Path) -> None:
    result = rendered(cutout(tmp_path / "c.png", product_alpha(1100, fill=0.3)), CHANNELS["amazon_main"])
    assert not result.is_verified
    assert "fill" in broken(result)


@pytest.mark.parametrize("key", ["shopify", "amazon_main", "google_shopping"])
def test_exp30_c31_a_wide_product_keeps_its_shape_on_a_square(tmp_path: Path, key: str) -> None:
    alpha = np.zeros((1400, 2600), np.float32)
    alpha[500:900, 200:2400] = 1  # 2200 x 400
    dark = np.full((1400, 2600, 3), 40, np.uint8)
    pixels = np.asarray(opened(rendered(cutout(tmp_path / "c.png", alpha, dark), CHANNELS[key])))
    assert pixels.shape[0] == pixels.shape[1]
    seen = pixels.max(axis=2) < 128
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    assert (columns[-1] - columns[0] + 1) / (rows[-1] - rows[0] + 1) == pytest.approx(2200 / 400, rel=0.03)
    assert rows[0] > 0 and columns[0] > 0


def test_exp17_a_cutout_becomes_a_jpeg_on_its_background_not_on_black(everything: dict[str, Rendered]) -> None:
    assert np.asarray(opened(everything["amazon_secondary"]))[0, 0].min() >= 250


def test_exp29_a_png_of_2000_px_is_whole_and_the_85_is_a_quality_of_lossy_files_alone() -> None:
    """The seed's preset asks for a PNG of 2000 x 2000 with compression 85: the 85 reaches no PNG encoder."""
    frame = np.full((2000, 2000, 3), 255, np.uint8)
    frame[500:1500, 500:1500] = product_colour(1000)
    png, other = (
        encoding.encode(frame, replace(CHANNELS["shopify"], format="PNG", quality=quality), b"") for quality in (85, 20)
    )
    assert png == other
    with Image.open(io.BytesIO(png)) as image:
        image.load()
        assert (image.format, image.size, image.mode) == ("PNG", (2000, 2000), "RGB")
        assert np.array_equal(np.asarray(image), frame) and image.info["icc_profile"]
    jpegs = [encoding.encode(frame, replace(CHANNELS["shopify"], format="JPEG", quality=q), b"") for q in (85, 20)]
    assert len(jpegs[1]) < len(jpegs[0])


def size_limited(large: Path, max_bytes: int, fmt: str) -> Rendered:
    return rendered(large, replace(CHANNELS["google_shopping"], format=fmt, quality=95, max_bytes=max_bytes))


@pytest.mark.parametrize("fmt", ["JPEG", "WEBP"])
def test_exp15_c32_fits_and_one_quality_more_would_not(large: Path, fmt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: dict[int, int] = {}
    genuine = encoding._lossy

    def watched(frame: RGBArray, spec: ChannelSpec, quality: int, tags: bytes) -> bytes:
        data = genuine(frame, spec, quality, tags)
        sizes[quality] = len(data)
        return data

    monkeypatch.setattr(encoding, "_lossy", watched)
    limit = len(size_limited(large, 0, fmt).data) // 2
    result = size_limited(large, limit, fmt)
    assert len(result.data) <= limit
    chosen = max(quality for quality, size in sizes.items() if size == len(result.data))
    assert 10 <= chosen < 95
    assert sizes[chosen + 1] > limit
    assert result.is_verified, broken(result)


def test_exp15_c32_an_impossible_limit_fails_instead_of_shipping(large: Path) -> None:
    for spec in (
        replace(CHANNELS["google_shopping"], max_bytes=900),
        replace(CHANNELS["print_catalog"], max_bytes=9000),
    ):
        with pytest.raises(StageFailed) as caught:
            rendered(large, spec)
        assert caught.value.code == "too_many_bytes"


def test_exp03_off_white_on_shopify_warns_and_ships(large: Path) -> None:
    cream = replace(CHANNELS["shopify"], background="gradient", gradient_top="#F0EFEA", gradient_bottom="#F0EFEA")
    checks = {check.rule: check for check in verify(rendered(large, cream).data, CHANNELS["shopify"], alpha=None)}
    assert not checks["background"].passed
    assert checks["background"].severity == "warning"
