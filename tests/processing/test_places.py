"""Where points were lost: shares that add up, shapes that cover exactly the map, colours off by as much as they are."""

from __future__ import annotations

import base64
import re

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.png import encode_matte
from processing.quality import parts
from processing.quality.labels import CODES, COLOUR_SIDE, COLOUR_STEPS, colour_map, decoded
from processing.quality.places import COLOUR_LEVELS, colour_levels, lost_points, places
from processing.types import Measure, QualityReport


def text_of(codes: np.ndarray) -> str:
    return base64.b64encode(encode_matte(codes.astype(np.uint8))).decode()


def painted(path: str, shape: tuple[int, int], scale: float) -> np.ndarray:
    """The path's rectangles drawn on the map's grid; every cell counts how often it was covered."""
    drawn = np.zeros(shape, int)
    for x, y, width, height in re.findall(r"M([\d.e+]+) ([\d.e+]+)h([\d.e+]+)v([\d.e+]+)h-[\d.e+]+z", path):
        left, top = round(float(x) / scale), round(float(y) / scale)
        drawn[top : top + round(float(height) / scale), left : left + round(float(width) / scale)] += 1
    return drawn


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 3), min_size=7, max_size=7), min_size=5, max_size=5))
def test_rev02_a_path_covers_every_cell_of_its_code_once_and_no_other(rows: list[list[int]]) -> None:
    codes = np.array(rows, np.uint8)
    found = {place.name: place for place in places(text_of(codes), (700, 500))}
    assert set(found) == {name for name, code in CODES.items() if (codes == code).any()}
    for name, place in found.items():
        assert np.array_equal(painted(place.path, codes.shape, 100.0), (codes == CODES[name]).astype(int))
        assert sum(place.areas) <= int((codes == CODES[name]).sum())


def test_places_are_boxes_in_frame_pixels_largest_first() -> None:
    codes = np.zeros((100, 100), np.uint8)
    codes[10:12, 20:24] = CODES["halo"]
    codes[50:60, 50:60] = CODES["halo"]
    (place,) = places(text_of(codes), (2000, 2000))
    assert place.boxes == ((1000, 1000, 200, 200), (400, 200, 80, 40)) and place.areas == (100, 8)
    assert places("", (2000, 2000)) == ()


def report(*measures: Measure, edge: float = 25.0, fill: float = 25.0, colour: float = 25.0) -> QualityReport:
    total = 25.0 + edge + fill + colour
    return QualityReport(total, 25.0, edge, fill, colour, True, "PASS", 1.0, measures=measures)


def test_what_each_measure_cost_adds_up_to_what_is_missing() -> None:
    halo, stray = 0.9, 1.0
    edge = parts.PART * parts.ramp(halo, *parts.LIMITS["halo"]) * parts.ramp(stray, *parts.LIMITS["stray"])
    made = report(
        Measure("halo", halo, "share", "edge", parts.LIMITS["halo"][0], False),
        Measure("stray", stray, "px", "edge", parts.LIMITS["stray"][0], False),
        Measure("holes", 0.0, "share", "edge", parts.LIMITS["holes"][0], True),
        Measure("fill", 0.7, "share", "fill", 0.85, False),
        edge=edge,
        fill=parts.fill_part(0.7, 0.85),
    )
    lost = lost_points(made)
    assert set(lost) == {"halo", "stray", "fill"}
    assert sum(lost.values()) == pytest.approx(100 - made.total, abs=0.02)
    assert lost["fill"] == 25 - parts.fill_part(0.7, 0.85)
    # Both factors, by their logarithms: halo keeps a half, stray two fifths.
    assert lost["halo"] / lost["stray"] == pytest.approx(np.log(0.5) / np.log(0.4), abs=0.01)


def test_a_part_lost_without_a_failed_measure_stands_under_its_first() -> None:
    unmeasured = Measure("colour_shift", 0.0, "dE2000", "colour", None, None, "not measured")
    assert lost_points(report(unmeasured, colour=0.0)) == {"colour_shift": 25.0}
    assert lost_points(report()) == {}


def test_the_colour_map_says_by_how_much_the_product_is_off() -> None:
    alpha = np.zeros((480, 480), np.uint8)
    alpha[120:360, 120:360] = 255
    meant = np.full((480, 480, 3), 255, np.uint8)
    meant[120:360, 120:360] = (120, 120, 120)
    same = decoded(colour_map(meant, meant, alpha))
    assert same.shape == (COLOUR_SIDE, COLOUR_SIDE) and not same.any()
    off = meant.copy()
    off[120:360, 240:360] = (132, 120, 120)
    text = colour_map(off, meant, alpha)
    values = decoded(text)
    lab = [cv2.cvtColor(np.float32([[grey]]) / 255, cv2.COLOR_RGB2Lab)[0, 0] for grey in ((132, 120, 120), (120,) * 3)]
    assert np.linalg.norm(lab[0] - lab[1]) > COLOUR_LEVELS[-1]
    assert not values[:, :48].any() and not values[:24].any() and values[30, 60] > COLOUR_LEVELS[-1] * COLOUR_STEPS
    levels = colour_levels(text, (480, 480))
    assert len(levels) == len(COLOUR_LEVELS) and not any(levels[:3])
    assert int(painted(levels[3], values.shape, 5.0).sum()) == int((values > 50).sum())
    assert colour_map(off, meant, np.zeros_like(alpha)) == "" and colour_levels("", (480, 480)) == ()
