"""The last word before a file may leave: its encoded bytes, opened again, held against every rule (QC-11)."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import PurePath

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms
from PIL.ExifTags import IFD, TAGS

from processing import metadata as tags
from processing.codecs import DECODE_ERRORS, jpeg_pixels
from processing.geometry import Matte, fill_ratio, level_of, marked_pixels
from processing.params import ChannelSpec
from processing.quality.content import kept
from processing.quality.measures import is_white_beyond
from processing.types import RGBArray, RuleCheck, Severity

ByteArray = npt.NDArray[np.uint8]
RINGING_MARGIN_PX = 8
"""JPEG rings up to one 8 px block round the product; further out a white background must be exact (B5)."""
GREY_FROM = 230
_EXTENSIONS = {
    "JPEG": {".jpg", ".jpeg"}, "WEBP": {".webp"}, "PNG": {".png"}, "TIFF": {".tif", ".tiff"}, "AVIF": {".avif"}
}  # fmt: skip
# CIE xy of the red and green primaries, adapted to D50: they tell sRGB, Adobe RGB and Display P3 apart.
_PRIMARIES = {"sRGB": ((0.648, 0.331), (0.321, 0.598)), "AdobeRGB": ((0.648, 0.331), (0.230, 0.702))}
_PRIMARIES_WITHIN = 0.015
PRODUCT_FROM = 0.02
"""Alpha from which a pixel is product here: a thinner veil over the background is no excuse for it being off white."""
RINGING_SEEN = 6.0
LEAST_LIKENESS = 0.85
"""SSIM of the worse places: JPEG below a quality of about 30, where blocks are seen on soft shades, has less."""
_SOLID_FROM = 0.98
_LOSSY = frozenset({"JPEG", "WEBP", "AVIF"})
_PRIVATE = {0x8825: "GPS position", 0xA431: "camera serial number", 0xA435: "lens serial number"}
# TIFF fields that describe the pixels themselves (TIFF 6.0, its ICC profile field), and the EXIF turn.
_STRUCTURE = frozenset(
    {*range(254, 260), 262, 266, 273, 274, *range(277, 280), *range(282, 285), 296, 297, 317, 320}
    | {*range(322, 326), 338, 339, 34675}
)
_BLOCKS = {"comment": "comment", "photoshop": "IPTC block", "xmp": "XMP block", "XML:com.adobe.xmp": "XMP block"}


def verify(
    data: bytes,
    spec: ChannelSpec,
    *,
    alpha: Matte | None,
    filename: str = "",
    metadata: Mapping[str, str] | None = None,
    picture: RGBArray | None = None,
) -> tuple[RuleCheck, ...]:
    """Hold encoded bytes against the channel, rule by rule. Never raises: an unreadable file is a failed rule.

    `alpha`: the frame's matte (H, W), uint8 or 0..1, which says where the background is; None checks the ring alone.
    `metadata`: texts that must be readable from the file, where the channel asks for them (EXP-18). `picture`: the
    frame (H, W, 3) uint8 sRGB it was encoded from; a lossy file must still look like it inside the product (QC-23).
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            pixels = _pixels(image, data)
            checks = [*_file_rules(image, data, spec, filename), _privacy_rule(image, spec)]
            checks += _metadata_rules(image, spec, metadata or {})
    except (*DECODE_ERRORS, Image.DecompressionBombError) as error:
        return (RuleCheck("decodes", False, "opens and decodes", str(error)[:200]),)
    if alpha is not None and alpha.shape != pixels.shape[:2]:
        size = f"{pixels.shape[1]} x {pixels.shape[0]}"
        checks.append(RuleCheck("frame", False, f"{alpha.shape[1]} x {alpha.shape[0]}", size))
        alpha = None
    checks += _background_rules(pixels, alpha, spec)
    if picture is not None and alpha is not None and picture.shape == pixels.shape and spec.format in _LOSSY:
        checks += _likeness_rule(pixels, picture, alpha)
    if spec.fill_min and alpha is not None:
        fill = fill_ratio(alpha)
        checks.append(_rule("fill", fill >= spec.fill_min, f"at least {spec.fill_min:.0%}", f"{fill:.1%}"))
    return tuple(checks)


