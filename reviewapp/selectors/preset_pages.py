"""The page of one preset: a version's settings beside another's, all versions, and what samples say of each."""

from __future__ import annotations

from dataclasses import dataclass

from reviewapp.enums import LifeState
from reviewapp.models import Canary, LearningAlarm, Preset, PresetLife, PresetLock, PresetProposal, PresetVersion
from reviewapp.policies.learning import ReasonShare
from reviewapp.selectors import presets
from reviewapp.selectors.alarms import open_learning_alarms
from reviewapp.selectors.pages import Page, keyset_by
from reviewapp.selectors.preset_trends import Week, weeks_of

PAGE = 20
OPEN = 5
"""Open proposals that are named; the list of proposals has the rest."""


@dataclass(frozen=True, slots=True)
class PresetPage:
    """`other` is the version compared with, None when there is only one."""

    version: PresetVersion
    other: PresetVersion | None
    settings: list[presets.Setting]
    versions: Page[PresetVersion]
    rates: Page[PresetVersion]
    rate_rows: list[presets.SampleRate]
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


def version_page(preset: Preset, cursor: str = "") -> Page[PresetVersion]:
    """One page of a preset's versions, newest first, with how many batches pinned each; one query."""
    return keyset_by(presets.versions_of(preset), ("-number",), cursor, PAGE)


def rate_page(preset: Preset, cursor: str = "") -> tuple[Page[PresetVersion], list[presets.SampleRate]]:
    """One page of versions with what blind samples say of each; three queries."""
    page: Page[PresetVersion] = keyset_by(PresetVersion.objects.filter(preset=preset), ("-number",), cursor, PAGE)
    return page, presets.sample_rates(page.rows)


def _numbered(preset: Preset, number: str) -> PresetVersion | None:
    # Ten digits and more are no number of ours, and no integer of the database.
    return _one(preset, number=int(number)) if number.isdecimal() and len(number) < 10 else None


def _one(preset: Preset, **wanted: int) -> PresetVersion | None:
    found = PresetVersion.objects.filter(preset=preset, **wanted).select_related("preset", "created_by")
    return found.order_by("-number").first()


def shown_version(preset: Preset, number: str = "") -> PresetVersion:
    """The version typed in the address, else the current one, else the newest. Raises PresetVersion.DoesNotExist."""
    version = _numbered(preset, number) or _one(preset, pk=preset.current_id or 0) or _one(preset)
    if version is None:
        raise PresetVersion.DoesNotExist(f"{preset.name} has no version yet.")
    return version


def is_on_trial(preset: Preset) -> bool:
    """Whether one of its versions is on trial: then none can be made current."""
    return Canary.objects.filter(preset=preset, state="running").exists()


def preset_page(
    preset: Preset, number: str = "", compare: str = "", *, versions: str = "", rates: str = ""
) -> PresetPage:
    """Read a preset's page. `number` and `compare` are version numbers as typed in the address; unknown ones are void.

    Without them the current version is shown beside the one before. `versions` and `rates` are where those lists go on.
    Raises PresetVersion.DoesNotExist without any version.
    """
    version = shown_version(preset, number)
    other = _numbered(preset, compare) or _one(preset, number__lt=version.number)
    rated, rate_rows = rate_page(preset, rates)
    return PresetPage(
        version=version,
        other=other,
        settings=presets.settings_of(version, other),
        versions=version_page(preset, versions),
        rates=rated,
        rate_rows=rate_rows,
        reasons=presets.reason_shares(version),
        proposals=list(presets.open_proposals().filter(base__preset=preset)[:OPEN]),
        life=PresetLife.objects.select_related("parent", "activated_by").filter(version=version).first(),
        trial=Canary.objects.select_related("version", "parent").filter(preset=preset, state="running").first(),
        lock=PresetLock.objects.select_related("locked_by").filter(preset=preset).first(),
        alarms=open_learning_alarms(preset),
        weeks=weeks_of(version),
    )
