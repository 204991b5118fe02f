"""What a run asks of a photo before it works on it, and what its report says of the photo as it came."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from processing import codecs, convention
from processing.classification import classify_cues
from processing.errors import InputRejected, StageFailed
from processing.families import WORKFLOW_OF, bucket_of
from processing.hybrid import assess
from processing.intake import PROFILES, ValidationProfile, inspect, judge, refusal, strictest, too_low
from processing.params import ChannelSpec, ClassificationParams
from processing.pipeline import Made

_EXPLAINS = ("blank", "resolution_too_low")


@dataclass(frozen=True, slots=True)
class Reception:
    """`profile`: key of intake.PROFILES that every photo must meet; "" = that of the channel, and what falls short is
    said in the report and worked on all the same. `naming`: see ValidationProfile. `looks_closely`: findings of the
    pixels, lane, class and the rule that decided (a tenth of a second a photo). `measures_set`: what the set's report
    needs is measured on every photo. `evens_set`: photos are made again with what the set asks for (`evening`)."""

    profile: str = ""
    naming: Literal["", "flag", "reject"] = ""
    looks_closely: bool = False
    measures_set: bool = False
    evens_set: bool = False

    def digest(self) -> str:
        """Tell apart what changes a report."""
        return ",".join(str(value) for value in asdict(self).values())

    def profile_for(self, channel: ChannelSpec) -> ValidationProfile:
        """Return the profile that is held against photos for `channel`."""
        return replace(PROFILES[self.profile or strictest([channel])], naming=self.naming)


ORDINARY = Reception()


def admit(source: Path, reception: Reception, channel: ChannelSpec) -> None:
    """Refuse a file before it is decoded. Raises InputRejected.

    Codes: missing, no_file, file_too_small, bad_name; resolution_too_low where a profile was asked for.
    """
    profile = reception.profile_for(channel)
    refused = refusal(source, profile, source.name)
    if refused is not None:
        raise refused
    if reception.profile:
        info = codecs.probe(source)
        if not profile.is_met(info):
            raise InputRejected(too_low(info, profile), code="resolution_too_low")


def judged(made: Made, source: Path, reception: Reception, channel: ChannelSpec) -> dict[str, Any]:
    """Return what the report says of a photo as it came, plain JSON: profile, verdict, findings, lane and class."""
    if made.photo is None:
        return {}
    profile = reception.profile_for(channel)
    any_size = replace(profile, min_both=0, min_longest=0)
    report = judge(made.photo, any_size, source.name, looks_closely=reception.looks_closely)
    passed, code, reason = report.passed, report.code, report.reason
    if passed and not profile.is_met(made.photo.info):
        passed, code, reason = False, "resolution_too_low", too_low(made.photo.info, profile)
    told: dict[str, Any] = {
        "profile": profile.key,
        "passed": passed,
        "code": code,
        "reason": reason,
        "findings": [finding.to_dict() for finding in report.findings],
    }
    if report.cues is not None:
        # A run knows no categories, so the pixels decide.
        found = classify_cues(report.cues, "", {}, ClassificationParams())
        name = convention.parse(source.name)
        if name is not None:
            bucket = bucket_of(name.category)
            told |= {"bucket": bucket, "workflow": WORKFLOW_OF[bucket]}
        told["hybrid"] = assess(made.photo).to_dict()
        told |= {"lane": report.suggested_lane, "class": found.to_dict(), "lighting": list(report.cues.lighting)}
    return told


def better_reason(error: Exception, source: Path, reception: Reception, channel: ChannelSpec) -> Exception:
    """Return what to tell of a photo that came to nothing: the photo's own fault, where it has one that explains it.

    "No product was found" says little of a blank picture or one of a single pixel. The file is looked at once more.
    """
    if not isinstance(error, StageFailed) or error.code == "not_written":
        return error
    try:
        report = inspect(source, reception.profile_for(channel), source.name)
    except Exception:  # noqa: BLE001 - what went wrong first is told
        return error
    if report.code not in _EXPLAINS:
        return error
    return InputRejected(f"{error} {report.reason}", code=report.code)
