"""What is foreseen before any work is done (VAL-15), and the lane it speaks for."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from processing.intake import PROFILES, inspect
from processing.preflight import LANES, sharpness, suggested_lane
from processing.types import Finding, IntakeReport
from tests.processing.pictures import saved
from tests.processing.scenes import draw

SIZE = 900


def _report(tmp_path: Path, pixels: np.ndarray) -> IntakeReport:
    return inspect(saved(tmp_path / "a.png", pixels), PROFILES["basic-500"], "a.png")


def _codes(report: IntakeReport) -> set[str]:
    return {finding.code for finding in report.findings} & set(LANES)


def _glass() -> np.ndarray:
    """A tumbler: the backdrop a little darker, dark refracted rims, bright lines."""
    rgb = np.full((SIZE, SIZE, 3), 236, np.uint8)
    cv2.rectangle(rgb, (300, 200), (600, 760), (212, 212, 212), -1)
    cv2.rectangle(rgb, (300, 200), (600, 760), (70, 72, 74), 16)
    cv2.line(rgb, (380, 240), (380, 720), (253, 253, 253), 10)
    cv2.ellipse(rgb, (450, 700), (120, 30), 0, 0, 360, (60, 62, 64), 8)
    return np.asarray(cv2.GaussianBlur(rgb, (0, 0), 1.0), np.uint8)


def _steel() -> np.ndarray:
    """A cylinder that mirrors black flags and a softbox."""
    tones = np.interp(np.arange(360), [0, 40, 90, 150, 185, 260, 300, 359], [25, 110, 60, 180, 255, 255, 90, 20])
    rgb = np.full((SIZE, SIZE, 3), 205, np.uint8)
    rgb[180:740, 270:630] = np.repeat(tones[None, :, None], 3, axis=2).astype(np.uint8)
    return np.asarray(cv2.GaussianBlur(rgb, (0, 0), 1.0), np.uint8)


def test_val15_a_plain_photo_gets_no_warning_and_the_automatic_lane(tmp_path: Path) -> None:
    report = _report(tmp_path, draw(5, shape="mug", size=(SIZE, SIZE)).rgb)
    assert _codes(report) == set()
    assert report.suggested_lane == "automated"


def test_val15_white_on_white_is_named(tmp_path: Path) -> None:
    report = _report(tmp_path, draw(3, shape="disc", colour=(229.0, 229.0, 227.0), shadow=0.05, size=(SIZE, SIZE)).rgb)
    assert "white_on_white" in _codes(report) and "low_contrast" not in _codes(report)
    assert report.suggested_lane == "automated_then_review"


def test_val15_cls14_glass_goes_to_an_editor(tmp_path: Path) -> None:
    report = _report(tmp_path, _glass())
    assert "transparent" in _codes(report)
    assert report.suggested_lane == "editing_with_start"


def test_val15_cls14_polished_metal_is_looked_at(tmp_path: Path) -> None:
    report = _report(tmp_path, _steel())
    assert "reflective" in _codes(report)
    assert report.suggested_lane == "automated_then_review"


def test_val15_a_product_at_the_frame_is_named(tmp_path: Path) -> None:
    rgb = draw(5, shape="box", size=(1100, SIZE)).rgb
    across = np.nonzero((np.abs(rgb.astype(int) - rgb[5, 5]).max(axis=2) > 60).any(axis=0))[0]
    cut = np.ascontiguousarray(rgb[:, (across[0] + across[-1]) // 2 :])
    assert "touches_edge" in _codes(_report(tmp_path, cut))


@pytest.mark.parametrize(("sigma", "is_named"), [(0.0, False), (1.0, False), (4.0, True), (8.0, True)])
def test_val15_blur_is_named_by_its_sigma_at_1000_px(tmp_path: Path, sigma: float, is_named: bool) -> None:
    rgb = draw(5, shape="stand", size=(1000, 900)).rgb
    seen = rgb if sigma == 0 else np.asarray(cv2.GaussianBlur(rgb, (0, 0), sigma), np.uint8)
    assert ("blurred" in _codes(_report(tmp_path, seen))) is is_named


@pytest.mark.parametrize(("sigma", "expected"), [(1.0, 1.89), (2.0, 1.37), (4.0, 1.11)])
def test_sharpness_of_a_known_step(sigma: float, expected: float) -> None:
    step = np.zeros((200, 200, 3), np.uint8)
    step[:, 100:] = 240
    soft = np.asarray(cv2.GaussianBlur(step, (0, 0), sigma), np.uint8)
    assert sharpness(soft, np.ones((80, 80), bool)) == pytest.approx(expected, rel=0.03)


def test_val15_exposure_is_named(tmp_path: Path) -> None:
    rgb = draw(5, shape="mug", size=(SIZE, SIZE), kind="grey").rgb
    dark = (rgb * 0.25).astype(np.uint8)
    assert "underexposed" in _codes(_report(tmp_path, dark))
    burnt = np.full((SIZE, SIZE, 3), 150, np.uint8)
    burnt[200:700, 250:650] = (200, 120, 90)
    burnt[300:560, 300:600] = 255
    assert "overexposed" in _codes(_report(tmp_path, burnt))
    assert not {"overexposed", "underexposed"} & _codes(_report(tmp_path, rgb))


def test_val15_a_busy_backdrop_is_named(tmp_path: Path) -> None:
    report = _report(tmp_path, draw(5, shape="mug", size=(SIZE, SIZE), kind="clutter").rgb)
    assert "busy_backdrop" in _codes(report)


def test_the_most_careful_lane_wins_and_a_note_speaks_for_none() -> None:
    def found(*codes: str) -> list[Finding]:
        return [Finding(code, "warning", "Something.") for code in codes]

    assert suggested_lane(found("untagged")) == "automated"
    assert suggested_lane(found("untagged", "blurred")) == "automated_then_review"
    assert suggested_lane(found("blurred", "transparent")) == "editing_with_start"


def test_a_refused_photo_has_no_lane(tmp_path: Path) -> None:
    report = _report(tmp_path, np.full((SIZE, SIZE, 3), 250, np.uint8))
    assert (report.code, report.suggested_lane, report.cues) == ("blank", "", None)
