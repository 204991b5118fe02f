"""`python -m processing score`: any pair, with and without a matte; what can't be found is said (QC-10, QC-11)."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from processing import codecs, registration
from processing.__main__ import main
from processing.errors import StageFailed
from processing.types import MaskArray, RGBArray
from tests.processing.products import over

SIZE = (900, 1100)


def product() -> tuple[RGBArray, MaskArray]:
    """A lettered, shaded box in a photo of its own: enough to be found again."""
    alpha = np.zeros((SIZE[1] * 2, SIZE[0] * 2), np.uint8)
    cv2.fillPoly(alpha, [np.array([(600, 500), (1150, 430), (1330, 640), (1280, 1600), (700, 1720), (560, 1300)])], 255)
    matte = cv2.resize(alpha, SIZE, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    matte = np.asarray(cv2.GaussianBlur(matte, (0, 0), 0.8), np.float32)
    matte[matte < 0.004] = 0
    colour = np.zeros((SIZE[1], SIZE[0], 3), np.float32) + np.array([40, 90, 120], np.float32)
    colour *= np.linspace(0.7, 1.25, SIZE[0])[None, :, None]
    for left in (330, 400, 470, 540):
        cv2.rectangle(colour, (left, 470), (left + 40, 530), (210, 200, 90), 9)
    cv2.circle(colour, (480, 700), 60, (190, 60, 50), -1)
    colour += np.random.default_rng(1).normal(0, 3, (SIZE[1], SIZE[0], 1))
    return np.clip(colour, 0, 255).astype(np.uint8), matte


def finished(scale: float, shift: tuple[float, float], side: int) -> tuple[RGBArray, RGBArray, MaskArray]:
    """The photo, the finished frame `side` px square, and the frame's matte; frame = scale * photo + shift."""
    colour, matte = product()
    photo = over(colour, matte, (190, 191, 193))
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    moved = registration.warped(colour, matrix, (side, side))
    alpha = registration.warped(np.round(matte * 255).astype(np.uint8), matrix, (side, side)) / np.float32(255)
    return photo, over(moved, np.asarray(alpha, np.float32), (255, 255, 255)), np.asarray(alpha, np.float32)


@pytest.mark.parametrize("scale, shift, side", [(1.0, (-32.0, -52.0), 1000), (1.25, (-60.5, -150.25), 1000)])
def test_scale_and_shift_are_found_to_a_fraction_of_a_pixel(
    scale: float, shift: tuple[float, float], side: int
) -> None:
    photo, frame, alpha = finished(scale, shift, side)
    matrix = registration.find_affine(photo, frame, alpha)
    corners = np.array([[280.0, 220, 1], [660, 860, 1]])
    wanted = corners @ np.array([[scale, 0, shift[0]], [0, scale, shift[1]]]).T
    assert np.abs(corners @ matrix.T - wanted).max() < 0.5


def test_another_products_picture_is_not_registered() -> None:
    photo, _, _ = finished(1.0, (0.0, 0.0), 1000)
    other = np.full((1000, 1000, 3), 255, np.uint8)
    cv2.ellipse(other, (500, 500), (420, 180), 20, 0, 360, (200, 180, 30), -1)
    for y in range(330, 680, 24):
        cv2.line(other, (300, y), (700, y + 60), (20, 20, 20), 5)
    with pytest.raises(StageFailed) as failure:
        registration.find_affine(photo, other, registration.alpha_from_white(other))
    assert failure.value.code == "not_registered"


def test_a_matte_read_from_white_lies_on_the_product() -> None:
    _, frame, alpha = finished(1.25, (-60.0, -150.0), 1000)
    read = registration.alpha_from_white(frame)
    first, second = read > 0.5, alpha > 0.5
    assert (first & second).sum() / (first | second).sum() > 0.99
    assert read.dtype == np.float32 and read.min() >= 0 and read.max() <= 1


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path, Path]:
    photo, frame, alpha = finished(1.25, (-60.0, -150.0), 1000)
    before, after, matte = tmp_path / "photo.jpg", tmp_path / "done.jpg", tmp_path / "matte.png"
    before.write_bytes(codecs.encode_jpeg(photo, quality=95))
    after.write_bytes(codecs.encode_jpeg(frame, quality=95))
    matte.write_bytes(codecs.encode_png(np.round(alpha * 255).astype(np.uint8)))
    return before, after, matte


def scored(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, object]:
    capsys.readouterr()
    assert main(["score", *words, "--channel", "amazon_main", "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert isinstance(document, dict)
    return document


def test_a_good_foreign_file_scores_well_with_and_without_its_matte(
    pair: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    before, after, matte = pair
    given = scored(capsys, str(before), str(after), "--alpha", str(matte))
    derived = scored(capsys, str(before), str(after))
    for document, source in ((given, "given"), (derived, "white")):
        assert document["registered"] is True and document["alpha"] == source
        assert document["correction"] == "none declared"
        assert document["score"]["colour_measured"] is True  # type: ignore[index]
        assert document["score"]["total"] >= 90, document  # type: ignore[index]


def test_a_pair_that_does_not_belong_together_is_said_and_earns_no_trust(
    pair: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = np.full((1000, 1000, 3), 255, np.uint8)
    cv2.ellipse(other, (500, 500), (430, 180), 20, 0, 360, (200, 180, 30), -1)
    for y in range(330, 680, 24):
        cv2.line(other, (300, y), (700, y + 60), (20, 20, 20), 5)
    after = tmp_path / "other.jpg"
    after.write_bytes(codecs.encode_jpeg(other, quality=95))
    document = scored(capsys, str(pair[0]), str(after))
    assert document["registered"] is False
    score = document["score"]
    assert "wrong_file" in [gate["code"] for gate in score["gates"] if not gate["passed"]]  # type: ignore[index]
    assert score["edge"] == score["colour"] == 0 and score["total"] <= 50  # type: ignore[index]
    assert score["advice"].startswith("The result doesn't show this photo's product")  # type: ignore[index]
    assert [item["code"] for item in document["findings"]] == ["not_registered"]  # type: ignore[attr-defined]
    assert document["score"]["colour_measured"] is False  # type: ignore[index]


def test_a_file_or_matte_that_cannot_be_used_ends_with_two(
    pair: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after, _ = pair
    small = tmp_path / "small.png"
    small.write_bytes(codecs.encode_png(np.zeros((50, 60), np.uint8)))
    assert main(["score", str(before), str(after), "--alpha", str(small)]) == 2
    assert "60 x 50" in capsys.readouterr().err
    assert main(["score", str(before), str(tmp_path / "none.jpg")]) == 2


def test_people_read_a_few_lines(pair: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    before, after, matte = pair
    assert main(["score", str(before), str(after), "--alpha", str(matte)]) == 0
    assert capsys.readouterr().out.split(" of 100")[0].isdigit()
