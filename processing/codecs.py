"""Reading and writing pictures: by content only, within byte and pixel limits, upright, in sRGB.

A file is judged in this order: size, header (format and pixel count, before any pixel is decoded), `verify()`,
`load()`. `verify()` alone passes a JPEG cut in half; `load()` is what catches it. Broken EXIF or ICC blocks are dropped
with a finding.
"""

from __future__ import annotations

import io
import re
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from processing import formats, guards, icc, metadata, png, raw
from processing.errors import InputRejected
from processing.jpeg import encode_jpeg as encode_jpeg
from processing.limits import MAX_BYTES, MAX_PIXELS
from processing.types import Finding, ImageInfo, MaskArray, RGBArray

cv2.setNumThreads(1)  # one process per core; a second thread costs more than it gives

DECODE_ERRORS = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, ArithmeticError, AttributeError,
    AssertionError, RuntimeError, struct.error, zlib.error,
)  # fmt: skip
"""What Pillow raises on hostile bytes (MemoryError excluded: that is our shortage, not the photo's fault)."""

_TURNS: dict[int, Callable[[Any], Any]] = {
    2: lambda pixels: cv2.flip(pixels, 1),
    3: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_180),
    4: lambda pixels: cv2.flip(pixels, 0),
    5: cv2.transpose,
    6: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_90_CLOCKWISE),
    7: lambda pixels: cv2.rotate(cv2.transpose(pixels), cv2.ROTATE_180),
    8: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_90_COUNTERCLOCKWISE),
}
_UNPRINTABLE = re.compile(r"[^\x20-\x7E\u00A0-\uD7FF]")  # a decoder may quote the file's own bytes
JPEG_END = b"\xff\xd9"
JPEG_TAIL = 1 << 16  # some cameras pad their files after the end marker
_TIFF_HEADS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_FTYPS = {b"avif": "AVIF", b"avis": "AVIF", b"heic": "HEIF", b"heix": "HEIF", b"mif1": "HEIF"}
_SIDEWAYS = frozenset({5, 6, 7, 8})
Pixels = TypeVar("Pixels", npt.NDArray[np.uint8], MaskArray)
RGBAArray = npt.NDArray[np.uint8]
"""(H, W, 4) uint8, sRGB with straight alpha."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A decoded picture: upright sRGB, its own alpha (None when there is none or all is opaque), what was noticed."""

    rgb: RGBArray
    alpha: MaskArray | None
    info: ImageInfo
    findings: tuple[Finding, ...] = ()


def unreadable(path: Path, exc: Exception) -> InputRejected:
    """Return the refusal for a file whose decoding failed with `exc`, without naming a path of ours."""
    detail = _UNPRINTABLE.sub("", str(exc).split("\n", 1)[0].replace(str(path), "the file"))[:160]
    if "truncated" in detail.lower():
        return InputRejected("The file ends early: part of it is missing. Send the original again.", code="unreadable")
    return InputRejected(
        f"The file cannot be read as a picture ({detail}). Export it again from the camera or editor and send it anew.",
        code="unreadable",
    )


def check_size(path: Path, max_bytes: int) -> int:
    """Return the size in bytes. Raises InputRejected with code missing or too_large."""
    if not path.is_file():
        if path.exists():
            raise InputRejected("This is a pipe, a device or a folder, not a file with a picture.", code="no_file")
        raise InputRejected("The file is missing. Send it again.", code="missing")
    size = path.stat().st_size
    if size > max_bytes:
        raise InputRejected(
            f"The file has {size / 1e6:.1f} MB; the most we take is {max_bytes / 1e6:.0f} MB. Send a smaller export.",
            code="too_large",
        )
    return size


def _too_many_pixels(max_pixels: int, found: str = "") -> InputRejected:
    return InputRejected(
        f"The picture has {found or 'far too many'} pixels; the most we take is {max_pixels / 1e6:.0f} megapixels. "
        "Send a smaller export.",
        code="too_many_pixels",
    )


