"""One picture through the batch tool: open by content, shrink on load, convert, encode, write in one move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from processing import guards
from processing.errors import InputRejected, StageFailed
from processing.limits import MAX_BYTES, MAX_PIXELS
from processing.optimise import compression
from processing.optimise.options import LOSSY, Options
from processing.resumable import write_whole

if TYPE_CHECKING:
    import pyvips

_LOADERS = {"jpegload": "jpg", "pngload": "png", "webpload": "webp", "tiffload": "tiff", "heifload": "avif"}
_SAME_WITHIN = 3  # of 255: rounding of a profile that is sRGB under another name
_PROFILE = "icc-profile-data"


@dataclass(frozen=True, slots=True)
class Optimised:
    """What became of one picture. Sizes in px and bytes; `quality` 0 for a lossless format."""

    width: int
    height: int
    bytes_before: int
    bytes_after: int
    quality: int
    format: str


Watch = Callable[[Any], None]
"""Called with the libvips image before its pixels are computed, so that a deadline can stop it."""


def no_watch(_image: Any) -> None:
    """Watch nothing."""


def optimise(source: Path, target: Path, options: Options, watch: Watch = no_watch) -> Optimised:
    """Write `source`, changed as `options` say, to `target`; the format is that of `target_format`.

    Upright (EXIF turn applied), in sRGB, transparency flattened on white where the format has none, no metadata but the
    colour profile. The file appears whole or not at all. Raises InputRejected (the picture's fault) and StageFailed
    (code "stopped" when the watcher ended it, "not_written" when the file could not be written).
    """
    import pyvips

    try:
        own_format, is_plain_cmyk = _looked_into(source)
        image = _opened(source, options, is_plain_cmyk)
        watch(image)
        name = target_format(own_format, options)
        data, quality = _encoded(_prepared(image, name), name, options)
    except pyvips.Error as exc:
        raise _explained(exc) from exc
    write_whole(target, data)
    return Optimised(image.width, image.height, source.stat().st_size, len(data), quality, name)


def target_format(own_format: str, options: Options) -> str:
    """Return the format a picture of `own_format` is written in."""
    return options.format if options.format and "convert" in options.operations else own_format


def format_of(source: Path) -> str:
    """Return the format of a file by its content. Raises InputRejected for anything the tool doesn't take."""
    return _looked_into(source)[0]


def _looked_into(source: Path) -> tuple[str, bool]:
    """Return the format by the header, and whether the pixels are CMYK that no profile explains."""
    import pyvips

    if not source.is_file():  # a pipe would be waited for, and no deadline ends that
        exists = source.exists()
        words = "This is a pipe or a device, not a file with a picture." if exists else "The file is missing."
        raise InputRejected(words, code="no_file" if exists else "missing")
    size = source.stat().st_size
    if size > MAX_BYTES:
        most = f"{MAX_BYTES / 1e6:.0f} MB"
        raise InputRejected(f"The file has {size / 1e6:.0f} MB; the most is {most}.", code="too_large")
    guards.check(source, MAX_PIXELS)
    try:
        header = _lazily(source)
    except pyvips.Error as exc:
        raise InputRejected("The content is not a picture this tool reads.", code="unsupported_format") from exc
    name = _LOADERS.get(str(header.get("vips-loader")).removesuffix("_buffer"))
    if name is None:
        raise InputRejected("The content is not JPEG, PNG, WebP, TIFF or AVIF.", code="unsupported_format")
    if header.width * header.height > MAX_PIXELS:
        raise InputRejected(
            f"The picture has {header.width} x {header.height} px; the most is {MAX_PIXELS / 1e6:.0f} megapixels.",
            code="too_many_pixels",
        )
    return name, header.interpretation == "cmyk" and not header.get_typeof(_PROFILE)


def _opened(source: Path, options: Options, is_plain_cmyk: bool) -> pyvips.Image:
    """Open lazily: a JPEG is then shrunk while it is decoded (libjpeg's DCT scaling)."""
    import pyvips

    width, height = options.box
    if is_plain_cmyk or "resize" not in options.operations:
        image = _lazily(source, fail_on="error").autorot()
        image = _plain_cmyk(image) if is_plain_cmyk else _in_srgb(image)
        if "resize" not in options.operations:
            return image
        return image.thumbnail_image(width, height=height, size="down", **_kernel(options.kernel))
    how = {"height": height, "size": "down", "fail_on": "error", **_kernel(options.kernel)}
    if _is_utf8(source):
        return _in_srgb(pyvips.Image.thumbnail(str(source), width, **how))
    return _in_srgb(pyvips.Image.thumbnail_buffer(source.read_bytes(), width, **how))


def _lazily(source: Path, **how: str) -> pyvips.Image:
    """Open a file for reading from top to bottom."""
    import pyvips

    if not _is_utf8(source):
        return pyvips.Image.new_from_buffer(source.read_bytes(), "", access="sequential", **how)
    return pyvips.Image.new_from_file(str(source), access="sequential", **how)


def _is_utf8(source: Path) -> bool:
    """Whether a name can be given to pyvips, which takes for granted that it is UTF-8; else the bytes are."""
    return not any("\ud800" <= sign <= "\udfff" for sign in str(source))


def _plain_cmyk(image: pyvips.Image) -> pyvips.Image:
    """Turn CMYK without a profile into RGB by the plain rule, as `codecs` does; libvips would assume a press."""
    inks = (255 - image[:3]) * (255 - image[3]) / 255
    return (inks + 0.5).cast("uchar").copy(interpretation="srgb")


def _kernel(name: str) -> dict[str, str]:
    return {} if name == "lanczos3" else {"kernel": name}


def _in_srgb(image: pyvips.Image) -> pyvips.Image:
    if image.interpretation == "cmyk":
        return image.icc_transform("srgb", embedded=True, input_profile="cmyk")
    if not image.get_typeof(_PROFILE):
        return image
    kind = _profile_kind(bytes(image.get(_PROFILE)))
    if kind == "broken":
        image = image.copy()
        image.remove(_PROFILE)
        return image
    if kind == "srgb":
        return image
    return image.icc_transform("srgb", embedded=True, depth=16 if image.format == "ushort" else 8)


@lru_cache(maxsize=64)
def _profile_kind(profile: bytes) -> Literal["srgb", "other", "broken"]:
    """Ask the transform, not the profile's name: through sRGB a cube of colours comes back as it went in."""
    import pyvips

    axis = range(0, 256, 51)
    levels = bytes(value for r in axis for g in axis for b in axis for value in (r, g, b))
    cube = pyvips.Image.new_from_memory(levels, 36, 6, 3, "uchar").copy(interpretation="srgb")
    tagged = cube.copy()
    tagged.set_type(pyvips.GValue.blob_type, _PROFILE, profile)
    try:
        back = tagged.icc_transform("srgb", embedded=True)
        return "srgb" if (back.cast("short") - cube.cast("short")).abs().max() <= _SAME_WITHIN else "other"
    except pyvips.Error:
        return "broken"


def _prepared(image: pyvips.Image, format_name: str) -> pyvips.Image:
    if format_name == "jpg" and image.hasalpha():
        return image.flatten(background=255 if image.format == "uchar" else 65535)
    return image


def _encoded(image: pyvips.Image, format_name: str, options: Options) -> tuple[bytes, int]:
    if options.max_bytes and "compress" in options.operations:
        return compression.within_size(image.copy_memory(), format_name, options.max_bytes)
    quality = options.quality
    if "compress" not in options.operations:
        quality = compression.SEARCH_TO
    elif options.strategy == "adaptive" and format_name in LOSSY:
        image = image.copy_memory()
        quality = compression.adaptive_quality(image, format_name)
    return compression.encode(image, format_name, quality), quality if format_name in LOSSY else 0


def _explained(exc: pyvips.Error) -> InputRejected | StageFailed:
    detail = str(exc.detail).strip().replace("\n", "; ")
    if "killed" in detail:
        return StageFailed("The picture took too long and was stopped.", code="stopped")
    return InputRejected(f"The file can't be decoded to its end ({detail[:120]}).", code="unreadable")
