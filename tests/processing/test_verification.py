"""Tampered files are caught on their encoded bytes, and no bytes make the check itself fail (QC-10, QC-11, C2, C3)."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from processing import codecs, encoding, icc, metadata
from processing.channels import load_channels
from processing.quality.verification import verify
from processing.types import MaskArray, RGBArray
from tests.processing.pictures import ADOBE_RGB, DISPLAY_P3, matrix_profile
from tests.processing.products import over, product_alpha, product_colour

CHANNELS = load_channels()
AMAZON = CHANNELS["amazon_main"]
SIDE = 1000


@pytest.fixture(scope="module")
def alpha() -> MaskArray:
    return product_alpha(SIDE)


@pytest.fixture
def frame(alpha: MaskArray) -> RGBArray:
    return over(product_colour(SIDE), alpha, (255, 255, 255))


def jpeg(pixels: RGBArray, **options: object) -> bytes:
    out = io.BytesIO()
    given_options: dict[str, object] = {"quality": 100, "subsampling": 0, "icc_profile": icc.SRGB, **options}
    Image.fromarray(pixels).save(out, "JPEG", **given_options)  # type: ignore[arg-type]
    return out.getvalue()


def errors(data: bytes, alpha: MaskArray | None, key: str = "amazon_main", filename: str = "") -> set[str]:
    checks = verify(data, CHANNELS[key], alpha=alpha, filename=filename)
    return {check.rule for check in checks if not check.passed and check.severity == "error"}


def test_qc11_an_honest_file_passes_every_rule(frame: RGBArray, alpha: MaskArray) -> None:
    assert errors(jpeg(frame), alpha, filename="B0.MAIN.jpg") == set()


def test_qc11_c3_a_block_of_254_in_the_background_is_caught(frame: RGBArray, alpha: MaskArray) -> None:
    frame[40:56, 40:56] = 254
    assert errors(jpeg(frame), alpha) == {"white_background"}


def test_qc11_one_pixel_of_254_is_caught_in_a_lossless_file(frame: RGBArray, alpha: MaskArray) -> None:
    spec = AMAZON.from_dict({**AMAZON.to_dict(), "format": "PNG"})
    frame[30, 30, 2] = 254
    checks = {check.rule: check for check in verify(codecs.encode_png(frame), spec, alpha=alpha)}
    assert not checks["white_background"].passed
    assert checks["white_background"].actual.startswith("1 of ")


def test_qc11_an_off_white_frame_is_caught_without_a_matte(frame: RGBArray) -> None:
    frame[:8] = 250
    assert "white_frame" in errors(jpeg(frame), None)


def test_qc11_c2_ringing_of_a_low_quality_is_caught_on_the_encoded_bytes(frame: RGBArray, alpha: MaskArray) -> None:
    noisy = frame.copy()
    noisy[alpha > 0] = np.random.default_rng(0).integers(0, 255, (int((alpha > 0).sum()), 3), dtype=np.uint8)
    small = Image.fromarray(noisy).resize((250, 250)).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    assert "white_background" in errors(jpeg(np.asarray(small), quality=5), alpha)


def test_qc11_the_wrong_format_under_the_right_name_is_caught(frame: RGBArray, alpha: MaskArray) -> None:
    assert errors(codecs.encode_png(frame), alpha, filename="B0.MAIN.jpg") == {"format"}
    assert "extension" in errors(jpeg(frame), alpha, filename="B0.MAIN.png")


def test_exp19_no_profile_a_broken_one_and_another_space_are_caught(frame: RGBArray, alpha: MaskArray) -> None:
    """QC-26."""
    for profile in (b"", b"no profile at all", encoding.adobe_rgb_profile(), matrix_profile(DISPLAY_P3)):
        assert errors(jpeg(frame, icc_profile=profile), alpha) == {"profile"}, profile[:20]


def test_exp19_srgb_where_adobe_rgb_is_asked_is_caught() -> None:
    out = io.BytesIO()
    Image.new("RGB", (400, 400), "white").save(out, "TIFF", icc_profile=icc.SRGB, dpi=(300, 300))
    assert errors(out.getvalue(), None, "print_catalog") == {"profile", "bits"}


def test_exp19_display_p3_is_not_taken_for_adobe_rgb() -> None:
    out = io.BytesIO()
    Image.new("RGB", (400, 400), "white").save(out, "TIFF", icc_profile=matrix_profile(DISPLAY_P3), dpi=(300, 300))
    assert "profile" in errors(out.getvalue(), None, "print_catalog")


def test_exp19_a_published_style_adobe_profile_is_recognised() -> None:
    out = io.BytesIO()
    Image.new("RGB", (400, 400), "white").save(out, "TIFF", icc_profile=matrix_profile(ADOBE_RGB), dpi=(300, 300))
    assert errors(out.getvalue(), None, "print_catalog") == {"bits"}


def test_qc11_a_cropped_file_is_caught(frame: RGBArray, alpha: MaskArray) -> None:
    assert {"frame", "aspect", "min_dimension"} & errors(jpeg(np.ascontiguousarray(frame[:, 100:-100])), alpha)
    assert "min_dimension" in errors(jpeg(np.ascontiguousarray(frame[50:-50, 50:-50])), alpha)


def test_qc11_a_truncated_file_is_caught(frame: RGBArray, alpha: MaskArray) -> None:
    data = jpeg(frame)
    assert errors(data[: len(data) // 2], alpha) == {"decodes"}


def test_exp01_too_many_bytes_are_caught(frame: RGBArray, alpha: MaskArray) -> None:
    small = AMAZON.from_dict({**AMAZON.to_dict(), "max_bytes": 1000})
    assert not {c.rule: c for c in verify(jpeg(frame), small, alpha=alpha)}["max_bytes"].passed


def test_exp05_light_grey_passes_google_black_does_not() -> None:
    for shade, wrong in ((235, set()), (0, {"background"}), (180, {"background"})):
        data = codecs.encode_webp(np.full((800, 800, 3), shade, np.uint8))
        assert errors(data, None, "google_shopping") == wrong, shade


def test_c33_a_place_or_a_serial_number_blocks(frame: RGBArray, alpha: MaskArray) -> None:
    place, serial = Image.Exif(), Image.Exif()
    place.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    place[0x8825] = place.get_ifd(0x8825)
    serial.get_ifd(0x8769)[0xA431] = "SN 4711"
    serial[0x8769] = serial.get_ifd(0x8769)
    for block in (place, serial):
        assert errors(jpeg(frame, exif=block.tobytes()), alpha) == {"metadata"}


def test_exp18_a_lost_sku_blocks(frame: RGBArray, alpha: MaskArray) -> None:
    """QC-24: metadata that inventory needs is lost."""
    wanted = {"sku": "MUG-042", "copyright": "Softproof"}
    data = jpeg(frame, exif=metadata.write({"copyright": "Softproof"}))
    lost = {check.rule: check for check in verify(data, AMAZON, alpha=alpha, metadata=wanted)}["metadata_kept"]
    assert not lost.passed and lost.severity == "error" and lost.actual == "sku missing"
    kept = {c.rule: c for c in verify(jpeg(frame, exif=metadata.write(wanted)), AMAZON, alpha=alpha, metadata=wanted)}
    assert kept["metadata_kept"].passed


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(sorted(CHANNELS)), st.sampled_from(["", "a.jpg", "..", "x" * 300]))
def test_qc11_garbage_is_a_failed_rule_never_an_error(data: bytes, key: str, filename: str) -> None:
    for head in (
        b"",
        b"\xff\xd8\xff\xe0",
        b"RIFF\x20\x00\x00\x00WEBP",
        b"\x89PNG\r\n\x1a\n",
        b"II*\0\x08\0\0\0",
        b"MM\0*",
    ):
        checks = verify(head + data, CHANNELS[key], alpha=None, filename=filename)
        assert any(not check.passed and check.severity == "error" for check in checks)


_HONEST = {
    "JPEG": jpeg(np.full((64, 64, 3), 255, np.uint8), exif=metadata.write({"sku": "A"})),
    "PNG": codecs.encode_png(np.full((64, 64, 3), 255, np.uint8)),
    "WEBP": codecs.encode_webp(np.full((64, 64, 3), 255, np.uint8), tags=metadata.write({"sku": "A"})),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(_HONEST)), st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=12))
def test_qc11_flipped_bytes_never_raise(name: str, flips: list[tuple[int, int]]) -> None:
    data = bytearray(_HONEST[name])
    for place, value in flips:
        data[place % len(data)] = value
    assert verify(bytes(data), AMAZON, alpha=None)


def test_qc11_a_tiff_that_claims_a_giant_picture_is_refused() -> None:
    rows = [(256, 4, 1, 400_000), (257, 4, 1, 400_000), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8),
            (277, 3, 1, 1), (278, 4, 1, 400_000), (279, 4, 1, 100)]  # fmt: skip
    data = (
        b"II*\0" + struct.pack("<IH", 8, len(rows)) + b"".join(struct.pack("<HHII", *row) for row in rows) + b"\0" * 4
    )
    assert errors(data, None, "print_catalog") == {"decodes"}


@pytest.mark.parametrize("quality, is_kept", [(10, False), (15, False), (40, True), (75, True), (95, True)])
def test_qc23_an_over_compressed_file_is_refused(quality: int, is_kept: bool) -> None:
    """Even one whose background and size are right: its product no longer looks like the picture."""
    side, matte = 1000, product_alpha(1000)
    colour = product_colour(side).astype(np.float32)
    colour += 14 * np.sin(np.arange(side, dtype=np.float32) / 3)[None, :, None]
    picture = over(np.clip(colour, 0, 255).astype(np.uint8), matte, (255, 255, 255))
    data = jpeg(picture, quality=quality, subsampling=2)
    found = {check.rule: check for check in verify(data, AMAZON, alpha=matte, picture=picture)}["likeness"]
    assert found.passed is is_kept and found.severity == "error", found
    levels = np.round(matte * 255).astype(np.uint8)
    same = {check.rule: check for check in verify(data, AMAZON, alpha=levels, picture=picture)}["likeness"]
    assert same == found


def test_qc23_without_the_picture_or_in_a_lossless_file_nothing_is_claimed(frame: RGBArray, alpha: MaskArray) -> None:
    spec = AMAZON.from_dict({**AMAZON.to_dict(), "format": "PNG"})
    rules = [check.rule for check in verify(jpeg(frame), AMAZON, alpha=alpha)]
    rules += [check.rule for check in verify(codecs.encode_png(frame), spec, alpha=alpha, picture=frame)]
    assert "likeness" not in rules
