"""Facts about the libraries that our code is built on (INVENTORY D): if one changes, the code around it may go."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from processing import codecs
from tests.processing.pictures import saved, textured


def test_d_d6_half_a_jpeg_passes_verify_and_fails_load(tmp_path: Path) -> None:
    whole = saved(tmp_path / "a.jpg", textured(), quality=90).read_bytes()
    half = io.BytesIO(whole[: len(whole) // 2])
    with Image.open(half) as image:
        image.verify()
    half.seek(0)
    with Image.open(half) as image, pytest.raises(OSError, match="truncated"):
        image.load()


def test_d_rgba_cannot_be_saved_as_jpeg() -> None:
    with pytest.raises(OSError, match="RGBA"):
        Image.new("RGBA", (8, 8)).save(io.BytesIO(), "JPEG")


def test_d_b29_png_has_no_compress_level_85() -> None:
    """EXP-29: why the preset's 85 is a quality of lossy formats alone."""
    with pytest.raises((OSError, ValueError)):
        Image.fromarray(textured(64, 64)).save(io.BytesIO(), "PNG", compress_level=85)


def test_d_b44_pillow_has_no_rgb_of_16_bits() -> None:
    with pytest.raises((TypeError, ValueError)):
        Image.fromarray(np.zeros((8, 8, 3), np.uint16))


def test_d_webp_and_avif_come_with_pillow() -> None:
    assert features.check("webp") and features.check("avif")


@pytest.mark.parametrize("quality", [85, 90, 95, 100])
def test_d_ringing_of_a_saturated_checker_never_reaches_the_top_and_bottom_rows(quality: int) -> None:
    """The seed's patch: 200 x 200 white with a saturated checker in the middle; the counts depend on its colours."""
    frame = np.full((200, 200, 3), 255, np.uint8)
    cells = np.indices((25, 25)).sum(axis=0) % 2
    patch = np.where(cells[..., None] == 0, (255, 0, 0), (0, 0, 255)).astype(np.uint8)
    frame[50:150, 50:150] = patch.repeat(4, axis=0).repeat(4, axis=1)
    out = np.asarray(Image.open(io.BytesIO(codecs.encode_jpeg(frame, quality=quality))))
    background = np.ones((200, 200), bool)
    background[50:150, 50:150] = False
    off = (out != 255).any(axis=2) & background
    assert off.sum() > (100 if quality < 100 else 0)
    assert not off[0].any() and not off[-1].any()
