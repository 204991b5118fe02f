"""Is this file a photo we can work with: four checks, one sentence for the client, and what may become a problem."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType

import cv2
import numpy as np

from processing import codecs
from processing.classification import colour_match_risk
from processing.errors import InputRejected
from processing.geometry import shrunk
from processing.limits import MIN_BYTES
from processing.params import ChannelSpec
from processing.phash import perceptual_hash
from processing.removal.backdrop import fit_backdrop, to_lab
from processing.removal.studio import StudioSettings, segment
from processing.types import Finding, ImageInfo, IntakeReport, RGBArray

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff"})
_SUFFIX_FORMAT = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}
_RAW = frozenset({".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2", ".dng"})
_PREFLIGHT_SIDE = 320
_BLANK_RESIDUAL = 2.0  # Lab units: below it even the 0.1 % most different pixels are backdrop
_LOW_CONTRAST = 0.30
_BLURRED = 12.0


@dataclass(frozen=True, slots=True)
class ValidationProfile:
    """What a batch demands of its photos. A rule of 0 px does not apply; `edges` says in words which edge counts."""

    key: str
    label: str
    min_both: int = 0
    min_longest: int = 0
    min_bytes: int = MIN_BYTES

    def is_met(self, info: ImageInfo) -> bool:
        """Tell whether the upright picture has enough pixels."""
        return min(info.width, info.height) >= self.min_both and max(info.width, info.height) >= self.min_longest

    def demand(self) -> str:
        """Say the demand in words."""
        if self.min_both:
            return f"{self.min_both} px on both edges"
        return f"{self.min_longest} px on the longest edge"


PROFILES: Mapping[str, ValidationProfile] = MappingProxyType(
    {
        "basic-500": ValidationProfile("basic-500", "Basic, 500 px on both edges", min_both=500),
        "marketplace-1000": ValidationProfile(
            "marketplace-1000", "Marketplace, 1000 px on the longest edge", min_longest=1000
        ),
        "hires-2000": ValidationProfile("hires-2000", "High resolution, 2000 px on the longest edge", min_longest=2000),
    }
)


def strictest(specs: Iterable[ChannelSpec]) -> str:
    """Return the key of the least demanding profile that still meets every channel's smallest size."""
    need = max((spec.min_dimension for spec in specs), default=0)
    if need <= 500:
        return "basic-500"
    return "marketplace-1000" if need <= 1000 else "hires-2000"


@dataclass(slots=True)
class _Checks:
    """The four named checks, false until proven."""

    file_exists: bool = False
    file_readable: bool = False
    format_supported: bool = False
    sufficient_resolution: bool = False

    def as_dict(self) -> dict[str, bool]:
        return {
            "file_exists": self.file_exists,
            "file_readable": self.file_readable,
            "format_supported": self.format_supported,
            "sufficient_resolution": self.sufficient_resolution,
        }


def _rejected(checks: _Checks, reason: str, code: str, info: ImageInfo | None = None) -> IntakeReport:
    return IntakeReport(info, checks.as_dict(), False, reason, code)


def _suffix_problem(suffix: str) -> str:
    if suffix in SUFFIXES:
        return ""
    if suffix in _RAW:
        return f"Unsupported format: camera RAW ({suffix}) is not enabled. Send {codecs.FORMAT_WORDS}."
    shown = f"files ending in {suffix}" if suffix else "a file name without an ending"
    return f"Unsupported format: {shown} cannot be used. Send {codecs.FORMAT_WORDS}."


def inspect(path: Path, profile: ValidationProfile, filename: str) -> IntakeReport:
    """Judge one file against a profile. Never raises for a bad photo; `reason` is the sentence for the client."""
    checks = _Checks(file_exists=path.is_file())
    if not checks.file_exists:
        return _rejected(checks, "The file is missing. Send it again.", "missing")
    size = path.stat().st_size
    if size < profile.min_bytes:
        reason = (
            f"File too small: {size:,} bytes; a photo has at least {profile.min_bytes:,}. Send the full file again."
        )
        return _rejected(checks, reason, "file_too_small")
    suffix = PurePosixPath(filename).suffix.lower()
    problem = _suffix_problem(suffix)
    if problem:
        return _rejected(checks, problem, "unsupported_format")
    try:
        photo = codecs.open_photo(path)
        if photo.info.format == "JPEG":
            codecs.check_jpeg_data(path)
    except InputRejected as exc:
        if exc.code == "unsupported_format":
            return _rejected(checks, f"Unsupported format: {str(exc)[0].lower()}{str(exc)[1:]}", exc.code)
        checks.format_supported = exc.code in ("too_large", "too_many_pixels")
        return _rejected(checks, str(exc), exc.code)
    checks.file_readable = checks.format_supported = True
    if not profile.is_met(photo.info):
        return _too_low(checks, photo.info, profile)
    checks.sufficient_resolution = True
    return _judged(checks, photo, suffix)


def _too_low(checks: _Checks, info: ImageInfo, profile: ValidationProfile) -> IntakeReport:
    reason = (
        f"Resolution too low: {info.width} x {info.height} px; at least {profile.demand()} are needed. "
        "Send the original from the camera, not a preview."
    )
    return _rejected(checks, reason, "resolution_too_low", info)


def _judged(checks: _Checks, photo: codecs.Photo, suffix: str) -> IntakeReport:
    small = shrunk(photo.rgb, _PREFLIGHT_SIDE)[0]
    has_own_alpha = photo.alpha is not None
    if not has_own_alpha and is_blank(small):
        reason = (
            "The picture is blank: one even tone from edge to edge, so there is nothing to cut out. Send another shot."
        )
        return _rejected(checks, reason, "blank", photo.info)
    findings = list(photo.findings)
    if _SUFFIX_FORMAT[suffix] != photo.info.format:
        findings.append(
            Finding("type_mismatch", "warning", f"The file ends in {suffix} but holds {photo.info.format}.",
                    "Delivered files always get the right ending.")
        )  # fmt: skip
    if not has_own_alpha:
        findings += preflight(small)
    return IntakeReport(
        photo.info, checks.as_dict(), True, "Valid", "valid", tuple(findings), perceptual_hash(photo.rgb)
    )


def is_blank(small: RGBArray) -> bool:
    """Tell whether a picture is one smooth tone: nothing differs from the surface fitted to its border."""
    lab = to_lab(np.asarray(cv2.GaussianBlur(small, (0, 0), 1.5), np.uint8))
    off = np.linalg.norm(lab - fit_backdrop(lab).surface, axis=2)
    spread = np.ptp(lab.reshape(-1, 3), axis=0).max()
    return bool(spread < 3.0 or np.percentile(off, 99.9) < _BLANK_RESIDUAL)


def preflight(small: RGBArray) -> list[Finding]:
    """Foresee trouble (VAL-15) on a picture of a few hundred px."""
    findings = []
    product, signals = segment(small, StudioSettings())
    if colour_match_risk(small, product) > _LOW_CONTRAST:
        findings.append(Finding("low_contrast", "warning", "The product hardly stands out from the backdrop.",
                                "Expect a person to check the outline."))  # fmt: skip
    if signals.at_frame > 0.05 and signals.area < 0.9:
        findings.append(Finding("touches_edge", "warning", "The product seems to touch the edge of the picture.",
                                "Check that nothing is cut off."))  # fmt: skip
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    detail = float(cv2.Laplacian(grey, cv2.CV_32F)[product].var()) if product.any() else 0.0
    if product.any() and detail < _BLURRED:
        findings.append(
            Finding("little_detail", "info", "The product shows little detail; the photo may be out of focus.")
        )
    return findings
