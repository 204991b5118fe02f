"""Known pictures: a defect planted in the matte shows in every picture made of the cut-out, and is one an eye finds."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from processing import codecs, known
from processing.cutout import CutOut, rgba

SIDE = 900


def cut() -> CutOut:
    rng = np.random.default_rng(4)
    rgb = np.clip(rng.normal(200, 3, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)
    rgb[250:650, 200:700] = (30, 60, 140)
    alpha = np.zeros((SIDE, SIDE), np.uint8)
    alpha[250:650, 200:700] = 255
    return CutOut(rgb, alpha)


def encoded(one: CutOut) -> bytes:
    pixels = rgba(one)
    weight = pixels[..., 3:].astype(np.float32) / 255
    return codecs.encode_jpeg(np.round(pixels[..., :3] * weight + 255 * (1 - weight)).astype(np.uint8), quality=95)


@pytest.mark.parametrize("kind", known.KINDS)
def test_every_kind_shows_and_the_same_seed_plants_the_same(kind: str) -> None:
    good = cut()
    bad = known.spoilt(good, kind, np.random.default_rng(3))
    assert bad.alpha.shape == good.alpha.shape and bad.alpha.dtype == np.uint8
    assert (bad.alpha != good.alpha).sum() > 200
    assert np.array_equal(bad.alpha, known.spoilt(good, kind, np.random.default_rng(3)).alpha)
    assert np.array_equal(good.alpha, cut().alpha) and bad.rgb is good.rgb, "the photo itself stays as it is"
    if kind != "jagged":  # a box in the grid has no stairs
        assert known.is_seen(encoded(good), encoded(bad))


def test_what_nobody_could_see_is_no_defect() -> None:
    good = encoded(cut())
    assert not known.is_seen(good, good)
    white = cut()
    white.rgb[white.alpha == 0] = 255
    halo = known.spoilt(white, "halo_4px", np.random.default_rng(0))
    assert not known.is_seen(encoded(white), encoded(halo)), "a white backdrop left on white"


def test_wrong_kinds_and_empty_mattes_are_refused() -> None:
    with pytest.raises(ValueError, match="blank"):
        known.spoilt(cut(), "blank", np.random.default_rng(0))
    with pytest.raises(ValueError, match="no product"):
        known.spoilt(CutOut(cut().rgb, np.zeros((SIDE, SIDE), np.uint8)), "bite", np.random.default_rng(0))
    with pytest.raises(OSError):
        known.is_seen(b"no picture", b"none either")


def test_the_small_picture_is_small() -> None:
    with Image.open(io.BytesIO(known.thumbnail(encoded(cut())))) as small:
        assert (small.format, max(small.size)) == ("WEBP", known.THUMB_SIDE)