def _pixels(image: Image.Image, data: bytes) -> ByteArray:
    """Decode completely, or raise one of DECODE_ERRORS. (H, W, 3) uint8."""
    if image.format == "JPEG" and image.mode == "RGB":
        quick = jpeg_pixels(np.frombuffer(data, np.uint8), image.size)
        if quick is not None:
            return quick
    image.load()
    # Pillow reads the upper 8 bits of 16: enough for ring and fill, the depth itself has its own rule.
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def _rule(name: str, passed: bool, expected: str, actual: str, severity: Severity = "error") -> RuleCheck:
    return RuleCheck(name, bool(passed), expected, actual, severity)


def _file_rules(image: Image.Image, data: bytes, spec: ChannelSpec, filename: str) -> list[RuleCheck]:
    width, height = image.size
    longest, shown = max(width, height), f"{width} x {height} px"
    checks = [
        _rule("decodes", True, "opens and decodes", "yes"),
        _rule("format", image.format == spec.format, spec.format, str(image.format)),
        _profile_rule(image, spec),
    ]
    if spec.min_dimension:
        checks.append(_rule("min_dimension", longest >= spec.min_dimension, f"at least {spec.min_dimension} px", shown))
    if spec.recommended_dimension and spec.sizing == "fit":
        enough = longest >= spec.recommended_dimension
        checks.append(_rule("below_recommended", enough, f"{spec.recommended_dimension} px", shown, "warning"))
    if spec.max_dimension:
        checks.append(_rule("max_dimension", longest <= spec.max_dimension, f"at most {spec.max_dimension} px", shown))
    if spec.max_megapixels:
        found = width * height / 1e6
        limit = f"at most {spec.max_megapixels} megapixels"
        checks.append(_rule("max_megapixels", found <= spec.max_megapixels, limit, f"{found:.1f} megapixels"))
    if spec.aspect == "1:1":
        checks.append(_rule("aspect", width == height, "1:1", shown))
    if spec.max_bytes:
        limit = f"at most {spec.max_bytes / 1024**2:.1f} MB"
        checks.append(_rule("max_bytes", len(data) <= spec.max_bytes, limit, f"{len(data) / 1024**2:.2f} MB"))
    if spec.dpi:
        density = tuple(round(float(value)) for value in image.info.get("dpi", (0, 0)))
        checks.append(_rule("dpi", density == (spec.dpi, spec.dpi), f"{spec.dpi} dpi", f"{density[0]} dpi"))
    if spec.bits == 16:
        bits = _bits(image)
        checks.append(_rule("bits", bits == 16, "16 bits per channel", f"{bits} bits"))
    if spec.progressive and spec.format == "JPEG":
        is_progressive = bool(image.info.get("progressive"))
        checks.append(_rule("progressive", is_progressive, "progressive", "yes" if is_progressive else "baseline"))
    if filename:
        suffix = PurePath(filename).suffix.lower()
        checks.append(_rule("extension", suffix in _EXTENSIONS[spec.format], "fits the content", suffix or "none"))
    return checks


def _bits(image: Image.Image) -> int:
    tags = getattr(image, "tag_v2", None)
    return int(max(np.atleast_1d(tags.get(258, 8)))) if tags is not None else 8


def _profile_rule(image: Image.Image, spec: ChannelSpec) -> RuleCheck:
    """EXP-19: the profile is there, opens, and is the right space, asked by its colours and not by its name."""
    data = image.info.get("icc_profile")
    wanted = "Adobe RGB (1998)" if spec.colour_space == "AdobeRGB" else "sRGB"
    if not data:
        return _rule("profile", False, wanted, "no profile embedded")
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        primaries = (profile.profile.red_primary, profile.profile.green_primary)
        name = ImageCms.getProfileDescription(profile).strip()
    except (ImageCms.PyCMSError, OSError, AttributeError):
        return _rule("profile", False, wanted, "a broken profile")
    found = np.array([primary[1][:2] for primary in primaries if primary])
    if len(found) < len(primaries):
        return _rule("profile", False, wanted, name)
    apart = float(np.abs(found - np.array(_PRIMARIES[spec.colour_space])).max())
    return _rule("profile", apart <= _PRIMARIES_WITHIN, wanted, name)