def _not_a_photo(path: Path) -> str:
    """Say why nothing opens the file: another format, one that isn't enabled, or a kind of TIFF that we don't read."""
    with path.open("rb") as stream:
        head = stream.read(4096)
    if head[4:8] == b"ftyp" and head[8:12] in _FTYPS:
        return formats.missing(_FTYPS[head[8:12]])
    if head[:4] in _TIFF_HEADS:
        return "The file is a TIFF of a kind we can't read. Export it as RGB with 8 or 16 bits and send it anew."
    other = guards.kind_of(head)
    if other:
        return f"The file is {other}, whatever its name says. Send {formats.WORDS}."
    return f"The content is not {formats.WORDS}, or its header is damaged. Export it as one of these and send it anew."


@contextmanager
def opened(path: Path, max_pixels: int) -> Iterator[Image.Image]:
    """Open by content with the header checked. Raises InputRejected for anything that is none of ours."""
    passes = guards.check(path, max_pixels)
    # A stream, not a path: Pillow 13 maps uncompressed TIFFs of a path into memory and then scrambles sideways ones.
    with path.open("rb") as stream, _identified(path, stream, max_pixels) as image:
        if image.width * image.height > max_pixels:
            raise _too_many_pixels(max_pixels, f"{image.width} x {image.height}")
        guards.check_shape(*image.size, passes)
        yield image


def _identified(path: Path, stream: BinaryIO, max_pixels: int) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return Image.open(stream, formats=formats.for_pillow())
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
        raise _too_many_pixels(max_pixels) from exc
    except UnidentifiedImageError as exc:
        raise InputRejected(_not_a_photo(path), code="unsupported_format") from exc
    except DECODE_ERRORS as exc:
        raise unreadable(path, exc) from exc


def info_of(image: Image.Image, byte_size: int, findings: list[Finding]) -> ImageInfo:
    """Return the facts of an opened picture, adding to `findings` what its EXIF block made noticeable."""
    tags = metadata.read(image, findings)
    width, height = image.size
    if (
        tags.orientation in _SIDEWAYS and image.format != "TIFF"
    ):  # Pillow tells a TIFF's size turned, and turns it itself
        width, height = height, width
    return ImageInfo(
        format="JPEG" if image.format == "MPO" else str(image.format),
        width=width,
        height=height,
        byte_size=byte_size,
        mode=image.mode,
        icc_profile=icc.name_of(image.info.get("icc_profile")),
        exif_orientation=tags.orientation,
        camera=tags.camera,
        taken_at=tags.taken_at,
        exif=tags.shown,
    )


def probe(path: Path, *, max_pixels: int = MAX_PIXELS, max_bytes: int = MAX_BYTES) -> ImageInfo:
    """Read the header only.

    Raises InputRejected with code missing, too_large, unsupported_format, unreadable or too_many_pixels.
    """
    size = check_size(path, max_bytes)
    if raw.is_raw(path):
        return _raw_photo(path, size, max_pixels).info
    with opened(path, max_pixels) as image:
        return info_of(image, size, [])


def _raw_photo(path: Path, size: int, max_pixels: int) -> Photo:
    rgb = raw.develop(path, max_pixels)
    info = ImageInfo(format="RAW", width=rgb.shape[1], height=rgb.shape[0], byte_size=size, mode="RGB")
    note = "Camera raw, developed with the camera's white balance and no automatic brightening."
    return Photo(rgb, None, info, (Finding("raw_developed", "info", note),))


def _sixteen_bit(path: Path, image: Image.Image) -> bool:
    if image.mode.startswith("I;16"):
        return True
    if image.format == "PNG":
        with path.open("rb") as stream:
            return stream.read(25)[-1:] == b"\x10"
    tags = getattr(image, "tag_v2", {})
    return 16 in np.atleast_1d(tags.get(258, 8))


def _eight_bit(image: Image.Image) -> Image.Image:
    """Bring modes of more than 8 bits down to L. Raises InputRejected for floating-point pictures."""
    if image.mode == "F":
        raise InputRejected("The picture holds floating-point pixels. Export it with 8 or 16 bits per channel.",
                            code="unsupported_format")  # fmt: skip
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)
        if values.max(initial=0) > 255:
            values = values // 257
        return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))
    return image


