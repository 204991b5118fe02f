"""Colour: the declared correction does what it says, and only where it may."""

from __future__ import annotations

import numpy as np
import pytest

from processing.colour import ColourTransform, contrast_curve, plan_correction
from processing.params import ColourParams

OFF = ColourParams(white_balance="off", saturation=0, contrast=0, exposure="off")


def _photo(
    backdrop: tuple[int, int, int], product: tuple[int, int, int] = (120, 90, 60)
) -> tuple[np.ndarray, np.ndarray]:
    rgb = np.full((300, 300, 3), backdrop, np.uint8)
    alpha = np.zeros((300, 300), np.float32)
    rgb[80:220, 80:220], alpha[80:220, 80:220] = product, 1.0
    return rgb, alpha


def test_everything_off_changes_nothing() -> None:
    rgb, alpha = _photo((230, 228, 226))
    transform, _ = plan_correction(rgb, alpha, OFF)
    assert transform.is_identity
    assert np.array_equal(transform.apply(rgb), rgb)


def test_pro07_auto_reference_makes_a_tinted_backdrop_neutral() -> None:
    rgb, alpha = _photo((236, 228, 218))
    params = ColourParams(saturation=0, contrast=0, exposure="off")
    transform, findings = plan_correction(rgb, alpha, params)
    assert not findings and transform.is_balanced
    assert np.ptp(transform.apply(rgb)[5, 5].astype(int)) <= 1
    assert transform.residual_cast is not None and transform.residual_cast < 0.6


def test_coloured_backdrop_is_no_reference() -> None:
    rgb, alpha = _photo((220, 150, 140))
    transform, findings = plan_correction(rgb, alpha, ColourParams(saturation=0, contrast=0))
    assert transform.gains == (1.0, 1.0, 1.0)
    assert not transform.is_balanced and transform.residual_cast is None
    assert [finding.code for finding in findings] == ["backdrop_not_neutral"]


def test_exposure_lift_is_limited_and_never_burns_the_product() -> None:
    params = ColourParams(saturation=0, contrast=0, exposure_limit=0.15)
    rgb, alpha = _photo((215, 215, 215))
    lifted, _ = plan_correction(rgb, alpha, params)
    assert 1.0 < max(lifted.gains) <= 2**0.15 + 1e-3
    rgb, alpha = _photo((215, 215, 215), product=(254, 254, 254))
    held, _ = plan_correction(rgb, alpha, params)
    assert max(held.gains) == pytest.approx(1.0, abs=1e-3)


def test_gain_of_white_balance_is_bounded() -> None:
    rgb, alpha = _photo((240, 228, 200))
    params = ColourParams(saturation=0, contrast=0, exposure="off", neutral_chroma=40, balance_limit=0.05)
    transform, _ = plan_correction(rgb, alpha, params)
    assert all(0.95 - 1e-6 <= gain <= 1.05 + 1e-6 for gain in transform.gains)


def test_pro07_contrast_curve_golden_values() -> None:
    curve = contrast_curve(np.array([0.0, 0.25, 0.5, 0.75, 1.0]), 0.10)
    assert curve == pytest.approx([0.0, 0.23125, 0.5, 0.76875, 1.0])


def test_pro07_saturation_golden_values() -> None:
    out = ColourTransform(saturation=0.05).apply(np.array([[200, 100, 50], [90, 90, 90]], np.uint8))
    luma = 0.2126 * 200 + 0.7152 * 100 + 0.0722 * 50
    wanted = [luma + 1.05 * (value - luma) for value in (200, 100, 50)]
    assert out[0] == pytest.approx(wanted, abs=0.51)
    assert tuple(out[1]) == (90, 90, 90)


def test_shadow_on_the_backdrop_does_not_move_the_reference() -> None:
    rgb, alpha = _photo((236, 228, 218))
    rgb[230:290, 60:240] = (120, 118, 130)
    transform, _ = plan_correction(rgb, alpha, ColourParams())
    assert transform.reference == (236, 228, 218)


@pytest.mark.parametrize("gains", [(1.1, 1.1, 1.1), (1.1, 1.0, 0.95)])
def test_a_picture_corrected_in_strips_is_the_picture_corrected_at_once(gains: tuple[float, float, float]) -> None:
    transform = ColourTransform(gains=gains, contrast=0.1, saturation=0.2)
    rgb = np.random.default_rng(3).integers(0, 256, (700, 333, 3), np.uint8)  # three strips, the last one short
    assert np.array_equal(transform.apply(rgb), transform.apply(rgb.reshape(-1, 3)).reshape(rgb.shape))
