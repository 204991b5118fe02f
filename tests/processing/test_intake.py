"""Validation: profiles, the four checks, the client's sentence, hashes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from processing import phash
from processing.intake import PROFILES, inspect, strictest
from processing.params import ChannelSpec
from tests.processing.pictures import saved, textured
from tests.processing.scenes import draw

BASIC = PROFILES["basic-500"]
CHECKS = {"file_exists", "file_readable", "format_supported", "sufficient_resolution"}


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    return draw(5, shape="mug").rgb


def _sized(path: Path, width: int, height: int) -> Path:
    scene = draw(5, shape="mug", size=(width, height), fill=0.5)
    return saved(path, scene.rgb, quality=92)


def test_val10_a_good_photo_passes_all_four_checks(tmp_path: Path, scene: np.ndarray) -> None:
    report = inspect(saved(tmp_path / "a.JPG", scene), BASIC, "a.JPG")
    assert set(report.checks) == CHECKS
    assert report.passed and all(report.checks.values())
    assert (report.reason, report.code) == ("Valid", "valid")
    assert len(report.phash) == 16


@pytest.mark.parametrize(("size", "passes"), [(1023, False), (1024, True)])
def test_val01_minimum_file_size(tmp_path: Path, size: int, passes: bool) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"\xff\xd8" + b"\0" * (size - 2))
    reason = inspect(path, BASIC, "a.jpg").reason
    assert reason.startswith("File too small") is not passes


@pytest.mark.parametrize(
    ("profile", "size", "passes"),
    [
        ("basic-500", (499, 2000), False),
        ("basic-500", (500, 500), True),
        ("marketplace-1000", (999, 999), False),
        ("marketplace-1000", (1000, 600), True),
        ("hires-2000", (1999, 1999), False),
        ("hires-2000", (2000, 400), True),
    ],
)
def test_val03_04_05_pre11_profiles_at_their_limits(
    tmp_path: Path, profile: str, size: tuple[int, int], passes: bool
) -> None:
    """VAL-03 both edges; VAL-04 and VAL-05 the longest."""
    report = inspect(_sized(tmp_path / "a.jpg", *size), PROFILES[profile], "a.jpg")
    assert report.passed is passes
    assert report.checks["sufficient_resolution"] is passes
    assert report.checks["file_readable"]
    if not passes:
        assert report.reason.startswith(f"Resolution too low: {size[0]} x {size[1]} px")


@pytest.mark.parametrize("name", ["a.gif", "a", "a.cr2", "a.heic", "a.jpg.exe"])
def test_val07_endings_outside_the_list(tmp_path: Path, scene: np.ndarray, name: str) -> None:
    report = inspect(saved(tmp_path / "a.jpg", scene), BASIC, name)
    assert report.reason.startswith("Unsupported format")
    assert not report.checks["format_supported"]


def test_val08_wrong_ending_is_accepted_with_a_warning(tmp_path: Path, scene: np.ndarray) -> None:
    report = inspect(saved(tmp_path / "a.png", scene), BASIC, "photo.jpg")
    assert report.passed
    assert "type_mismatch" in {finding.code for finding in report.findings}


def test_val02_06_truncated_file_and_noise_never_raise(tmp_path: Path, scene: np.ndarray) -> None:
    whole = saved(tmp_path / "a.jpg", scene).read_bytes()
    for content in (whole[: len(whole) // 2], np.random.default_rng(2).bytes(5000)):
        path = tmp_path / "b.jpg"
        path.write_bytes(content)
        report = inspect(path, BASIC, "b.jpg")
        assert not report.passed and not report.checks["file_readable"]
        assert report.checks["file_exists"] and report.reason.endswith(".")
    assert not inspect(tmp_path / "none.jpg", BASIC, "none.jpg").checks["file_exists"]


@pytest.mark.parametrize("tone", [255, 250, 0])
def test_blank_picture_is_rejected_with_a_clear_sentence(tmp_path: Path, tone: int) -> None:
    grain = np.random.default_rng(1).normal(0, 1.0, (700, 700, 3))
    pixels = np.clip(tone + grain, 0, 255).astype(np.uint8)
    report = inspect(saved(tmp_path / "a.png", pixels), BASIC, "a.png")
    assert (report.code, report.passed) == ("blank", False)
    assert "nothing to cut out" in report.reason


def test_white_product_on_white_is_not_blank_but_warned_about(tmp_path: Path) -> None:
    scene = draw(3, shape="disc", colour=(222.0, 222.0, 220.0), shadow=0.1)
    report = inspect(saved(tmp_path / "a.png", scene.rgb), BASIC, "a.png")
    assert report.passed
    assert "low_contrast" in {finding.code for finding in report.findings}


def test_pre11_strictest_profile_meets_every_channel() -> None:
    def spec(least: int) -> ChannelSpec:
        return ChannelSpec(key="shop", name="Shop", min_dimension=least)

    assert strictest([]) == "basic-500"
    assert strictest([spec(100), spec(500)]) == "basic-500"
    assert strictest([spec(100), spec(1000)]) == "marketplace-1000"
    assert strictest([spec(1500)]) == "hires-2000"


def test_phash_finds_resized_recompressed_and_mirrored_copies(tmp_path: Path) -> None:
    pixels = textured(seed=8)
    first = phash.perceptual_hash(pixels)
    small = np.asarray(Image.fromarray(pixels).resize((350, 300)))
    poor = np.asarray(Image.open(saved(tmp_path / "a.jpg", pixels, quality=40)))
    assert phash.phash_distance(first, phash.perceptual_hash(small)) <= 2
    assert phash.phash_distance(first, phash.perceptual_hash(poor)) <= 2
    mirrored = phash.perceptual_hash(np.ascontiguousarray(pixels[:, ::-1]))
    assert phash.phash_distance(first, mirrored) <= 2
    assert phash.phash_distance(first, mirrored, allow_mirror=False) > phash.NEAR_BITS


def test_near_duplicates_lists_pairs_once_and_skips_empty_hashes() -> None:
    same = phash.perceptual_hash(textured(seed=8))
    other = phash.perceptual_hash(textured(seed=9))
    assert phash.near_duplicates({"a": same, "b": other, "c": same, "d": ""}) == [("a", "c", 0)]


def test_val06_a_photo_with_damaged_picture_data_is_refused_in_words(tmp_path: Path, scene: np.ndarray) -> None:
    data = bytearray(saved(tmp_path / "a.jpg", scene, quality=92).read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = bytes(400)
    (tmp_path / "a.jpg").write_bytes(data)
    report = inspect(tmp_path / "a.jpg", BASIC, "a.jpg")
    assert (report.passed, report.code) == (False, "unreadable")
    assert "its picture data are damaged" in report.reason
    assert not report.checks["file_readable"]