def _split_alpha(image: Image.Image) -> tuple[Image.Image, MaskArray | None]:
    """Return the picture without alpha and the alpha (None when fully opaque)."""
    has_alpha = image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info
    if not has_alpha:
        if image.mode in ("P", "1"):
            return image.convert("RGB"), None
        return image, None
    straight = image.convert("RGBA")
    alpha = np.asarray(straight.getchannel("A"))
    colour = straight.convert("L" if image.mode in ("LA", "La") else "RGB")
    if int(alpha.min()) == 255:
        return colour, None
    return colour, alpha.astype(np.float32) / np.float32(255)


def turned(pixels: Pixels, orientation: int) -> Pixels:
    """Turn an array upright by its EXIF orientation."""
    turn = _TURNS.get(orientation)
    return pixels if turn is None else np.asarray(turn(pixels), pixels.dtype)


def _load(path: Path, max_pixels: int) -> None:
    with opened(path, max_pixels) as image:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                image.verify()
        except DECODE_ERRORS as exc:
            raise unreadable(path, exc) from exc


def open_photo(path: Path, *, max_pixels: int = MAX_PIXELS, max_bytes: int = MAX_BYTES) -> Photo:
    """Decode fully: verified, loaded, upright, converted to sRGB, 8 bits, alpha kept.

    Raises InputRejected with a sentence for the client (codes as `probe`).
    """
    size = check_size(path, max_bytes)
    if raw.is_raw(path):
        return _raw_photo(path, size, max_pixels)
    _load(path, max_pixels)
    findings: list[Finding] = []
    with opened(path, max_pixels) as image:
        try:
            plain = _plain_jpeg(path, image, findings)
            if plain is None:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    image.load()
            info = info_of(image, size, findings)
            findings += noted(path, image)
            rgb, alpha = (plain, None) if plain is not None else _converted(image, findings)
        except DECODE_ERRORS as exc:
            raise unreadable(path, exc) from exc
    if alpha is not None:
        alpha = turned(alpha, info.exif_orientation)
    return Photo(turned(rgb, info.exif_orientation), alpha, info, tuple(findings))


def _converted(image: Image.Image, findings: list[Finding]) -> tuple[RGBArray, MaskArray | None]:
    """Return the loaded picture's pixels in sRGB and its alpha, not turned yet."""
    straight, alpha = _split_alpha(_eight_bit(image))
    colour = icc.to_srgb(straight, image.info.get("icc_profile"), findings)
    # Copied while the file is open: Pillow goes back to a file of several pictures for its pixels.
    return np.array(colour), alpha


def ends_whole(tail: bytes) -> bool:
    """Tell whether the last bytes of a JPEG (JPEG_TAIL of them) hold its end marker."""
    return JPEG_END in tail


def _plain_jpeg(path: Path, image: Image.Image, findings: list[Finding]) -> RGBArray | None:
    """Decode a whole RGB JPEG by OpenCV: the same library as Pillow's in half the time, without its own pixel format.

    None for every other file, and for one that ends early: Pillow says more about it.
    """
    profile = image.info.get("icc_profile")
    if image.format != "JPEG" or image.mode != "RGB":
        return None
    found = jpeg_pixels(np.fromfile(path, np.uint8), image.size)
    if found is None:
        return None
    if not profile:
        findings.append(icc.UNTAGGED)
    elif not icc.is_srgb(profile):
        return icc.rgb_to_srgb(found, profile, findings)
    return found


def jpeg_pixels(data: npt.NDArray[np.uint8], size: tuple[int, int]) -> RGBArray | None:
    """Decode the bytes (N,) of a JPEG of `size` (w, h) to (h, w, 3) as they are, neither turned nor converted.

    None when it ends early or is of another size: Pillow says more about such a file.
    """
    if not ends_whole(data[-JPEG_TAIL:].tobytes()):
        return None
    try:
        found = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:  # a header it reads otherwise than Pillow does
        return None
    return None if found is None or found.shape[1::-1] != size else np.asarray(found, np.uint8)


