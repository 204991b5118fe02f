"""How hard to compress: a given quality, the smallest that looks the same, or the largest that fits a size."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from processing.errors import InputRejected
from processing.optimise.options import LOSSY

if TYPE_CHECKING:
    import pyvips

SEARCH_FROM, SEARCH_TO = 10, 95
ADAPTIVE_FROM = 60  # below, JPEG's blocks show in smooth shades however high the SSIM is
SSIM_FLOOR = 0.96
_SIGMA, _C1, _C2 = 1.5, (0.01 * 255) ** 2, (0.03 * 255) ** 2
_LOOKED_AT = 640  # px of the centre that are compared: enough to judge, and the cost stays that of an encode


def encode(image: pyvips.Image, format_name: str, quality: int) -> bytes:
    """Return the picture as a file of `format_name`; only its colour profile stays in it. `quality` 1..100 if lossy."""
    keep: dict[str, Any] = {"keep": "icc"}
    if format_name == "jpg":
        return bytes(image.jpegsave_buffer(Q=quality, optimize_coding=True, **keep))
    if format_name == "webp":
        return bytes(image.webpsave_buffer(Q=quality, effort=4, **keep))
    if format_name == "avif":
        return bytes(image.heifsave_buffer(Q=quality, compression="av1", effort=4, **keep))
    if format_name == "png":
        return bytes(image.pngsave_buffer(compression=9, **keep))
    return bytes(image.tiffsave_buffer(compression="deflate", predictor="horizontal", **keep))


def largest_quality(size_at: Callable[[int], int], max_bytes: int) -> int | None:
    """Return the largest quality from 10 to 95 whose size fits, by bisection; None when not even 10 does (EXP-15).

    `size_at` must not fall as quality grows. Worked value: size = quality x 10 KB and a target of 500 KB give 50.
    """
    low, high, found = SEARCH_FROM, SEARCH_TO, None
    while low <= high:
        middle = (low + high) // 2
        if size_at(middle) <= max_bytes:
            found, low = middle, middle + 1
        else:
            high = middle - 1
    return found


def within_size(image: pyvips.Image, format_name: str, max_bytes: int) -> tuple[bytes, int]:
    """Return the file of the largest quality that fits `max_bytes`, and that quality (0 for a lossless format).

    Raises InputRejected(code="too_large_for_target") that names the smallest size reached: nothing bigger is ever
    passed off as fitting.
    """
    if format_name not in LOSSY:
        data = encode(image, format_name, 0)
        if len(data) > max_bytes:
            raise _does_not_fit(len(data), max_bytes, "Choose a lossy format (jpg, webp) or a smaller --resize.")
        return data, 0
    made: dict[int, bytes] = {}

    def size_at(quality: int) -> int:
        made.clear()  # one encoded file in memory, however many are tried
        made[quality] = encode(image, format_name, quality)
        return len(made[quality])

    quality = largest_quality(size_at, max_bytes)
    if quality is None:
        raise _does_not_fit(size_at(SEARCH_FROM), max_bytes, "Choose a smaller --resize or a larger --max-size.")
    data = made.get(quality) or encode(image, format_name, quality)
    return data, quality


def _does_not_fit(size: int, max_bytes: int, hint: str) -> InputRejected:
    return InputRejected(
        f"The smallest file possible here has {size / 1024:.0f} KB; {max_bytes / 1024:.0f} KB were allowed. {hint}",
        code="too_large_for_target",
    )


def adaptive_quality(image: pyvips.Image, format_name: str) -> int:
    """Return the smallest quality from 60 to 95 whose result has an SSIM of at least 0.96; 95 when none has (EXP-16).

    Flat pictures so get small files and detailed ones keep their detail. Judged on the centre of the picture.
    """
    import pyvips

    width, height = min(image.width, _LOOKED_AT), min(image.height, _LOOKED_AT)
    part = image.crop((image.width - width) // 2, (image.height - height) // 2, width, height).copy_memory()
    low, high = ADAPTIVE_FROM, SEARCH_TO
    while low < high:
        middle = (low + high) // 2
        back = pyvips.Image.new_from_buffer(encode(part, format_name, middle), "")
        if ssim(part, back) >= SSIM_FLOOR:
            high = middle
        else:
            low = middle + 1
    return low


def ssim(first: pyvips.Image, second: pyvips.Image) -> float:
    """Return the mean structural similarity (-1..1) of the luma of two pictures of one size, 8 bits.

    Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image quality assessment: from error visibility to structural
    similarity", IEEE Transactions on Image Processing 13 (2004): Gaussian window of sigma 1.5, K1 0.01, K2 0.03.
    """
    x, y = _luma(first), _luma(second)

    def mean(values: Any) -> Any:
        return values.gaussblur(_SIGMA, precision="float")

    mean_x, mean_y = mean(x), mean(y)
    var_x, var_y = mean(x * x) - mean_x * mean_x, mean(y * y) - mean_y * mean_y
    together = mean(x * y) - mean_x * mean_y
    top = (2 * mean_x * mean_y + _C1) * (2 * together + _C2)
    bottom = (mean_x * mean_x + mean_y * mean_y + _C1) * (var_x + var_y + _C2)
    return float((top / bottom).avg())


def _luma(image: Any) -> Any:
    flat = image.flatten(background=255) if image.hasalpha() else image
    return flat.colourspace("b-w")[0].cast("float")
