"""Edges: refinement moves the mask to the picture's edge; decontamination touches soft pixels only."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing import geometry
from processing.matting import decontaminate, refine
from processing.mixing import place
from processing.params import EdgeParams
from processing.types import AlphaArray, MaskArray
from tests.processing.scenes import draw


def _coarse(alpha: MaskArray, size: tuple[int, int] = (160, 142)) -> MaskArray:
    return np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), np.float32)


def _off(alpha: AlphaArray, truth: MaskArray) -> float:
    return float(np.abs(alpha / np.float32(255) - truth).mean())


def test_refinement_brings_a_coarse_mask_closer_to_the_truth() -> None:
    scene = draw(7, shape="mug", size=(1500, 1400), fill=0.8)
    off = {
        level: _off(refine(scene.rgb, _coarse(scene.alpha), EdgeParams(refinement=level)).alpha, scene.alpha)
        for level in ("low", "medium", "high")
    }
    assert off["high"] < 0.4 * off["low"]
    assert off["high"] < off["medium"] < off["low"]


def test_pro02_refinement_level_changes_the_edge() -> None:
    scene = draw(7, shape="mug")
    low, high = (
        refine(scene.rgb, _coarse(scene.alpha), EdgeParams(refinement=level)).alpha for level in ("low", "high")
    )
    assert not np.array_equal(low, high)


def test_alpha_is_exact_away_from_the_edge_and_soft_for_a_few_pixels_only() -> None:
    scene = draw(7, shape="box")
    alpha = refine(scene.rgb, _coarse(scene.alpha), EdgeParams()).alpha
    near = cv2.dilate(((scene.alpha > 0) & (scene.alpha < 1)).astype(np.uint8), np.ones((31, 31), np.uint8)) > 0
    assert set(np.unique(alpha[~near])) <= {0, 255}
    assert np.array_equal(alpha[~near] > 127, scene.alpha[~near] > 0.5)
    outline = cv2.morphologyEx((scene.alpha > 0.5).astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8))
    assert float(((alpha > 0) & (alpha < 255)).sum()) < 4 * float(outline.sum())


def test_a_contact_shadow_beside_the_edge_is_no_part_of_it() -> None:
    rgb = np.full((300, 300, 3), 235, np.uint8)
    ramp = np.clip((np.arange(300) - 150) / 40.0, 0, 1)  # deep at the product's edge, gone 40 px further
    rgb[:, 150:] = (90 + 145 * ramp[150:])[None, :, None].astype(np.uint8)
    rgb[:, :150] = (40, 30, 120)
    truth = np.zeros((300, 300), np.float32)
    truth[40:260, 60:150] = 1
    rgb[:40], rgb[260:], rgb[:, :60] = 235, 235, 235
    alpha = refine(rgb, _coarse(truth, (64, 64)), EdgeParams()).alpha
    assert (alpha[80:220, 153:] == 0).all() and (alpha[80:220, 100:147] == 255).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(40, 400), st.integers(40, 400), st.integers(8, 90), st.integers(8, 90))
def test_any_mask_grid_fits_any_picture(width: int, height: int, columns: int, rows: int) -> None:
    truth = np.zeros((height, width), np.float32)
    truth[height // 4 : 3 * height // 4, width // 4 : 3 * width // 4] = 1
    rgb = np.where(truth[..., None] > 0, np.uint8(40), np.uint8(230)).repeat(3, axis=2)
    alpha = refine(rgb, _coarse(truth, (columns, rows)), EdgeParams()).alpha
    assert alpha.shape == truth.shape and alpha.dtype == np.uint8
    assert np.abs(alpha / 255.0 - truth).mean() < 0.1


def test_an_empty_mask_is_reported() -> None:
    scene = draw(7, shape="box")
    found = refine(scene.rgb, np.zeros_like(scene.alpha), EdgeParams())
    assert [finding.code for finding in found.findings] == ["edge_not_refined"]
    assert not found.alpha.any()


def test_a_pixel_is_placed_between_the_colours_beside_it_and_texture_is_not_trusted() -> None:
    rgb = np.full((80, 80, 3), 220, np.uint8)
    rgb[:, :40] = (60, 90, 30)
    rgb[:, 40] = 140  # half and half in grey: off the line in colour, so hardly trusted
    rgb[:, 41] = np.round(0.4 * np.array([60, 90, 30]) + 0.6 * 220)
    mask = np.zeros((80, 80), np.uint8)
    mask[:, :41] = 255
    band = place(rgb, mask, 3)
    assert band is not None
    column = band.columns == 41
    assert band.alpha[column] == pytest.approx((0.4 - 0.15) / 0.7, abs=0.03)
    assert band.trust[column].min() > 0.9
    alike = place(np.full((80, 80, 3), 200, np.uint8), mask, 3)
    assert alike is not None and float(alike.trust.max()) == 0.0
    assert place(rgb, np.zeros((80, 80), np.uint8), 3) is None


def test_decontamination_takes_the_backdrop_out_of_soft_pixels_only() -> None:
    alpha = np.zeros((200, 200), np.float32)
    alpha[:, 100:] = 1.0
    alpha = cv2.GaussianBlur(alpha, (0, 0), 3)
    alpha[alpha < 0.01], alpha[alpha > 0.99] = 0.0, 1.0
    front, back = np.array([180.0, 40.0, 30.0]), np.array([60.0, 200.0, 80.0])
    rgb = np.round(front * alpha[..., None] + back * (1 - alpha[..., None])).astype(np.uint8)
    clean = decontaminate(rgb, geometry.levels(alpha))
    soft = (alpha > 0) & (alpha < 1)
    assert np.array_equal(clean[~soft], rgb[~soft])
    middle = (alpha > 0.3) & (alpha < 0.95)
    assert np.abs(clean[middle].astype(float) - front).mean() < 9
    assert np.abs(rgb[middle].astype(float) - front).mean() > 30


def test_a_fine_mask_is_moved_no_further_than_its_remover_says_it_may_be_off() -> None:
    rgb = np.full((240, 240, 3), 240, np.uint8)
    rgb[60:180, 60:180] = (40, 60, 130)
    raw = np.zeros((240, 240), np.float32)
    raw[62:178, 62:178] = 1.0  # two px inside the product's edge
    truth = np.zeros((240, 240), np.uint8)
    truth[60:180, 60:180] = 255
    wide, narrow = (refine(rgb, raw, EdgeParams(), px).alpha > 127 for px in (3.0, 1.0))
    assert int((wide != (truth > 127)).sum()) < 40
    grown = cv2.dilate((raw > 0.5).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert not narrow[~grown].any() and int((narrow != (truth > 127)).sum()) > 300