def noted(path: Path, image: Image.Image) -> list[Finding]:
    """Return what is lost between the file and one picture of 8 bits."""
    findings = []
    # Not n_frames: a TIFF's pages would all be read to be counted.
    if getattr(image, "is_animated", False) and image.format != "MPO":
        findings.append(Finding("several_frames", "warning", "The file holds several pictures; the first one is used.",
                                "Send one picture per file."))  # fmt: skip
    if _sixteen_bit(path, image):
        findings.append(Finding("bit_depth_reduced", "info", "16 bits per channel were reduced to 8."))
    return findings


def decode(path: Path, *, max_pixels: int = MAX_PIXELS) -> tuple[RGBArray, ImageInfo]:
    """Return the upright sRGB picture (H, W, 3) uint8 and its facts, flattened on white. Raises InputRejected."""
    photo = open_photo(path, max_pixels=max_pixels)
    if photo.alpha is None:
        return photo.rgb, photo.info
    weight = photo.alpha[..., None]
    flat = photo.rgb * weight + np.float32(255) * (1 - weight)
    return np.round(flat).astype(np.uint8), photo.info


def decode_rgba(path: Path, *, max_pixels: int = MAX_PIXELS) -> tuple[RGBAArray, ImageInfo]:
    """Return the upright picture (H, W, 4) uint8, straight alpha, 255 where it has none. Raises InputRejected."""
    photo = open_photo(path, max_pixels=max_pixels)
    alpha = np.full(photo.rgb.shape[:2], 255, np.uint8)
    if photo.alpha is not None:
        alpha = np.round(photo.alpha * 255).astype(np.uint8)
    return np.dstack([photo.rgb, alpha]), photo.info


def decode_grey(path: Path, *, max_pixels: int = MAX_PIXELS) -> npt.NDArray[np.uint8]:
    """Return an 8-bit grey picture (H, W) uint8 that we wrote ourselves (a matte). Raises InputRejected."""
    check_size(path, MAX_BYTES)
    with opened(path, max_pixels) as image:
        try:
            return np.asarray(image.convert("L"))
        except DECODE_ERRORS as exc:
            raise unreadable(path, exc) from exc


def encode_png(pixels: npt.NDArray[np.uint8], *, compress_level: int = 1) -> bytes:
    """Encode (H, W), (H, W, 3) or (H, W, 4) uint8 as PNG, lossless: colours with the sRGB profile.

    `compress_level` 1..9 is for colours; mattes and maps, (H, W), have one way.
    """
    if pixels.ndim == 2:
        return png.encode_matte(pixels)
    swapped = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR if pixels.shape[2] == 3 else cv2.COLOR_RGBA2BGRA)
    # Run-length strategy: a third faster than Pillow at the same level, and smaller on cut-outs (measured at 12 MP).
    options = [cv2.IMWRITE_PNG_COMPRESSION, compress_level, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
    data = cv2.imencode(".png", swapped, options)[1].tobytes()
    return png.with_chunk(data, b"iCCP", b"sRGB\x00\x00" + zlib.compress(icc.SRGB))


def encode_webp(pixels: npt.NDArray[np.uint8], *, quality: int = 90, method: int = 2, tags: bytes = b"") -> bytes:
    """Encode (H, W, 3|4) uint8 as lossy WebP with the sRGB profile; quality 1..100. Sides up to 16383 px."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "WEBP", quality=quality, method=method, icc_profile=icc.SRGB, exif=tags)
    return out.getvalue()


def encode_avif(rgb: RGBArray, *, quality: int = 80, tags: bytes = b"") -> bytes:
    """Encode (H, W, 3) uint8 as AVIF, 4:4:4, with the sRGB profile. Where Pillow has no AVIF it raises KeyError."""
    out = io.BytesIO()
    Image.fromarray(rgb).save(
        out, "AVIF", quality=quality, subsampling="4:4:4", speed=6, max_threads=1, icc_profile=icc.SRGB, exif=tags
    )
    return out.getvalue()
