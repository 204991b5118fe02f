"""Formats beyond the usual four: read where their package is installed, refused by its name where it isn't."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, features

from processing import codecs, formats
from processing.errors import InputRejected
from processing.glance import glance
from processing.intake import PROFILES, ValidationProfile, inspect
from processing.raw import is_raw
from tests.processing.pictures import saved, textured

BASIC = PROFILES["basic-500"]
WITHOUT_EXTRAS = frozenset(formats.ALWAYS)


def _dng(path: Path) -> Path:
    """Write a DNG of 600 x 700 px: a Bayer mosaic (RGGB) of one warm grey, 16 bits."""
    mosaic = np.full((600, 700), 20000, np.uint16)
    mosaic[0::2, 0::2], mosaic[1::2, 1::2] = 30000, 10000
    identity = [int(value * 10000) for value in (1, 0, 0, 0, 1, 0, 0, 0, 1)]
    ratio = [part for value in identity for part in (value, 10000)]
    extra = [
        (254, "I", 1, 0, True), (50706, "B", 4, (1, 4, 0, 0), True), (50708, "s", 0, "Test camera", True),
        (33421, "H", 2, (2, 2), True), (33422, "B", 4, (0, 1, 1, 2), True), (50717, "I", 1, 65535, True),
        (50721, "2i", 9, ratio, True), (50728, "2I", 3, (1, 1, 1, 1, 1, 1), True), (50778, "H", 1, 21, True),
    ]  # fmt: skip
    with tifffile.TiffWriter(path) as out:
        out.write(mosaic, photometric=32803, extratags=extra, metadata=None, software=None)
    return path


def _nef_like(path: Path) -> Path:
    """Write a TIFF whose first picture is a preview of one that its SubIFDs tag points to, as cameras do."""
    with tifffile.TiffWriter(path) as out:
        out.write(textured(160, 120), photometric="rgb", subfiletype=1, subifds=1, metadata=None)
        out.write(textured(640, 480), photometric="rgb", subfiletype=0, metadata=None)
    return path


@pytest.mark.parametrize(
    ("ending", "words"),
    [(".heic", "HEIC (.heic) is not enabled here; it needs the server's extra [heic]"),
     (".nef", "camera RAW (.nef) is not enabled here; it needs the server's extra [raw]"),
     (".avif", "AVIF (.avif) is not enabled here; it needs a Pillow that was built with it"),
     (".gif", "files ending in .gif cannot be used"), ("", "a file name without an ending")],
)  # fmt: skip
def test_ing27_ing28_a_format_that_is_not_enabled_is_refused_by_name(ending: str, words: str) -> None:
    sentence = formats.refusal(ending, WITHOUT_EXTRAS)
    assert sentence.startswith("Unsupported format: ") and words in sentence
    assert sentence.endswith("Send JPEG, PNG, WebP or TIFF.")


def test_every_known_ending_is_taken_once_its_format_is_enabled() -> None:
    everything = WITHOUT_EXTRAS | {extra.format for extra in formats.EXTRAS}
    assert all(formats.refusal(ending, everything) == "" for ending in formats.FORMAT_OF)
    assert formats.endings() == {ending for ending, name in formats.FORMAT_OF.items() if name in formats.enabled()}


def test_ing28_avif_comes_with_pillow(tmp_path: Path) -> None:
    path = tmp_path / "a.avif"
    if not features.check("avif"):  # a Pillow built without it: the refusal is the behaviour
        path.write_bytes(b"\0\0\0\x1cftypavif" + bytes(4000))
        assert "AVIF is not enabled" in inspect(path, ValidationProfile("any", "Any"), "a.jpg").reason
        return
    saved(path, textured(), quality=90)
    report = inspect(path, BASIC, "a.avif")
    assert report.passed and report.info is not None and report.info.format == "AVIF"
    assert np.abs(codecs.open_photo(path).rgb.astype(int) - textured()).mean() < 6


def test_ing28_heic_is_read_with_its_package_and_refused_by_name_without(tmp_path: Path) -> None:
    path = tmp_path / "a.heic"
    if "HEIF" not in formats.enabled():
        path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(4000))
        assert "[heic]" in inspect(path, BASIC, "a.heic").reason
        assert "HEIC is not enabled here" in inspect(path, BASIC, "a.jpg").reason  # by content too
        return
    formats.for_pillow()
    saved(path, textured(), format="HEIF", quality=90)
    report = inspect(path, BASIC, "a.heic")
    assert report.passed and report.info is not None and report.info.format == "HEIF"
    assert np.abs(codecs.open_photo(path).rgb.astype(int) - textured()).mean() < 6


def test_ing27_raw_is_developed_with_its_package_and_refused_by_name_without(tmp_path: Path) -> None:
    path = _dng(tmp_path / "a.dng")
    assert is_raw(path)
    if "RAW" not in formats.enabled():
        for name in ("a.dng", "a.tif"):
            report = inspect(path, BASIC, name)
            assert not report.passed and "[raw]" in report.reason and report.code == "unsupported_format"
        return
    photo = codecs.open_photo(path)
    assert (photo.info.format, photo.rgb.shape) == ("RAW", (600, 700, 3))
    assert "raw_developed" in {finding.code for finding in photo.findings}
    red, green, blue = photo.rgb[300, 350].astype(int)
    assert red > green > blue
    assert glance(path, 300).rgb.shape[:2] == (257, 300)
    with pytest.raises(InputRejected) as caught:
        codecs.open_photo(path, max_pixels=100_000)
    assert caught.value.code == "too_many_pixels"


def test_ing27_the_preview_inside_a_raw_file_is_never_taken_for_the_photo(tmp_path: Path) -> None:
    path = _nef_like(tmp_path / "a.tif")
    with Image.open(path) as image:
        assert image.size == (160, 120)  # what a TIFF reader sees
    assert is_raw(path)
    with pytest.raises(InputRejected):
        codecs.open_photo(path)


@pytest.mark.parametrize(
    "head", [b"FUJIFILMCCD-RAW 0201", b"IIU\0\x18\0\0\0", b"IIRO\x08\0\0\0", b"\0\0\0\x18ftypcrx \0\0\0\x01",
             b"II*\0\x10\0\0\0CR\x02\0"],
)  # fmt: skip
def test_ing27_raw_is_told_by_its_signature(tmp_path: Path, head: bytes) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(head + bytes(2000))
    assert is_raw(path)
    with pytest.raises(InputRejected):
        codecs.open_photo(path)


@pytest.mark.parametrize("kind", formats.ALWAYS)
def test_the_usual_formats_are_no_raw(tmp_path: Path, kind: str) -> None:
    assert not is_raw(saved(tmp_path / "a", textured(), format=kind))


def test_a_tiff_that_points_nowhere_is_no_raw(tmp_path: Path) -> None:
    for body in (b"", b"\0", struct.pack("<I", 4_000_000_000), struct.pack("<IH", 8, 65535)):
        path = tmp_path / "a.tif"
        path.write_bytes(b"II*\0" + body)
        assert not is_raw(path)


def test_b2_a_profile_may_take_fewer_formats(tmp_path: Path) -> None:
    strict = ValidationProfile("web", "Web", accepts=frozenset({"JPEG", "PNG"}))
    path = saved(tmp_path / "a.tif", textured())
    assert inspect(path, strict, "a.tif").code == "unsupported_format"
    assert inspect(path, strict, "a.png").reason == "Unsupported format: the file holds TIFF, which is not taken here."
    assert inspect(saved(tmp_path / "a.png", textured()), strict, "a.png").passed
