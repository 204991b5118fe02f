"""Colour profiles: real conversion to sRGB by littleCMS (RGB by libvips, the rest by Pillow), never a relabelling."""

from __future__ import annotations

import io
import re
import struct
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

from processing.types import Finding, RGBArray

ICC_ERRORS = (ImageCms.PyCMSError, OSError, ValueError, TypeError)


def _built_srgb() -> bytes:
    """littleCMS dates the profile it builds; with a fixed date equal pictures are equal bytes in every process."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile[: _DATE.start] + struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + profile[_DATE.stop :]


_DATE = slice(24, 36)  # dateTimeNumber in the header, ICC.1:2022 section 7.2.8
SRGB = _built_srgb()
"""The sRGB profile embedded into every encoded picture."""

UNTAGGED = Finding("untagged", "info", "No colour profile in the file; taken as sRGB.")

_UNPRINTABLE = re.compile(r"[\x00-\x1F\x7F\uD800-\uDFFF]")  # no database keeps these
_MAX_PROFILE_BYTES = 4 * 1024 * 1024
_SPACES = {"RGB": "RGB ", "L": "GRAY", "CMYK": "CMYK", "LAB": "Lab "}
_SAME_WITHIN = 2  # levels of 255 on the probe colours: then the profile is sRGB for our purposes


@lru_cache(maxsize=1)
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(io.BytesIO(SRGB))


def _parse(profile: bytes | None) -> ImageCms.ImageCmsProfile | None:
    if not profile or len(profile) > _MAX_PROFILE_BYTES:
        return None
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(profile))
    except ICC_ERRORS:
        return None


def _space_of(parsed: ImageCms.ImageCmsProfile) -> str:
    """Return the profile's colour space, "" when its four letters are none."""
    try:
        return str(parsed.profile.xcolor_space)
    except ICC_ERRORS:
        return ""


def name_of(profile: bytes | None) -> str:
    """Return the profile's own description, "unreadable" for a broken one, "" when there is none."""
    if not profile:
        return ""
    parsed = _parse(profile)
    if parsed is None:
        return "unreadable"
    try:
        return _UNPRINTABLE.sub("", ImageCms.getProfileDescription(parsed)).strip()[:120]
    except ICC_ERRORS:
        return "unreadable"


def _is_srgb(transform: ImageCms.ImageCmsTransform) -> bool:
    """Ask the transform itself, not the profile's name, with a 6 x 6 x 6 cube of colours."""
    axis = np.linspace(0, 255, 6).astype(np.uint8)
    cube = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(6, 36, 3)
    out = ImageCms.applyTransform(Image.fromarray(cube), transform)
    return out is not None and int(np.abs(np.asarray(out).astype(int) - cube).max()) <= _SAME_WITHIN


def _transform(parsed: ImageCms.ImageCmsProfile, mode: str) -> ImageCms.ImageCmsTransform:
    # Press profiles carry a perceptual table for going to a screen; matrix profiles have only the colorimetric one.
    is_press = mode == "CMYK"
    intent = ImageCms.Intent.PERCEPTUAL if is_press else ImageCms.Intent.RELATIVE_COLORIMETRIC
    return ImageCms.buildTransform(
        parsed, _srgb(), mode, "RGB", renderingIntent=intent, flags=ImageCms.Flags.BLACKPOINTCOMPENSATION
    )


def _without_profile(image: Image.Image, findings: list[Finding]) -> Image.Image:
    if image.mode == "CMYK":
        findings.append(
            Finding("cmyk_untagged", "warning", "CMYK without a colour profile; its colours are a guess.",
                    "Send it as sRGB, or with its press profile embedded.")
        )  # fmt: skip
    return image.convert("RGB")


@lru_cache(maxsize=32)
def is_srgb(profile: bytes) -> bool:
    """Tell whether RGB pixels with this profile are sRGB already, so that `to_srgb` would leave them as they are."""
    parsed = _parse(profile)
    if parsed is None or _space_of(parsed) != _SPACES["RGB"]:
        return False
    try:
        return _is_srgb(_transform(parsed, "RGB"))
    except ICC_ERRORS:
        return False


def rgb_to_srgb(pixels: RGBArray, profile: bytes, findings: list[Finding]) -> RGBArray | None:
    """Convert (H, W, 3) uint8 by libvips: littleCMS too, within one level of Pillow's, cheaper (benchmarks/intake.py).

    None when the profile isn't one of RGB, or libvips can't use it.
    """
    parsed = _parse(profile)
    if parsed is None or _space_of(parsed) != _SPACES["RGB"]:
        return None
    import pyvips  # loaded once per process, when a photo needs it

    whole = np.ascontiguousarray(pixels)
    height, width = whole.shape[:2]
    source = pyvips.Image.new_from_memory(whole.data, width, height, 3, "uchar").copy(interpretation="srgb")
    source.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    try:
        made = source.icc_transform("srgb", embedded=True, intent="relative", black_point_compensation=True).numpy()
    except pyvips.Error:
        return None
    findings.append(_converted("profile_converted", profile))
    return np.asarray(made, np.uint8)


def _converted(code: str, profile: bytes) -> Finding:
    return Finding(code, "info", f"Colours converted from {name_of(profile) or 'an unnamed profile'} to sRGB.")


def to_srgb(image: Image.Image, profile: bytes | None, findings: list[Finding]) -> Image.Image:
    """Convert a loaded picture (RGB, L, CMYK, LAB, YCbCr) to RGB in sRGB, adding what was noticed to `findings`."""
    if image.mode not in _SPACES:
        image = image.convert("RGB")
    if not profile:
        if image.mode != "CMYK":
            findings.append(UNTAGGED)
        return _without_profile(image, findings)
    parsed = _parse(profile)
    if parsed is None or _space_of(parsed) != _SPACES[image.mode]:
        findings.append(
            Finding("icc_dropped", "warning", "The colour profile in the file is broken or unfit; taken as sRGB.",
                    "Check the colours against the product.")
        )  # fmt: skip
        return _without_profile(image, findings)
    try:
        transform = _transform(parsed, image.mode)
        if image.mode == "RGB" and _is_srgb(transform):
            return image
        if image.mode == "RGB":
            made = rgb_to_srgb(np.asarray(image), profile, findings)
            if made is not None:
                return Image.fromarray(made)
        converted = ImageCms.applyTransform(image, transform)
    except ICC_ERRORS:
        findings.append(Finding("icc_dropped", "warning", "The colour profile could not be used; taken as sRGB.",
                                "Check the colours against the product."))  # fmt: skip
        return _without_profile(image, findings)
    if converted is None:
        return _without_profile(image, findings)
    findings.append(_converted("cmyk_converted" if image.mode == "CMYK" else "profile_converted", profile))
    return converted
