"""Every channel's file as a reader sees it that had no part in making it; golden pictures; any size and mode."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import pyvips
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from processing import codecs, encoding, metadata
from processing.channels import load_channels, render
from processing.errors import InputRejected, StageFailed
from processing.optimise.compression import ssim
from processing.params import STANDARD_PRESET, ProcessingParams
from processing.quality.verification import RINGING_MARGIN_PX, verify
from processing.types import Rendered, RGBArray
from tests.processing.products import product_alpha, product_colour

CHANNELS = load_channels()
TOKENS = {"asin": "B0SOFTPRF1", "sku": "MUG-042", "shot": "MAIN", "view": "view-1", "description": "Blue mug"}
TEXTS = {"sku": "MUG-042", "copyright": "Emaille GmbH", "description": "Blue mug", "serial": "SN 4711"}
SIDE = 2600
NO_SHADOW = ProcessingParams.from_dict({"shadow": {"enabled": False}})
# What each file must be, written out here and not read from the rows: loader, size, and bits, dots per inch.
EXPECTED: dict[str, tuple[str, tuple[int, int], str, int]] = {
    "amazon_main": ("jpegload_buffer", (2000, 2000), "uchar", 72),
    "amazon_secondary": ("jpegload_buffer", (2000, 2000), "uchar", 72),
    "shopify": ("webpload_buffer", (2048, 2048), "uchar", 0),
    "google_shopping": ("webpload_buffer", (800, 800), "uchar", 0),
    "walmart": ("jpegload_buffer", (2200, 2200), "uchar", 72),
    "ebay": ("jpegload_buffer", (1600, 1600), "uchar", 72),
    "etsy": ("jpegload_buffer", (2000, 2000), "uchar", 72),
    "print_catalog": ("tiffload_buffer", (SIDE, SIDE), "ushort", 300),
    "website": ("jpegload_buffer", (1500, 1500), "uchar", 72),
    "social": ("jpegload_buffer", (1080, 1080), "uchar", 72),
    "responsive": ("webpload_buffer", (2000, 2000), "uchar", 0),
    "mls": ("jpegload_buffer", (2048, 2048), "uchar", 72),
}


@pytest.fixture(scope="module")
def cutout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("readers") / "cutout.png"
    alpha = np.round(product_alpha(SIDE, 0.9) * 255).astype(np.uint8)
    Image.fromarray(np.dstack([product_colour(SIDE), alpha])).save(path, compress_level=1)
    return path


@pytest.fixture(scope="module")
def everything(cutout: Path) -> dict[str, Rendered]:
    def one(key: str) -> Rendered:
        return render(cutout, CHANNELS[key], params=NO_SHADOW, tokens=TOKENS, metadata=TEXTS)

    return {key: one(key) for key in CHANNELS}


def opened(data: bytes) -> Any:
    return pyvips.Image.new_from_buffer(data, "")


def test_every_shipped_channel_is_listed_here() -> None:
    assert set(EXPECTED) == set(CHANNELS)


@pytest.mark.parametrize("key", sorted(EXPECTED))
def test_exp14_libvips_reads_the_size_mode_depth_and_resolution(key: str, everything: dict[str, Rendered]) -> None:
    loader, size, depth, dpi = EXPECTED[key]
    image = opened(everything[key].data)
    assert image.get("vips-loader") == loader
    assert (image.width, image.height) == size and image.bands == 3
    assert image.format == depth
    assert image.interpretation == ("rgb16" if depth == "ushort" else "srgb")
    if dpi:
        assert image.xres * 25.4 == pytest.approx(dpi, abs=0.6) and image.xres == pytest.approx(image.yres)
    assert everything[key].is_verified, everything[key].checks


@pytest.mark.parametrize("key", sorted(EXPECTED))
def test_exp19_libvips_reads_the_right_colours_through_the_embedded_profile(
    key: str, everything: dict[str, Rendered]
) -> None:
    image = opened(everything[key].data)
    assert len(image.get("icc-profile-data")) > 300
    seen = image.icc_transform("srgb", embedded=True, intent="relative", depth=8)
    middle = seen.crop(seen.width // 2 - 8, seen.height // 2 - 8, 16, 16).numpy().reshape(-1, 3).mean(axis=0)
    wanted = product_colour(SIDE)[SIDE // 2 - 10 : SIDE // 2 + 10, SIDE // 2 - 10 : SIDE // 2 + 10]
    assert np.abs(middle - wanted.reshape(-1, 3).mean(axis=0)).max() < 3


@pytest.mark.parametrize("key", sorted(EXPECTED))
def test_exp18_c33_libvips_finds_the_allowed_texts_and_no_other_block(
    key: str, everything: dict[str, Rendered]
) -> None:
    image = opened(everything[key].data)
    fields = set(image.get_fields())
    assert not fields & {"xmp-data", "iptc-data", "photoshop-data", "gps-data", "jpeg-comment"}
    texts = [name for name in fields if name.startswith("exif-") and "SN 4711" in str(image.get(name))]
    assert not texts
    if "exif-data" in fields:
        named = {name.removeprefix("exif-ifd0-") for name in fields if name.startswith("exif-ifd0-")}
        # libexif fills in the resolution fields that the standard calls mandatory; nobody wrote them.
        invented = {"XResolution", "YResolution", "ResolutionUnit", "Orientation"}
        assert named - invented == {"DocumentName", "Copyright", "ImageDescription"}


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
@pytest.mark.parametrize("key", sorted(EXPECTED))
def test_exp18_exiftool_agrees(key: str, everything: dict[str, Rendered], tmp_path: Path) -> None:
    path = tmp_path / everything[key].filename
    path.write_bytes(everything[key].data)
    told = subprocess.run(["exiftool", "-json", "-G", str(path)], capture_output=True, check=True, text=True)
    (found,) = json.loads(told.stdout)
    # Each container has its own group for its size: File (JPEG), RIFF (WebP), EXIF (TIFF).
    size = tuple(next(found[name] for name in found if name.endswith(f":Image{side}")) for side in ("Width", "Height"))
    assert size == EXPECTED[key][1]
    assert found["EXIF:DocumentName"] == "MUG-042" and found["EXIF:Copyright"] == "Emaille GmbH"
    assert not [name for name in found if "GPS" in name or "Serial" in name or name.startswith(("XMP:", "IPTC:"))]


@pytest.mark.parametrize("block", ["comment", "xmp", "software", "model"])
def test_c33_what_isnt_on_the_channels_list_blocks(block: str) -> None:
    exif = Image.Exif()
    exif.load(metadata.write({"sku": "MUG-042"}))
    options: dict[str, Any] = {}
    if block in ("comment", "xmp"):
        options[block] = b"<x:xmpmeta>anything</x:xmpmeta>"
    else:
        exif[{"software": 0x0131, "model": 0x0110}[block]] = "anything"
    out = io.BytesIO()
    Image.new("RGB", (1000, 1000), "white").save(out, "JPEG", exif=exif.tobytes(), **options)
    rules = {check.rule: check for check in verify(out.getvalue(), CHANNELS["amazon_main"], alpha=None)}
    assert not rules["metadata"].passed and rules["metadata"].severity == "error"
    assert rules["metadata"].actual


def test_exp16_too_many_megapixels_are_caught() -> None:
    spec = replace(CHANNELS["shopify"], max_megapixels=4)
    rules = {c.rule: c for c in verify(codecs.encode_webp(np.full((2048, 2048, 3), 255, np.uint8)), spec, alpha=None)}
    assert not rules["max_megapixels"].passed and "4.2" in rules["max_megapixels"].actual


WHITE_SAFE = [quality for quality in range(10, 101) if encoding.keeps_white(quality)]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(WHITE_SAFE), st.integers(20, 60), st.integers(20, 60), st.integers(0, 2**32 - 1))
def test_b5_ringing_of_a_saturated_checker_stays_within_eight_px_of_it(quality: int, x: int, y: int, seed: int) -> None:
    cells = np.random.default_rng(seed).integers(0, 2, (12, 12, 3)).astype(np.uint8) * 255
    frame, product = np.full((200, 200, 3), 255, np.uint8), np.zeros((200, 200), np.uint8)
    frame[y : y + 96, x : x + 96] = cells.repeat(8, axis=0).repeat(8, axis=1)
    product[y : y + 96, x : x + 96] = 1
    out = np.asarray(Image.open(io.BytesIO(codecs.encode_jpeg(frame, quality=quality))))
    off = (out != 255).any(axis=2)
    size = 2 * RINGING_MARGIN_PX + 1
    assert not off[cv2.dilate(product, np.ones((size, size), np.uint8)) == 0].any()
    assert not off[[0, -1]].any()


def test_b5_a_quality_that_cant_hold_white_is_passed_over() -> None:
    unsafe = [quality for quality in range(10, 101) if quality not in WHITE_SAFE]
    assert unsafe and max(unsafe) < 60
    spec = replace(CHANNELS["amazon_main"], min_dimension=0, fill_min=0.0)
    frame = np.full((200, 200, 3), 255, np.uint8)
    frame[80:120, 80:120] = np.random.default_rng(0).integers(0, 256, (40, 40, 3))
    for quality in unsafe:
        assert (opened(codecs.encode_jpeg(frame, quality=quality)).crop(0, 0, 200, 1).numpy() < 255).all(), quality
        data = encoding.encode(frame, replace(spec, quality=quality), b"")
        assert (opened(data).crop(0, 0, 200, 1).numpy() == 255).all(), quality
    sizes = [len(encoding.encode(frame, replace(spec, quality=quality), b"")) for quality in (20, 60)]
    for limit in range(sizes[0], sizes[1], (sizes[1] - sizes[0]) // 8):
        data = encoding.encode(frame, replace(spec, quality=95, max_bytes=limit), b"")
        assert len(data) <= limit
        assert (opened(data).crop(0, 0, 200, 1).numpy() == 255).all(), limit


def test_b5_a_webp_that_lost_the_white_is_caught() -> None:
    frame, caught = np.full((200, 200, 3), 255, np.uint8), 0
    frame[80:120, 80:120] = np.random.default_rng(0).integers(0, 256, (40, 40, 3))
    for quality in range(20, 50):
        spec = replace(CHANNELS["amazon_main"], format="WEBP", min_dimension=0, quality=quality)
        data = encoding.encode(frame, spec, b"")
        pixels = opened(data).numpy()
        lost = bool((pixels[[0, -1]] < 255).any() or (pixels[:, [0, -1]] < 255).any())
        rules = {check.rule: check for check in verify(data, spec, alpha=None)}
        assert rules["white_frame"].passed is not lost, quality
        caught += lost
    assert 0 < caught < 30


@pytest.mark.parametrize("quality, at_least", [(85, 500), (90, 500), (95, 300)])
def test_d_ringing_near_a_saturated_checker_is_real_and_measured(quality: int, at_least: int) -> None:
    cells = np.random.default_rng(5).integers(0, 2, (12, 12, 3)).astype(np.uint8) * 255
    frame, alpha = np.full((200, 200, 3), 255, np.uint8), np.zeros((200, 200), np.float32)
    frame[52:148, 52:148] = cells.repeat(8, axis=0).repeat(8, axis=1)
    alpha[52:148, 52:148] = 1
    spec = replace(CHANNELS["amazon_main"], min_dimension=0, fill_min=0.0)
    data = codecs.encode_jpeg(frame, quality=quality)
    out = np.asarray(Image.open(io.BytesIO(data)))
    assert int((out != 255).any(axis=2)[alpha == 0].sum()) > at_least
    rules = {check.rule: check for check in verify(data, spec, alpha=alpha)}
    assert rules["white_frame"].passed and rules["white_background"].passed
    hard = {check.rule: check for check in verify(codecs.encode_jpeg(frame, quality=10), spec, alpha=alpha)}
    assert not hard["white_near_product"].passed and hard["white_near_product"].severity == "warning"


def test_b5_a_thin_veil_over_the_background_is_no_product_and_is_caught() -> None:
    alpha = product_alpha(1000, 0.86)
    veiled = np.maximum(alpha, np.float32(0.015))
    frame = np.full((1000, 1000, 3), 255, np.uint8)
    frame[100:140, 20:60] = 252
    rules = {c.rule: c for c in verify(codecs.encode_jpeg(frame), CHANNELS["amazon_main"], alpha=veiled)}
    assert not rules["white_background"].passed


def test_pro04_a_thin_veil_is_made_exactly_white(tmp_path: Path) -> None:
    alpha = np.maximum(product_alpha(1200, 0.86), np.float32(4 / 255))
    alpha[[0, -1]] = 0
    rgba = np.dstack([product_colour(1200), np.round(alpha * 255).astype(np.uint8)])
    Image.fromarray(rgba).save(tmp_path / "veil.png")
    result = render(tmp_path / "veil.png", CHANNELS["amazon_main"], params=STANDARD_PRESET, tokens=TOKENS)
    assert {check.rule for check in result.checks if check.rule.startswith("white") and not check.passed} == set()


@pytest.mark.parametrize(
    "max_bytes, wanted", [(500 * 1024, 50), (10 * 1024, None), (949 * 1024, 94), (950 * 1024, 95), (99 * 1024, None)]
)
def test_d_exp15_sizes_of_ten_kb_per_quality(max_bytes: int, wanted: int | None) -> None:
    if wanted is None:
        with pytest.raises(StageFailed) as caught:
            encoding.largest_fitting(lambda quality: b"x" * quality * 10 * 1024, range(10, 96), max_bytes)
        assert caught.value.code == "too_many_bytes"
    else:
        data = encoding.largest_fitting(lambda quality: b"x" * quality * 10 * 1024, range(10, 96), max_bytes)
        assert len(data) == wanted * 10 * 1024


def golden(side: int, fill: float, shift: int = 0) -> RGBArray:
    """The same product drawn four times too large on white and shrunk, by Pillow, with nothing of ours in it."""
    drawn = side * 4
    big = Image.fromarray(product_colour(drawn)).convert("RGBA")
    big.putalpha(Image.fromarray(np.round(product_alpha(drawn, fill) * 255).astype(np.uint8)))
    ground = Image.new("RGBA", (drawn, drawn), "white")
    ground.alpha_composite(big, (shift * 4, 0))
    return np.asarray(ground.convert("RGB").reduce(4))


@pytest.mark.parametrize("key", ["amazon_main", "shopify", "google_shopping", "walmart", "ebay", "etsy"])
def test_golden_pictures_by_ssim(key: str, everything: dict[str, Rendered]) -> None:
    side = EXPECTED[key][1][0]
    made = opened(everything[key].data)
    small = made.resize(400 / side)
    wanted = golden(400, 0.85)
    assert ssim(small, pyvips.Image.new_from_array(wanted)) > 0.95
    assert ssim(small, pyvips.Image.new_from_array(golden(400, 0.85, shift=12))) < 0.95
    assert ssim(small, pyvips.Image.new_from_array(golden(400, 0.75))) < 0.95


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(1, 1400),
    st.integers(1, 1400),
    st.sampled_from(["RGBA", "LA", "RGB", "L", "P", "1", "CMYK", "I;16"]),
    st.sampled_from(sorted(CHANNELS)),
    st.integers(0, 2**32 - 1),
)
def test_exp24_any_size_and_mode_is_verified_files_or_a_sentence(
    width: int, height: int, mode: str, key: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    rgba = np.zeros((height, width, 4), np.uint8)
    rgba[..., :3] = rng.integers(0, 256, 3)
    y, x = sorted(rng.integers(0, height + 1, 2)), sorted(rng.integers(0, width + 1, 2))
    rgba[y[0] : y[1], x[0] : x[1], 3] = 255
    image = Image.fromarray(rgba)
    image = Image.fromarray(rgba[..., 0].astype(np.uint16) * 257) if mode == "I;16" else image.convert(mode)
    with tempfile.NamedTemporaryFile(suffix=".tif" if mode == "CMYK" else ".png") as file:
        image.save(file.name)
        try:
            result = render(Path(file.name), CHANNELS[key], params=STANDARD_PRESET, tokens=TOKENS)
        except (InputRejected, StageFailed) as error:
            assert str(error) and error.code
            return
    for made in result.files:
        back = opened(made.data)
        assert (back.width, back.height) == (made.width, made.height)
        assert made.checks and made.filename
        broken = [check for check in made.checks if not check.passed and check.severity == "error"]
        assert made.is_verified is not bool(broken)
