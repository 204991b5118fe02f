"""The outline read at 1:1: where it runs, which way its normals point, how defects of known size come out."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.quality import edges, outline
from processing.quality.parts import LIMITS
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
    assert unsupported.value > LIMITS["unsupported"][1], "no points are left for the edge"
    assert float(np.nanmean(unsupported.windows)) < 0.2
    assert viewed(truth, truth).named("unsupported").value == 0


def test_the_faintest_edge_carries_a_white_product_on_white_but_a_slope_carries_nothing() -> None:
    """A step of 2 L* all along the outline is an edge; a shadow's slope of as much within 3 px has none."""
    truth = disc(SIDE, (400, 400), 250)
    grain = np.random.default_rng(1).normal(0, 1.0, (SIDE, SIDE, 3))
    step = np.clip(230 - 5 * truth[..., None] + grain, 0, 255).astype(np.uint8)
    y = np.arange(SIDE, dtype=np.float32)[:, None, None]
    slope = np.clip(20 + 0.27 * y + grain, 0, 255).astype(np.uint8)
    found = outline.trace(truth)
    assert found is not None
    faint, lit = (edges.view(found, truth, photo, over(photo, truth, WHITE)) for photo in (step, slope))
    assert faint.named("unsupported").value < LIMITS["unsupported"][0]
    assert lit.named("unsupported").value > LIMITS["unsupported"][1] and lit.loosened().mean() > 0.7


def test_a_contact_shadow_under_a_dark_product_is_not_product_cut_away() -> None:
    truth = disc(SIDE, (400, 400), 250)
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    off = np.hypot(x - 400, y - 400) - 250
    fading = 40 + 170 * np.clip(off / 8, 0, 1)  # as dark as the product at its foot, the backdrop's light 8 px away
    photo = np.repeat((fading * (1 - truth) + 40 * truth)[..., None], 3, axis=2).astype(np.uint8)
    sharp = np.repeat((210 * (1 - truth) + 40 * truth)[..., None], 3, axis=2).astype(np.uint8)
    for picture, alpha, seen in ((photo, truth, False), (sharp, disc(SIDE, (400, 400), 247), True)):
        found = outline.trace(alpha)
        assert found is not None
        missing = edges.view(found, alpha, picture, over(picture, alpha, WHITE)).named("missing_edge")
        assert (missing.value > LIMITS["missing_edge"][0]) is seen


def test_a_pale_rim_is_no_halo_but_kept_backdrop_is() -> None:
    """A dark plate with a rim 8 px wide, nearly as white as the backdrop, with its own edge where the matte has it."""
    truth, core = disc(SIDE, (400, 400), 250), disc(SIDE, (400, 400), 242)
    product = 235 * (1 - core) + 60 * core
    rimmed = np.repeat((product * truth + 215 * (1 - truth))[..., None], 3, axis=2).astype(np.uint8)
    bare = np.repeat((60 * core + 215 * (1 - core))[..., None], 3, axis=2).astype(np.uint8)
    found = outline.trace(truth)
    assert found is not None
    rim, halo = (edges.view(found, truth, photo, over(photo, truth, WHITE)).named("halo") for photo in (rimmed, bare))
    assert rim.value == 0 and halo.value > 5


def test_a_strap_is_not_taken_for_a_wide_or_thin_edge() -> None:
    """Across a strap 5 px wide the normal meets its other edge: that one isn't this one's softness."""
    alpha = np.zeros((SIDE, SIDE), np.float32)
    for row in range(100, 700, 12):
        alpha[row : row + 5, 100:700] = 1.0
    alpha = np.asarray(cv2.GaussianBlur(alpha, (0, 0), 0.8), np.float32)
    found = outline.trace(alpha)
    assert found is not None
    width = {item.name: item for item in edges.shape_of(found, alpha)}["edge_width"]
    assert width.value < LIMITS["edge_width"][0]
    photo = np.round(200 - 150 * alpha[..., None] * np.ones(3)).astype(np.uint8)
    view = edges.view(found, alpha, photo, over(photo, alpha, WHITE))
    assert view.named("stray").value == 0 and view.named("thin_edge").value == 0


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
