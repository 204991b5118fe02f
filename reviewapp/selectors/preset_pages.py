"""The page of one preset: a version's settings beside another's, all versions, and what samples say of each."""

from __future__ import annotations

from dataclasses import dataclass

from reviewapp.enums import LifeState
from reviewapp.models import Canary, LearningAlarm, Preset, PresetLife, PresetLock, PresetProposal, PresetVersion
from reviewapp.policies.learning import ReasonShare
from reviewapp.selectors import presets
from reviewapp.selectors.alarms import open_learning_alarms
from reviewapp.selectors.preset_trends import Week, weeks_of


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
    life: PresetLife | None
    trial: Canary | None
    lock: PresetLock | None
    alarms: list[LearningAlarm]
    weeks: list[Week]

    @property
    def is_draft(self) -> bool:
        """A version nobody has used yet: it may go on trial."""
        return self.life is not None and self.life.state in (LifeState.DRAFT, LifeState.OFFERED)

    @property
    def last_week(self) -> Week | None:
        """The latest week in which somebody judged a photo of the shown version."""
        return next((week for week in reversed(self.weeks) if week.judged), None)

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
        life=PresetLife.objects.select_related("parent", "activated_by").filter(version=version).first(),
        trial=Canary.objects.select_related("version", "parent").filter(preset=preset, state="running").first(),
        lock=PresetLock.objects.select_related("locked_by").filter(preset=preset).first(),
        alarms=open_learning_alarms(preset),
        weeks=weeks_of(version),
    )
