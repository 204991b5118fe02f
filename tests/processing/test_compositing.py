"""Composites: exact background where nothing is, exact product where it is solid, shadow where allowed."""

from __future__ import annotations

import numpy as np
import pytest

from processing.compositing import background_for, compose, shadow_layer
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


def test_d23_pure_white_never_gets_a_shadow() -> None:
    rgb, alpha = _cutout()
    assert (compose(rgb, alpha, ProcessingParams(), WHITE)[alpha == 0] == 255).all()
    shaded = compose(rgb, alpha, ProcessingParams(), ANY)
    assert (shaded[alpha == 0] < 255).any()
    assert np.array_equal(shaded[alpha == 1], rgb[alpha == 1])
    off = ProcessingParams(shadow=ShadowParams(enabled=False))
    assert (compose(rgb, alpha, off, ANY)[alpha == 0] == 255).all()
