"""PNG files that we put together ourselves: every reader gives back the very pixels (EXP-03, PRO-46)."""

from __future__ import annotations

import io

import cv2
import numpy as np
import numpy.typing as npt
import pyvips
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from processing import png

MATTES = arrays(
    np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=70), elements=st.sampled_from([0, 0, 0, 7, 255])
)


@settings(max_examples=60, deadline=None)
@given(matte=MATTES, level=st.integers(1, 9))
def test_three_readers_give_back_the_matte(matte: npt.NDArray[np.uint8], level: int) -> None:
    data = png.encode_matte(matte, level)
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "L", matte.shape[::-1])
        image.verify()  # every chunk's checksum
    with Image.open(io.BytesIO(data)) as image:
        assert np.array_equal(np.asarray(image), matte)
    seen = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(np.asarray(seen), matte)
    assert np.array_equal(pyvips.Image.new_from_buffer(data, "").numpy().reshape(matte.shape), matte)


def test_a_part_of_a_larger_array_is_written_as_it_is_seen() -> None:
    whole = np.arange(60 * 50, dtype=np.uint32).reshape(60, 50).astype(np.uint8)
    part = whole[5:40:2, 3:30]
    with Image.open(io.BytesIO(png.encode_matte(part))) as image:
        assert np.array_equal(np.asarray(image), part)


def test_a_chunk_is_put_right_behind_the_header() -> None:
    data = png.with_chunk(png.encode_matte(np.zeros((3, 4), np.uint8)), b"tEXt", b"Comment\0hello")
    assert data[33:].startswith(b"\0\0\0\x0dtEXtComment\0hello")
    with Image.open(io.BytesIO(data)) as image:
        assert image.text == {"Comment": "hello"}  # type: ignore[attr-defined]


def test_equal_mattes_make_equal_bytes_and_empty_ones_cost_next_to_nothing() -> None:
    matte = np.zeros((3000, 4000), np.uint8)
    assert png.encode_matte(matte) == png.encode_matte(matte.copy())
    assert len(png.encode_matte(matte)) < matte.size / 500
