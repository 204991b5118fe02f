"""A small frame hides nothing: every channel is judged as large as the photo resolves it (QC-29, QC-37)."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing import geometry, pipeline
from processing.channels import load_channels
from processing.geometry import Box, Framing
from processing.params import STANDARD_PRESET, ScoringParams
from processing.quality import labels
from processing.types import MaskArray, Result, RGBArray
from tests.processing.pictures import saved
from tests.processing.products import backdrop_photo, grown, product_alpha, product_colour

SIDE = 1700
CHANNELS = load_channels()


@lru_cache
def truth() -> MaskArray:
    return product_alpha(SIDE, fill=0.8)


def cut(kind: str) -> tuple[RGBArray, MaskArray]:
    """An editor's cut-out with a fault, in the photo's grid."""
    alpha, colour = truth().copy(), product_colour(SIDE)
    middle = SIDE // 2
    if kind == "halo":
        alpha, colour = grown(alpha, 4), backdrop_photo(truth())
    elif kind == "eaten":
        alpha = grown(alpha, -5)
    elif kind == "torn":
        right = int(np.flatnonzero(alpha[middle] > 0.5).max())
        cv2.circle(alpha, (right, middle), 40, 0.0, -1)
    elif kind == "leftover":
        right = int(np.flatnonzero(alpha[middle] > 0.5).max())
        cv2.rectangle(alpha, (right - 6, middle), (right + 26, middle + 60), 1.0, -1)
        colour = np.where((truth() > 0.5)[..., None], colour, backdrop_photo(truth()))
    elif kind == "colour":
        colour = np.clip(colour.astype(int) + np.array((18, -6, -14)), 0, 255).astype(np.uint8)
    return colour, alpha


def judged(kind: str, channel: str, folder: Path) -> Result:
    photo = saved(folder / "photo.png", backdrop_photo(truth()))
    colour, alpha = cut(kind)
    file = saved(folder / "cut.png", np.dstack([colour, np.round(alpha * 255).astype(np.uint8)]))
    return pipeline.rescore(photo, file, STANDARD_PRESET, CHANNELS[channel], ScoringParams())


def ships(result: Result) -> bool:
    return result.quality.total >= 90 and not result.quality.has_failed_gate


@pytest.mark.parametrize("kind", ["halo", "eaten", "torn", "leftover", "colour"])
def test_qc37_what_does_not_ship_at_full_size_does_not_at_socials_1080_px(kind: str, tmp_path: Path) -> None:
    found = {channel: judged(kind, channel, tmp_path) for channel in ("amazon_main", "social")}
    assert found["social"].scored_size == (1080, 1080) and found["amazon_main"].scored_size[0] > 1500
    assert not ships(found["amazon_main"]) and not ships(found["social"])
    assert found["social"].quality.edge == pytest.approx(found["amazon_main"].quality.edge, abs=3)
    for measure in found["social"].quality.measures:
        for x, y, width, height in measure.where:
            assert min(x, y) >= 0 and max(x + width, y + height) <= 1100, measure


def test_a_clean_cut_out_ships_at_both_sizes_and_its_map_is_that_of_the_frame(tmp_path: Path) -> None:
    for channel in ("amazon_main", "social"):
        assert ships(judged("", channel, tmp_path)), channel
    places = labels.decoded(judged("torn", "social", tmp_path).quality.label_map)
    assert places.shape == (256, 256) and places[128, 128:].any()


@given(st.integers(20, 4000), st.integers(20, 4000), st.floats(0.05, 1.5), st.integers(-50, 50), st.integers(200, 3000))
def test_the_closer_frame_is_the_same_frame_larger(
    width: int, height: int, scale: float, shift: int, longest: int
) -> None:
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    own = Framing(Box(0, 0, width, height), size, (shift, shift), (size[0] + 2 * abs(shift), size[1]))
    closer = own.closer(longest)
    if closer is None:
        assert own.size[0] * 1.1 >= width or max(own.frame) * 1.1 >= longest
        return
    assert max(closer.frame) <= longest + 1 and closer.size[0] <= width and closer.size[1] <= height + 1
    assert closer.crop == own.crop
    more = max(closer.frame) / max(own.frame)  # the longer side: a side of one px says little of a scale
    assert closer.offset[0] == pytest.approx(shift * more, abs=1 + abs(shift) * 0.2)


def test_a_frame_that_shows_all_of_its_photo_is_judged_as_it_is() -> None:
    framing = geometry.plan_frame(product_alpha(900), STANDARD_PRESET, CHANNELS["social"])
    assert framing.closer(2000) is None
