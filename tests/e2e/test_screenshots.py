"""What becomes of a screenshot's colours when it is reduced to a palette (`make screenshots`)."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tests.e2e.screenshots import DESK, PAGE, PHOTO, Colours, small_png

WHITE, BLUE, GREEN, ORANGE = (255, 255, 255), (29, 95, 196), (11, 110, 98), (178, 59, 14)


def shot() -> tuple[bytes, np.ndarray]:
    """A page of many greys and a noisy photo, with a blue button, a green chip and an orange word on it."""
    noise = np.random.default_rng(5)
    page = np.full((400, 600, 3), 255, np.uint8)
    page[:30] = np.arange(600)[None, :, None] // 10 * 4  # sixty greys, each of them commoner than the accents
    page[100:300, 300:500] = noise.normal((150, 146, 140), 9, (200, 200, 3)).clip(0, 255)
    page[60:72, 20:60], page[80:86, 20:44], page[90:93, 20:50] = BLUE, GREEN, ORANGE
    out = io.BytesIO()
    Image.fromarray(page).save(out, "PNG")
    return out.getvalue(), page


@pytest.mark.parametrize("colours", [DESK, PHOTO, PAGE])
def test_surfaces_and_accents_of_a_screenshot_are_what_they_were(colours: Colours) -> None:
    true, pixels = shot()
    small = small_png(true, colours)
    with Image.open(io.BytesIO(small)) as image:
        assert image.mode == "P"
        got = np.asarray(image.convert("RGB")).astype(int)
    assert tuple(got[350, 10]) == WHITE
    for where, accent in (((66, 40), BLUE), ((83, 30), GREEN), ((91, 30), ORANGE)):
        assert tuple(got[where]) == accent
    photo = np.s_[100:300, 300:500]
    assert abs(got[photo].mean((0, 1)) - pixels[photo].mean((0, 1))).max() < 1.5, "the photo has its tint"
    assert abs(got - pixels).mean() < 1.5
    assert len(small) < len(true) / 2
