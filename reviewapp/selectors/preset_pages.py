"""The page of one preset: a version's settings beside another's, all versions, and what samples say of each."""

from __future__ import annotations

from dataclasses import dataclass

from reviewapp.models import Preset, PresetProposal, PresetVersion
from reviewapp.policies.learning import ReasonShare
from reviewapp.selectors import presets


@dataclass(frozen=True, slots=True)
class PresetPage:
    """`other` is the version compared with, None when there is only one."""

    version: PresetVersion
    other: PresetVersion | None
    settings: list[presets.Setting]
    versions: list[PresetVersion]
    rates: list[presets.SampleRate]
    reasons: list[ReasonShare]
    proposals: list[PresetProposal]

    @property
    def changed(self) -> list[presets.Setting]:
        return [setting for setting in self.settings if setting.is_changed]


def _numbered(versions: list[PresetVersion], number: str) -> PresetVersion | None:
    return next((one for one in versions if str(one.number) == number), None)


def preset_page(preset: Preset, number: str = "", compare: str = "") -> PresetPage:
    """Read a preset's page. `number` and `compare` are version numbers as typed in the address; unknown ones are void.

    Without them the current version is shown beside the one before. Raises PresetVersion.DoesNotExist without any.
    """
    versions = list(presets.versions_of(preset))
    if not versions:
        raise PresetVersion.DoesNotExist(f"{preset.name} has no version yet.")
    current = next((one for one in versions if one.pk == preset.current_id), versions[0])
    version = _numbered(versions, number) or current
    before = next((one for one in versions if one.number < version.number), None)
    other = _numbered(versions, compare) or before
    return PresetPage(
        version=version,
        other=other,
        settings=presets.settings_of(version, other),
        versions=versions,
        rates=presets.sample_rates(preset),
        reasons=presets.reason_shares(version),
        proposals=list(presets.open_proposals().filter(base__preset=preset)),
    )
