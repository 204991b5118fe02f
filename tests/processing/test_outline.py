"""The outline read at 1:1: where it runs, which way its normals point, how defects of known size come out."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.quality import edges, outline
from processing.types import MaskArray
from tests.processing.products import backdrop_photo, grown, over, product_alpha, product_colour

SIDE = 800
WHITE = (255, 255, 255)


def disc(side: int, centre: tuple[float, float], radius: float) -> MaskArray:
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    distance = np.hypot(x - centre[0], y - centre[1])
    return np.clip(radius - distance + 0.5, 0, 1).astype(np.float32)


@settings(max_examples=25, deadline=None)
@given(st.floats(30, 90), st.floats(95, 105), st.floats(95, 105))
def test_the_contour_of_a_disc_lies_on_it_and_points_outwards(radius: float, x: float, y: float) -> None:
    found = outline.trace(disc(200, (x, y), radius))
    assert found is not None
    from_centre = found.points - np.array([x, y], np.float32)
    reach = np.linalg.norm(from_centre, axis=1)
    assert np.abs(reach - radius).max() < 1.6
    along = (from_centre / reach[:, None] * found.normals).sum(axis=1)
    assert along.min() > 0.95
    assert found.window.min() == 0 and found.window.max() <= outline.WINDOWS + 1


def test_a_holes_normals_point_into_the_hole() -> None:
    alpha = disc(300, (150, 150), 120) - disc(300, (150, 150), 60)
    found = outline.trace(np.clip(alpha, 0, 1))
    assert found is not None
    from_centre = found.points - 150
    reach = np.linalg.norm(from_centre, axis=1)
    outwards = (from_centre / reach[:, None] * found.normals).sum(axis=1)
    assert (outwards[reach > 90] > 0.9).all() and (outwards[reach < 90] < -0.9).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 120), st.integers(1, 120), st.integers(0, 10_000))
def test_any_matte_can_be_traced(width: int, height: int, seed: int) -> None:
    alpha = np.random.default_rng(seed).random((height, width)).astype(np.float32)
    found = outline.trace(alpha)
    if found is None:
        return
    assert len(found) == len(found.normals) == len(found.window) == len(found.jitter)
    assert np.isfinite(found.points).all() and np.isfinite(found.normals).all()
    for x, y, w, h in found.boxes(np.unique(found.window)[:3]):
        assert x >= 0 and y >= 0 and w > 0 and h > 0
    view = edges.view(
        found, alpha, np.full((height, width, 3), 9, np.uint8), np.full((height, width, 3), 200, np.uint8)
    )
    assert all(np.isfinite(item.value) for item in (*view.measures, *edges.shape_of(found, alpha)))


def test_an_empty_or_full_matte_has_no_outline_to_judge() -> None:
    assert outline.trace(np.zeros((100, 100), np.float32)) is None


def viewed(alpha: MaskArray, truth: MaskArray) -> edges.EdgeView:
    photo = backdrop_photo(truth)
    found = outline.trace(alpha)
    assert found is not None
    return edges.view(found, alpha, photo, over(photo, alpha, WHITE))


@pytest.mark.parametrize("px", [2, 3, 4, 5])
def test_a_halo_or_a_loss_of_n_px_is_measured_in_px(px: int) -> None:
    truth = product_alpha(SIDE, softness=0.6)
    assert viewed(grown(truth, px), truth).named("halo").value == pytest.approx(px - 0.8, abs=0.8)
    assert viewed(grown(truth, -px), truth).named("missing_edge").value == pytest.approx(px - 0.8, abs=0.8)
    clean = viewed(truth, truth)
    assert clean.named("halo").value < 0.3 and clean.named("missing_edge").value < 0.3


def test_one_bad_stretch_is_not_averaged_away() -> None:
    """What went unseen before: a global mean hides a tear of a few per cent of the outline."""
    truth = product_alpha(SIDE, softness=0.6)
    torn = truth.copy()
    cv2.circle(torn, (int(SIDE * 0.72), SIDE // 2), 40, 0.0, -1)
    unsupported = viewed(torn, truth).named("unsupported")
    assert unsupported.value > 0.9
    assert float(np.nanmean(unsupported.windows)) < 0.2
    assert viewed(truth, truth).named("unsupported").value == 0


def test_a_wide_edge_is_measured_in_px() -> None:
    for width in (4.0, 8.0, 12.0):
        x = np.arange(300, dtype=np.float32)[None]
        alpha = np.repeat(np.clip((x - 150) / width + 0.5, 0, 1), 300, axis=0).astype(np.float32)
        alpha[:20] = alpha[-20:] = 0
        alpha[:, -20:] = 0
        found = outline.trace(alpha)
        assert found is not None
        shape = {item.name: item for item in edges.shape_of(found, alpha)}
        assert shape["edge_width"].value == pytest.approx(width, rel=0.15)


def test_fringe_is_nought_for_a_clean_composite_and_one_for_the_photos_own_pixels() -> None:
    truth = product_alpha(SIDE, softness=1.2)
    photo = backdrop_photo(truth)
    found = outline.trace(truth)
    assert found is not None
    clean = edges.view(found, truth, photo, over(product_colour(SIDE), truth, WHITE))
    contaminated = edges.view(found, truth, photo, over(photo, truth, WHITE))
    assert abs(clean.named("fringe").value) < 0.25
    assert contaminated.named("fringe").value == pytest.approx(1.0, abs=0.1)
