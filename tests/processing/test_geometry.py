"""Framing: fill, centring, no silent enlargement, the matrix tells the truth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from processing import geometry
from processing.errors import StageFailed
from processing.params import ChannelSpec, GeometryParams, ProcessingParams

PARAMS = ProcessingParams()


def _channel(**values: object) -> ChannelSpec:
    base = {
        "key": "amazon_main",
        "name": "Amazon",
        "min_dimension": 1000,
        "recommended_dimension": 2000,
        "fill_min": 0.85,
    }
    return ChannelSpec.from_dict({**base, **values})


def _alpha(width: int, height: int, box: tuple[int, int, int, int]) -> np.ndarray:
    alpha = np.zeros((height, width), np.float32)
    alpha[box[1] : box[3], box[0] : box[2]] = 1.0
    return alpha


@settings(max_examples=40, deadline=None)
@given(st.integers(20, 300), st.integers(20, 300), st.integers(700, 1400), st.integers(500, 1300))
def test_pro05_product_fills_85_percent_and_is_whole(left: int, top: int, width: int, height: int) -> None:
    alpha = _alpha(1800, 1700, (left, top, left + width, top + height))
    params = ProcessingParams(geometry=GeometryParams(max_enlarge=2.0))
    frame = geometry.to_frame(alpha, geometry.plan_frame(alpha, params, _channel(recommended_dimension=1200)))
    assert frame.shape == (1200, 1200)
    assert 0.85 <= geometry.fill_ratio(frame) <= 0.855
    assert not geometry.touches_frame(frame, 0.01)
    box = geometry.product_box(frame)
    assert box is not None
    assert abs((box.x0 + box.x1) / 2 - 600) <= 1 and abs((box.y0 + box.y1) / 2 - 600) <= 1


def test_nothing_is_enlarged_the_frame_shrinks_and_says_so() -> None:
    alpha = _alpha(2000, 2000, (400, 400, 1600, 1500))
    framing = geometry.plan_frame(alpha, PARAMS, _channel())
    assert framing.frame[0] == framing.frame[1] < 1500
    assert framing.matrix[0] <= 1.0
    assert [(f.code, f.severity) for f in framing.findings] == [("frame_reduced", "warning")]
    assert geometry.fill_ratio(geometry.to_frame(alpha, framing)) >= 0.85


def test_below_the_channel_minimum_the_frame_stays_and_the_product_is_small() -> None:
    alpha = _alpha(1000, 1000, (300, 300, 700, 700))
    framing = geometry.plan_frame(alpha, PARAMS, _channel())
    assert framing.frame == (1000, 1000)
    assert framing.findings[0].severity == "error"
    assert geometry.fill_ratio(geometry.to_frame(alpha, framing)) == pytest.approx(0.4, abs=0.01)


def test_allowed_enlargement_is_reported() -> None:
    alpha = _alpha(2000, 2000, (400, 400, 1600, 1500))
    params = ProcessingParams(geometry=GeometryParams(max_enlarge=2.0))
    framing = geometry.plan_frame(alpha, params, _channel())
    assert framing.frame == (2000, 2000)
    assert [f.code for f in framing.findings] == ["enlarged"]


def test_full_resolution_is_the_source_grid() -> None:
    alpha = _alpha(900, 700, (100, 100, 500, 400))
    framing = geometry.plan_frame(alpha, PARAMS, _channel(sizing="full_resolution"))
    assert framing.frame == (900, 700)
    assert framing.matrix == (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    assert np.array_equal(geometry.to_frame(alpha, framing), alpha)


def test_matrix_maps_source_corners_to_frame_corners() -> None:
    alpha = _alpha(3000, 2600, (500, 300, 2500, 2200))
    framing = geometry.plan_frame(alpha, PARAMS, _channel())
    a, _, c, _, e, f = framing.matrix
    box = geometry.product_box(geometry.to_frame(alpha, framing))
    assert box is not None
    assert (500 * a + c, 300 * e + f) == pytest.approx((box.x0, box.y0), abs=1)
    assert (2500 * a + c, 2200 * e + f) == pytest.approx((box.x1, box.y1), abs=1)


def test_source_and_cut_out_line_up_in_the_frame() -> None:
    alpha = _alpha(3000, 2600, (500, 300, 2500, 2200))
    rgb = np.repeat((alpha[..., None] * 200).astype(np.uint8), 3, axis=2)
    framing = geometry.plan_frame(alpha, PARAMS, _channel())
    source = geometry.frame_source(rgb, framing)
    assert source.shape == (2000, 2000, 3)
    assert np.mean((source[..., 0] > 100) != (geometry.to_frame(alpha, framing) > 0.5)) < 0.002


def test_an_empty_alpha_cannot_be_framed() -> None:
    with pytest.raises(StageFailed) as caught:
        geometry.plan_frame(np.zeros((50, 50), np.float32), PARAMS, _channel())
    assert caught.value.code == "nothing_cut_out"


def test_mass_centring_differs_from_box_centring() -> None:
    alpha = _alpha(2600, 2600, (300, 300, 2300, 2200))
    alpha[300:1500, 1200:2300] = 0.0
    params = ProcessingParams(geometry=GeometryParams(centring="mass"))
    assert (
        geometry.plan_frame(alpha, params, _channel()).offset != geometry.plan_frame(alpha, PARAMS, _channel()).offset
    )


MASKS = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=40), elements=st.sampled_from([0, 0, 0, 1, 255]))


@given(pixels=MASKS)
def test_marked_pixels_are_those_of_nonzero_in_its_order(pixels: npt.NDArray[np.uint8]) -> None:
    rows, columns = geometry.marked_pixels(pixels)
    wanted = np.nonzero(pixels)
    assert np.array_equal(rows, wanted[0]) and np.array_equal(columns, wanted[1])


def test_soft_pixels_leave_both_ends_out() -> None:
    alpha = np.array([[0.0, 1.0, 1 / 255, 254 / 255], [1.0, 0.5, 0.0, 1.0]], np.float32)
    rows, columns = geometry.soft_pixels(alpha)
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == [(0, 2), (0, 3), (1, 1)]


def test_quickly_shrunk_gives_even_sides_only_where_it_shrinks() -> None:
    picture = np.zeros((301, 403, 3), np.uint8)
    assert geometry.quickly_shrunk(picture, 203, 4).shape == (152, 204, 3)
    assert geometry.quickly_shrunk(picture, 403, 4).shape == (301, 403, 3)
    assert geometry.quickly_shrunk(picture[:2], 203, 4).shape[0] == 4
