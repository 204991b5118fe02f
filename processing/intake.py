"""Is this file a photo we can work with: four checks, one sentence for the client, and what may become a problem."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Literal

from processing import codecs, convention, formats
from processing.classification import cues_of, look_at
from processing.errors import InputRejected
from processing.geometry import quickly_shrunk
from processing.glance import glance
from processing.limits import MIN_BYTES
from processing.params import ChannelSpec, ClassificationParams
from processing.phash import perceptual_hash
from processing.preflight import SHARPNESS_SIDE, is_blank, preflight, suggested_lane
from processing.types import Finding, ImageInfo, IntakeReport

SUFFIXES = formats.endings()
"""The file endings this installation takes."""


@dataclass(frozen=True, slots=True)
class ValidationProfile:
    """What a batch demands of its photos. A rule of 0 px does not apply; `demand` says in words which edge counts.

    `accepts`: what is taken, of those this installation reads (formats.py); empty = all of them. `naming`: what happens
    to a file whose name doesn't keep to the convention (convention.py): "" nothing, "flag" a warning, "reject"
    that it is refused (VAL-13).
    """

    key: str
    label: str
    min_both: int = 0
    min_longest: int = 0
    min_bytes: int = MIN_BYTES
    accepts: frozenset[str] = frozenset()
    naming: Literal["", "flag", "reject"] = ""

    def usable(self) -> frozenset[str]:
        """Return the formats that are both wanted and readable here."""
        return formats.enabled() & self.accepts if self.accepts else formats.enabled()

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


def inspect(
    path: Path, profile: ValidationProfile, filename: str, limits: ClassificationParams | None = None
) -> IntakeReport:
    """Judge one file against a profile. Never raises for a bad photo; `reason` is the sentence for the client.

    The photo is decoded once; `cues` of the report spare `classification.classify` a second look. `limits` are the
    thresholds from which low contrast and fine edges are warned of.
    """
    checks = _Checks(file_exists=path.is_file())
    refused = refusal(path, profile, filename)
    if refused is not None:
        return _rejected(checks, str(refused), refused.code)
    problem = formats.refusal(PurePosixPath(filename).suffix.lower(), profile.usable())
    if problem:
        return _rejected(checks, problem, "unsupported_format")
    try:
        photo = glance(path, SHARPNESS_SIDE)
    except InputRejected as exc:
        if exc.code == "unsupported_format":
            return _rejected(checks, f"Unsupported format: {_inside(str(exc))}", exc.code)
        checks.format_supported = exc.code in ("too_large", "too_many_pixels")
        return _rejected(checks, str(exc), exc.code)
    return judge(photo, profile, filename, limits)


def refused_unopened(error: InputRejected) -> IntakeReport:
    """Return the report of a file that nothing has opened, for a reason found elsewhere (a virus scanner's)."""
    return _rejected(_Checks(file_exists=True), str(error), error.code)


def refusal(path: Path, profile: ValidationProfile, filename: str) -> InputRejected | None:
    """Return why a file is not even opened: missing, no_file, file_too_small, or bad_name by the profile's wish."""
    try:
        size = codecs.check_size(path, _ANY_SIZE)
    except InputRejected as exc:
        return exc
    if size < profile.min_bytes:
        return InputRejected(
            f"File too small: {size:,} bytes; a photo has at least {profile.min_bytes:,}. Send the full file again.",
            code="file_too_small",
        )
    if profile.naming == "reject" and convention.parse(filename) is None:
        return InputRejected(_MISNAMED.format(filename, convention.WORDS), code="bad_name")
    return None


_ANY_SIZE = 1 << 62  # the limit is told later, as a photo's that was looked at
_MISNAMED = "The name {} doesn't keep to the convention {}."


def judge(
    photo: codecs.Photo,
    profile: ValidationProfile,
    filename: str,
    limits: ClassificationParams | None = None,
    *,
    looks_closely: bool = True,
) -> IntakeReport:
    """Judge a photo that is decoded already, of its own size or reduced to no less than SHARPNESS_SIDE.

    Without `looks_closely` only what is known of the file is told, no pixel is looked at: no lane, no cues, no phash.
    """
    checks = _Checks(file_exists=True, file_readable=True)
    if photo.info.format not in profile.usable():
        reason = f"Unsupported format: the file holds {photo.info.format}, which is not taken here."
        return _rejected(checks, reason, "unsupported_format", photo.info)
    checks.format_supported = True
    if not profile.is_met(photo.info):
        return _rejected(checks, too_low(photo.info, profile), "resolution_too_low", photo.info)
    checks.sufficient_resolution = True
    findings = (*photo.findings, *_of_the_file(photo.info, profile, filename))
    if not looks_closely:
        return IntakeReport(photo.info, checks.as_dict(), True, "Valid", findings=findings)
    return _judged(checks, photo, findings, limits or ClassificationParams())


def _of_the_file(info: ImageInfo, profile: ValidationProfile, filename: str) -> list[Finding]:
    suffix = PurePosixPath(filename).suffix.lower()
    findings = []
    if formats.FORMAT_OF.get(suffix, info.format) != info.format:
        findings.append(
            Finding("type_mismatch", "warning", f"The file ends in {suffix} but holds {info.format}.",
                    "Delivered files always get the right ending.")
        )  # fmt: skip
    if profile.naming and convention.parse(filename) is None:
        findings.append(Finding("bad_name", "warning", _MISNAMED.format(filename, convention.WORDS), "Rename it."))
    return findings


def _inside(sentence: str) -> str:
    """Return a sentence as it reads after a colon; a name in capitals keeps them."""
    return sentence if sentence[1:2].isupper() else sentence[0].lower() + sentence[1:]


def too_low(info: ImageInfo, profile: ValidationProfile) -> str:
    """Return the sentence for a photo with too few pixels."""
    return (
        f"Resolution too low: {info.width} x {info.height} px; at least {profile.demand()} are needed. "
        "Send the original from the camera, not a preview."
    )


def _judged(
    checks: _Checks, photo: codecs.Photo, noted: tuple[Finding, ...], limits: ClassificationParams
) -> IntakeReport:
    view = look_at(photo)
    if view.found is not None and is_blank(view.found):
        reason = (
            "The picture is blank: one even tone from edge to edge, so there is nothing to cut out. Send another shot."
        )
        return _rejected(checks, reason, "blank", photo.info)
    cues = cues_of(view)
    findings = [*noted, *preflight(view, cues, quickly_shrunk(photo.rgb, SHARPNESS_SIDE), limits)]
    return IntakeReport(
        info=photo.info,
        checks=checks.as_dict(),
        passed=True,
        reason="Valid",
        findings=tuple(findings),
        phash=perceptual_hash(photo.rgb),
        suggested_lane=suggested_lane(findings),
        cues=cues,
    )
