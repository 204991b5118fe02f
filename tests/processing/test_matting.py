"""Edges: refinement moves the mask to the picture's edge; decontamination touches soft pixels only."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from processing.matting import decontaminate, guided_filter, refine
from processing.params import EdgeParams
from tests.processing.scenes import draw


def _coarse(alpha: np.ndarray) -> np.ndarray:
    small = cv2.resize(alpha, (160, 142), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, alpha.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def test_refinement_brings_a_coarse_mask_closer_to_the_truth() -> None:
    scene = draw(7, shape="mug")
    coarse = _coarse(scene.alpha)
    off = {level: float(np.abs(refine(scene.rgb, coarse, EdgeParams(refinement=level)).alpha - scene.alpha).mean())
           for level in ("low", "medium", "high")}  # fmt: skip
    assert off["high"] < 0.5 * off["low"]
    assert off["high"] < off["medium"] < off["low"]


def test_pro02_refinement_level_changes_the_edge() -> None:
    scene = draw(7, shape="mug")
    coarse = _coarse(scene.alpha)
    low, high = (refine(scene.rgb, coarse, EdgeParams(refinement=level)).alpha for level in ("low", "high"))
    assert not np.array_equal(low, high)


def test_alpha_is_exact_away_from_the_edge() -> None:
    scene = draw(7, shape="box")
    alpha = refine(scene.rgb, _coarse(scene.alpha), EdgeParams()).alpha
    near = cv2.dilate(((scene.alpha > 0) & (scene.alpha < 1)).astype(np.uint8), np.ones((61, 61), np.uint8)) > 0
    assert set(np.unique(alpha[~near])) <= {0.0, 1.0}
    assert np.array_equal(alpha[~near] > 0.5, scene.alpha[~near] > 0.5)


def test_a_mask_without_soft_edge_is_reported() -> None:
    scene = draw(7, shape="box")
    found = refine(scene.rgb, np.zeros_like(scene.alpha), EdgeParams())
    assert [finding.code for finding in found.findings] == ["edge_not_refined"]


def test_guided_filter_keeps_a_constant_and_follows_a_step() -> None:
    guide = np.zeros((60, 60, 3), np.float32)
    guide[:, 30:] = 0.8
    assert guided_filter(guide, np.full((60, 60), 0.4, np.float32), 5) == pytest.approx(0.4, abs=1e-4)
    blurred = cv2.GaussianBlur((guide[..., 0] > 0).astype(np.float32), (0, 0), 3)
    sharp = guided_filter(guide, blurred, 6)
    assert sharp[30, 31] - sharp[30, 28] > blurred[30, 31] - blurred[30, 28]


def test_decontamination_takes_the_backdrop_out_of_soft_pixels_only() -> None:
    alpha = np.zeros((200, 200), np.float32)
    alpha[:, 100:] = 1.0
    alpha = cv2.GaussianBlur(alpha, (0, 0), 3)
    alpha[alpha < 0.01], alpha[alpha > 0.99] = 0.0, 1.0
    front, back = np.array([180.0, 40.0, 30.0]), np.array([60.0, 200.0, 80.0])
    rgb = np.round(front * alpha[..., None] + back * (1 - alpha[..., None])).astype(np.uint8)
    clean = decontaminate(rgb, alpha)
    soft = (alpha > 0) & (alpha < 1)
    assert np.array_equal(clean[~soft], rgb[~soft])
    middle = (alpha > 0.3) & (alpha < 0.95)
    assert np.abs(clean[middle].astype(float) - front).mean() < 9
    assert np.abs(rgb[middle].astype(float) - front).mean() > 30
