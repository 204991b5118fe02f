"""Composites: exact background where nothing is, exact product where it is solid, shadow where allowed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.compositing import background_for, compose, cover, shadow_layer
from processing.params import BackgroundParams, ChannelSpec, ProcessingParams, ShadowParams

WHITE = ChannelSpec(key="amazon_main", name="Amazon", background="pure_white", shadow_allowed=True)
ANY = ChannelSpec(key="site", name="Site", background="any", shadow_allowed=True)


def _cutout() -> tuple[np.ndarray, np.ndarray]:
    rgb = np.full((200, 200, 3), (250, 252, 255), np.uint8)
    alpha = np.zeros((200, 200), np.float32)
    rgb[60:140, 60:140], alpha[60:140, 60:140] = (30, 90, 60), 1.0
    alpha[60, 60:140] = 0.5
    return rgb, alpha


def test_pro04_near_white_leftovers_become_exactly_255() -> None:
    rgb, alpha = _cutout()
    rgb[100, 100] = (248, 250, 248)
    out = compose(rgb, alpha, ProcessingParams(), WHITE)
    assert (out[alpha == 0] == 255).all()
    assert tuple(out[100, 100]) == (248, 250, 248)
    assert tuple(out[60, 100]) == (142, 172, 158)


def test_pro03_colour_and_gradient_backgrounds() -> None:
    rgb, alpha = _cutout()
    brand = ProcessingParams(
        background=BackgroundParams(kind="colour", colour="#3366CC"), shadow=ShadowParams(enabled=False)
    )
    assert tuple(compose(rgb, alpha, brand, ANY)[0, 0]) == (0x33, 0x66, 0xCC)
    assert tuple(compose(rgb, alpha, brand, WHITE)[0, 0]) == (255, 255, 255)
    gradient = ChannelSpec(
        key="web", name="Web", background="gradient", gradient_top="#F5F5F5", gradient_bottom="#FFFFFF"
    )
    empty = background_for((50, 40), ProcessingParams(), gradient)
    assert (empty[0] == 0xF5).all() and (empty[-1] == 255).all()
    assert (np.diff(empty[:, 0, 0].astype(int)) >= 0).all()


def test_pro06_shadow_falls_where_it_should_and_spares_the_perimeter() -> None:
    _, alpha = _cutout()
    layer = shadow_layer(alpha, ShadowParams(angle_deg=45, opacity=0.2, blur_px=15, offset_px=(5, 5)))
    assert float(layer.max()) == pytest.approx(0.2, abs=0.01)
    assert layer[146, 146] > layer[54, 54]
    assert not layer[0].any() and not layer[-1].any() and not layer[:, 0].any() and not layer[:, -1].any()


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(1, 160), st.integers(1, 160)),
    st.floats(0, 360),
    st.floats(0, 1),
    st.integers(0, 200),
    st.tuples(st.integers(-200, 200), st.integers(-200, 200)),
    st.integers(0, 2**32 - 1),
)
def test_pro06_no_shadow_of_any_kind_reaches_the_perimeter(
    size: tuple[int, int], angle: float, opacity: float, blur: int, offset: tuple[int, int], seed: int
) -> None:
    alpha = (np.random.default_rng(seed).random((size[1], size[0])) > 0.6).astype(np.float32)
    wish = ShadowParams(angle_deg=angle, opacity=opacity, blur_px=blur, offset_px=offset)
    layer = shadow_layer(alpha, wish)
    assert not layer[[0, -1]].any() and not layer[:, [0, -1]].any()
    assert float(layer.min()) >= 0 and float(layer.max()) <= opacity + 1e-6
    frame = compose(np.full((*alpha.shape, 3), 90, np.uint8), alpha, ProcessingParams(shadow=wish), WHITE)
    assert (frame[alpha == 0] == 255).all(), "pure white gets none at all"


def test_pro06_a_contact_shadow_stays_at_the_foot_of_the_product() -> None:
    _, alpha = _cutout()
    layer = shadow_layer(alpha, ShadowParams(angle_deg=0, opacity=0.4, blur_px=6, offset_px=(60, 0)))
    assert layer[140, 80] > 0.05, "under the product, where the cast shadow doesn't reach"
    assert layer[150, 70] < 0.01 and layer[50, 80] < 0.01
    assert layer[100, 170] > 0.3, "the cast shadow, moved by 60 px"


@pytest.mark.parametrize("size", [(80, 40), (40, 80), (300, 300), (7, 500), (1, 1)])
def test_pro03_a_background_picture_covers_any_frame_without_being_stretched(size: tuple[int, int]) -> None:
    y, x = np.mgrid[0:90, 0:120]
    picture = np.stack([x, y, np.zeros_like(x)], axis=-1).astype(np.uint8)
    out = cover(picture, size)
    assert out.shape == (size[1], size[0], 3)
    if min(size) >= 40:
        middle = out[size[1] // 2, size[0] // 2].astype(int)
        assert np.abs(middle - (60, 45, 0)).max() <= 2, "cut evenly"
        across, down = (np.diff(out[..., c].astype(float), axis=1 - c).mean() for c in (0, 1))
        assert across == pytest.approx(down, rel=0.1)


def test_d23_pure_white_never_gets_a_shadow() -> None:
    rgb, alpha = _cutout()
    assert (compose(rgb, alpha, ProcessingParams(), WHITE)[alpha == 0] == 255).all()
    shaded = compose(rgb, alpha, ProcessingParams(), ANY)
    assert (shaded[alpha == 0] < 255).any()
    assert np.array_equal(shaded[alpha == 1], rgb[alpha == 1])
    off = ProcessingParams(shadow=ShadowParams(enabled=False))
    assert (compose(rgb, alpha, off, ANY)[alpha == 0] == 255).all()