def _privacy_rule(image: Image.Image, spec: ChannelSpec) -> RuleCheck:
    """Only the texts that the channel allows may be in the file: everything else in it is named (EXP-18, B41, C33)."""
    try:
        exif = image.getexif()
        carried = {*exif, *exif.get_ifd(IFD.Exif)}  # serial numbers stand in the inner directory
        texts = getattr(image, "text", {}) if image.format == "PNG" else {}
    except DECODE_ERRORS:
        return _rule("metadata", False, "readable", "unreadable EXIF")
    allowed = {tags.WRITABLE[name] for name in spec.metadata if name in tags.WRITABLE} | {IFD.Exif}
    extra = carried - allowed - (_STRUCTURE if image.format == "TIFF" else {0x0112})
    leaks = {_PRIVATE.get(tag) or str(TAGS.get(tag, hex(tag))) for tag in extra}
    leaks |= {name for key, name in _BLOCKS.items() if image.info.get(key)} | {f"text {key}" for key in texts}
    return _rule("metadata", not leaks, ", ".join(spec.metadata) or "none", ", ".join(sorted(leaks)) or "no other")


def _metadata_rules(image: Image.Image, spec: ChannelSpec, wanted: Mapping[str, str]) -> list[RuleCheck]:
    expected = {name: tags.clean_text(wanted.get(name, "")) for name in spec.metadata}
    found = tags.written(image)
    lost = [name for name, text in expected.items() if text and found.get(name) != text]
    return [
        _rule(
            "metadata_kept", not lost, ", ".join(spec.metadata), ", ".join(lost) + " missing" if lost else "all there"
        )
    ]


def _background_rules(pixels: ByteArray, alpha: Matte | None, spec: ChannelSpec) -> list[RuleCheck]:
    ring = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    if spec.background == "pure_white":
        off = int((ring != 255).any(axis=1).sum())
        checks = [_rule("white_frame", off == 0, "frame exactly 255, 255, 255", f"{off} pixels off")]
        if alpha is not None:
            near, reached = _round_product(alpha)
            far, wrong = reached.size - cv2.countNonZero(reached), 0
            if far and not is_white_beyond(pixels, reached):
                white = cv2.inRange(pixels, (255, 255, 255), (255, 255, 255))
                wrong = far - cv2.countNonZero(cv2.bitwise_and(white, cv2.bitwise_not(reached)))
            share = f"{wrong} of {far} pixels off"
            checks.append(
                _rule("white_background", wrong == 0, f"255 beyond {RINGING_MARGIN_PX} px of the product", share)
            )
            checks.append(_ringing_rule(pixels, near))
        return checks
    darkest, chroma = int(np.median(ring.min(axis=1))), int(np.median(np.ptp(ring.astype(np.int16), axis=1)))
    shown = f"median {darkest}"
    if spec.background == "white_or_light_grey":
        return [_rule("background", darkest >= GREY_FROM and chroma <= 8, "white or light grey", shown)]
    if spec.background == "white_recommended":
        return [_rule("background", darkest >= 250, "white recommended", shown, "warning")]
    return []


def _likeness_rule(pixels: ByteArray, picture: RGBArray, alpha: Matte) -> list[RuleCheck]:
    """QC-23: what a hard limit of bytes leaves of the product; nothing where it is too small to tell."""
    found = kept(picture, pixels, _from(alpha, _SOLID_FROM))
    if found is None:
        return []
    expected = f"SSIM of at least {LEAST_LIKENESS:g} to the picture in 95 % of the product"
    return [_rule("likeness", found >= LEAST_LIKENESS, expected, f"{found:.3f}")]


def _ringing_rule(pixels: ByteArray, near: ByteArray) -> RuleCheck:
    """Say how far compression left the white close to the product: seen by people from about 6 levels (B5)."""
    red, green, blue = pixels[marked_pixels(near)].T
    off = 255 - float(np.minimum(np.minimum(red, green), blue).mean(dtype=np.float64)) if red.size else 0.0
    expected = f"at most {RINGING_SEEN:g} levels off within {RINGING_MARGIN_PX} px of the product"
    return _rule("white_near_product", off <= RINGING_SEEN, expected, f"{off:.2f} levels off in the mean", "warning")


def _round_product(alpha: Matte) -> tuple[ByteArray, ByteArray]:
    """Return where the background (H, W) is within reach of ringing, and that with the product itself: 255, else 0."""
    size = 2 * RINGING_MARGIN_PX + 1
    product = _from(alpha, PRODUCT_FROM)
    grown = np.asarray(cv2.dilate(product, np.ones((size, size), np.uint8)), np.uint8)
    return np.asarray(cv2.subtract(grown, product), np.uint8), grown


def _from(alpha: Matte, share: float) -> ByteArray:
    """255 where alpha is at least `share` (0..1), else 0."""
    return np.asarray(cv2.inRange(alpha, float(level_of(alpha, share)), 255.0), np.uint8)
