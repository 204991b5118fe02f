"""Bounds held before a decoder opens anything: pixels, frames, scans, ratio, what a file is (VAL-20, C24)."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from benchmarks.fuzzing import bases, bombs, pictures
from processing import codecs, guards, limits
from processing.errors import InputRejected
from processing.intake import PROFILES, ValidationProfile, inspect
from processing.types import IntakeReport

BOMBS = dict(bombs.bombs())
BASIC = PROFILES["basic-500"]
ANY = ValidationProfile("any", "Any", min_bytes=1)


def judged(tmp_path: Path, name: str) -> IntakeReport:
    path = tmp_path / "photo"
    path.write_bytes(BOMBS[name].ljust(1500, b"\0"))
    return inspect(path, BASIC, f"photo.{name.split(' ', 1)[0]}")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("png of 65500 x 65500 by its header", "too_many_pixels"),
        ("png of 30000 x 30000, one bit", "too_many_pixels"),
        ("jpg of 65500 x 65500", "too_many_pixels"),
        ("tif of 20000 x 20000, deflate", "too_many_pixels"),
        ("webp canvas of 16383 x 16383", "too_many_pixels"),
        ("png strip of 1 x 60000", "too_many_pixels"),
        ("png strip of 32766 x 1", "extreme_ratio"),
        ("jpg strip of 1 x 32000", "extreme_ratio"),
        ("jpg of 3000 scans", "too_many_scans"),
        ("jpg of 90 scans of 36 megapixels", "too_many_scans"),
        ("tif of 100000 pages", "too_many_frames"),
        ("tif of 1000000 pages in a circle", "too_many_frames"),
        ("png of 300000 empty chunks", "too_many_chunks"),
        ("png of 100000 empty data chunks", "too_many_chunks"),
        ("png that says 4 billion frames", "too_many_frames"),
        ("png animated in 3000 frames", "too_many_frames"),
    ],
)
def test_val20_c24_a_bomb_is_refused_by_what_its_structure_says(tmp_path: Path, name: str, code: str) -> None:
    report = judged(tmp_path, name)
    assert (report.passed, report.code) == (False, code) and report.reason.endswith(".")


@pytest.mark.parametrize("name", [name for name in BOMBS if "unpacks to 200 MB" in name])
def test_val20_what_is_packed_beside_the_pixels_is_never_unpacked_whole(tmp_path: Path, name: str) -> None:
    report = judged(tmp_path, name)
    assert report.reason and report.code in ("valid", "unreadable", "unsupported_format")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("jpg that is SVG with a billion laughs", "an SVG drawing"),
        ("jpg that is EPS", "a PostScript (EPS) drawing"),
        ("png that is PDF", "a PDF document"),
        ("jpg that is MVG", "an ImageMagick script (MVG)"),
        ("jpg that is HTML", "a web page"),
        ("jpg that is a GIF of 65535 x 65535", "a GIF"),
        ("png that is a program", "a Windows program"),
    ],
)
def test_val08_c25_sec03_what_only_calls_itself_a_photo_is_refused_by_what_it_is(
    tmp_path: Path, name: str, words: str
) -> None:
    report = judged(tmp_path, name)
    assert report.code == "unsupported_format"
    assert words in report.reason and "JPEG, PNG, WebP or TIFF" in report.reason


def test_ops13_heic_without_its_package_is_refused_by_name(tmp_path: Path) -> None:
    report = judged(tmp_path, "jpg that is HEIC")
    assert not report.passed and report.code in ("unsupported_format", "unreadable")
    assert "HEI" in report.reason or report.code == "unreadable"


@pytest.mark.parametrize("base", [*bases.jpegs(), *bases.pngs(), *bases.webps(), *bases.tiffs(), *bases.avifs()])
def test_ant02_every_sound_file_of_every_mode_passes_the_guards(tmp_path: Path, base: bytes) -> None:
    path = tmp_path / "photo"
    path.write_bytes(base)
    guards.check(path, limits.MAX_PIXELS)
    report = inspect(path, BASIC, "photo")
    assert report.code in ("valid", "unsupported_format"), report.reason  # a name without an ending is refused by it
    photo = codecs.open_photo(path)
    assert photo.rgb.shape == (bases.SIDE, bases.SIDE, 3)


def test_small_odd_shapes_are_no_strips() -> None:
    guards.check_shape(1, 260)
    guards.check_shape(30_000, 300)
    for shape in ((1001, 10), (10, 1001), (32_767, 32_767)):
        with pytest.raises(InputRejected):
            guards.check_shape(*shape)


def test_a_tiff_that_follows_itself_ends_like_one_page(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(BOMBS["tif whose directory follows itself"])
    guards.check(path, limits.MAX_PIXELS)


@settings(max_examples=60)
@given(st.sampled_from(sorted(pictures.strategies())), st.data())
def test_val17_whatever_is_in_a_file_it_ends_with_a_sentence_any_database_keeps(kind: str, data: st.DataObject) -> None:
    made = data.draw(pictures.strategies()[kind])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photo"
        path.write_bytes(made)
        report = inspect(path, ANY, f"photo.{kind.split(' ', 1)[0]}")
    said = [report.reason, *(finding.message for finding in report.findings)]
    if report.info is not None:
        said += [report.info.icc_profile, report.info.camera, report.info.taken_at, *report.info.exif.values()]
    for text in said:
        assert "\0" not in text
        text.encode("utf-8")  # a lone surrogate would raise
    assert report.reason


def test_val06_ops12_a_photo_cut_in_half_is_refused_whatever_its_format(tmp_path: Path) -> None:
    for ending, found in (("jpg", bases.jpegs()[0]), ("png", bases.pngs()[0]), ("webp", bases.webps()[0])):
        path = tmp_path / f"half.{ending}"
        path.write_bytes(found[: len(found) // 2])
        report = inspect(path, ANY, path.name)
        assert report.code == "unreadable" and "again" in report.reason


def test_the_frames_of_an_animation_are_not_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.webp"
    path.write_bytes(bases.webps()[4])
    photo = codecs.open_photo(path)
    assert [finding.code for finding in photo.findings if finding.code == "several_frames"] == ["several_frames"]
    with Image.open(path) as image:
        assert image.n_frames == 3  # type: ignore[attr-defined]
