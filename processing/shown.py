"""What a viewer shows of a channel: the delivered file, or where no browser shows it a lossless picture of it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from processing import codecs, geometry
from processing.errors import InputRejected, StageFailed
from processing.finishing import CONTENT_TYPES, encoded, main_picture
from processing.params import ChannelSpec, ProcessingParams
from processing.plates import NO_PLATES, Plates
from processing.types import AffineMatrix, AlphaArray, RGBArray, Shown
from processing.variants import Shape

BROWSER_FORMATS = frozenset({"JPEG", "PNG", "WEBP", "AVIF"})
"""What every current browser paints; the rest is shown as a PNG of the same pixels in sRGB."""


def shown(
    frame: RGBArray,
    matte: AlphaArray,
    spec: ChannelSpec,
    *,
    params: ProcessingParams,
    texts: Mapping[str, str],
    plates: Plates = NO_PLATES,
    composed: RGBArray | None = None,
) -> Shown:
    """Make the main file of a channel as delivery makes it (processing.finishing) and say what it is.

    `frame` (H, W, 3) uint8 with straight colours, `matte` (H, W) uint8, `spec` in force; `composed`: the frame on this
    channel's background already; with it a file that can't be delivered doesn't raise: it is shown, and `note` has the
    sentence. Raises as processing.finishing.finish without.
    """
    try:
        shape = main_picture(frame, matte, spec, params=params, plates=plates, composed=composed)
        data = encoded(shape, texts)
    except (InputRejected, StageFailed) as error:
        if composed is None:
            raise
        return _lossless(Shape("", composed, matte, spec), 0, str(error))
    if spec.format not in BROWSER_FORMATS:
        bits = f"{spec.bits} bit, " if spec.bits != 8 else ""
        return _lossless(shape, len(data), f"{bits}shown as PNG in sRGB")
    return Shown(
        data, CONTENT_TYPES[spec.format], spec.format, len(data), True, _size(shape), shape.matrix, _matte(shape)
    )


def _lossless(shape: Shape, byte_size: int, note: str) -> Shown:
    data = codecs.encode_png(shape.picture)
    return Shown(
        data, "image/png", shape.spec.format, byte_size, False, _size(shape), shape.matrix, _matte(shape), note
    )


def _size(shape: Shape) -> tuple[int, int]:
    return shape.matte.shape[1], shape.matte.shape[0]


def _matte(shape: Shape) -> bytes:
    return codecs.encode_png(np.asarray(geometry.levels(shape.matte), np.uint8))


def chained(first: AffineMatrix, then: AffineMatrix) -> AffineMatrix:
    """Return the row-major 2 x 3 matrix that does `first`, then `then`."""
    a, b, c, d, e, f = first
    p, q, r, s, t, u = then
    return (p * a + q * d, p * b + q * e, p * c + q * f + r, s * a + t * d, s * b + t * e, s * c + t * f + u)
