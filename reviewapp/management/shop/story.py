"""A month at the shop, in three threads that run side by side.

Catalogue: its preset frames products too small. People reject, a proposal is drafted, searched, judged in a blind duel,
put on trial by the admin, and fewer photos are rejected.
Lookbook: the admin releases garish colours on a hunch. The score is blind to that; the trial isn't, and takes it back.
Warehouse: each lot is proven. One day stained products arrive; the proof fails, and nothing of that scope ships.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.apps import apps

from reviewapp.enums import CanaryState, LotState, Sampling, ScopeMode, StudyStage, Verdict
from reviewapp.management.shop import calendar, eyes
from reviewapp.management.shop.floor import Floor
from reviewapp.models import (
    Asset,
    AuditEvent,
    Canary,
    Client,
    DeliveryItem,
    Lot,
    Preset,
    PresetVersion,
    Scope,
    Study,
)
from reviewapp.policies.learning import replaced
from reviewapp.selectors.review import photo_decisions
from reviewapp.services import canaries, chance, clients, policies_admin, presets, seeds

SMALL_FILL = 0.775
GARISH = 90
RELEASED_ON, STAINED_ON = 1, 2
EVERY = 2
"""Days between the warehouse's deliveries: one too small to wait for others is proven alone a day later."""
STAINED_SHARE = 0.8
GARISH_A_DAY = 8
"""Photos a day of the lookbook that get the version on trial, about."""
LEAST_LOT = 24
MOST_MISSED = 1
"""Garish photos that may leave: people see all of them, and miss a few faults in a hundred."""
SAID = (
    "proposal.drafted", "proposal.accepted", "study.started", "study.found", "study.duel_opened", "study.offered",
    "study.closed", "canary.started", "canary.promoted", "canary.rolled_back", "preset.banned", "scope.held",
    "lot.held", "alarm.raised",
)  # fmt: skip
"""What the log says of the loop itself."""
NAMED_BY = {
    "presetproposal": "base__preset__name", "study": "replay__base__preset__name", "canary": "preset__name",
    "presetversion": "preset__name", "scope": "client__name", "lot": "scope__client__name",
}  # fmt: skip
TOLERATED = 0.10
"""What may escape of the warehouse's photos: with lots of two dozen photos two in a hundred can't be proven."""


@dataclass(frozen=True, slots=True)
class Told:
    """How the month went. Rates are shares of judged photos, 0..1."""

    days: int
    photos: int
    garish: Canary | None
    garish_shipped: int
    held: Scope | None
    lot: Lot | None
    lot_shipped: int
    stained_shipped: int
    study: Study | None
    trial: Canary | None
    rate_before: float
    rate_after: float


@dataclass(frozen=True, slots=True)
class Month:
    """How long, with which luck, how busy, and the policy of this shop. It is small: a tenth of its products on trial
    would take months to say something; and where the score can tell, a dozen tries over one setting do.

    `pace`: photos a day of the catalogue.
    """

    days: int = 30
    seed: int = 1
    pace: int = 16
    trial_share: float = 0.5
    study_trials: int = 12
    study_min_rejects: int = 40


class Story:
    """The month, day by day."""

    def __init__(self, floor: Floor, month: Month) -> None:
        self.floor, self.pace = floor, month.pace
        self.lookbook_pace = round(GARISH_A_DAY / month.trial_share)
        self.catalogue = self._preset("Catalogue", "geometry.fill_ratio", SMALL_FILL)
        self.lookbook = self._preset("Lookbook")
        self.warehouse = self._preset("Warehouse")
        self.clients = {name: self._client(name, how) for name, how in (
            ("Catalogue", Sampling.SIMPLE), ("Lookbook", Sampling.SIMPLE), ("Warehouse", Sampling.EACH),
        )}  # fmt: skip
        # This client wants people to look at every photo: the score calls a small product on this channel good.
        Client.objects.filter(pk=self.clients["Catalogue"].pk).update(requires_human_colour=True)
        self.lot = max(LEAST_LOT, self.pace // 2)

    def _preset(self, name: str, path: str = "", value: float = 0.0) -> Preset:
        standard = Preset.objects.select_related("current").get(slug=seeds.STANDARD_SLUG).current
        assert standard is not None
        params = replaced(standard.params, "removal.remover", "studio")  # a lit sweep needs no network
        params = replaced(params, path, value) if path else params
        return presets.create_preset(name, "", params, "As the shop has always done it", self.floor.admin)

    def _client(self, name: str, sampling: Sampling) -> Client:
        made = clients.create_client(clients.ClientData(name=name), self.floor.manager)
        Client.objects.filter(pk=made.pk).update(sampling=sampling)
        made.refresh_from_db()
        return made

    def day(self) -> None:
        """One day: what comes in, what the admin does in the morning, and work until the evening."""
        today = self.floor.calendar.day
        if today == RELEASED_ON:
            self._release_garish()
        self._try_what_won()
        self.floor.batch(self.clients["Catalogue"], self.catalogue, self.pace)
        if today >= RELEASED_ON and not self._is_over("Lookbook"):
            self.floor.batch(self.clients["Lookbook"], self.lookbook, self.lookbook_pace)
        if not today % EVERY and not self._is_over("Warehouse"):
            stained = round(STAINED_SHARE * self.lot) if today >= STAINED_ON else 0
            self.floor.batch(self.clients["Warehouse"], self.warehouse, self.lot, stained=stained)
        self.floor.close_day()

    def _is_over(self, name: str) -> bool:
        """A client whose thread has ended sends nothing more, so that the month stays short."""
        if name == "Lookbook":
            return Canary.objects.filter(preset=self.lookbook, state=CanaryState.ROLLED_BACK).exists()
        return Scope.objects.filter(client=self.clients[name], mode=ScopeMode.HOLD).exists()

    def _release_garish(self) -> None:
        current = Preset.objects.select_related("current").get(pk=self.lookbook.pk).current
        assert current is not None
        params = replaced(current.params, "colour.saturation", GARISH)
        garish = presets.create_version(self.lookbook, params, "Colours that jump out", self.floor.admin)
        canaries.start(garish, self.floor.admin, "Colours that jump out sell")
        self._tell(f"Lookbook: {self.floor.admin} puts version {garish.number} with garish colours on trial.")

    def _try_what_won(self) -> None:
        won = Study.objects.filter(stage=StudyStage.OFFERED, challenger__isnull=False).select_related("challenger")
        for study in won:
            assert study.challenger is not None
            try:
                canaries.start(study.challenger, self.floor.admin, "The duel is clear")
            except canaries.CanaryRefused as refused:
                self._tell(f"Catalogue: version {study.challenger.number} has to wait. {refused}")
                continue
            self._tell(
                f"Catalogue: version {study.challenger.number} won its duel ({study.difference:+.2f} defects a photo, "
                f"standard error {study.standard_error:.2f}); {self.floor.admin} puts it on trial."
            )

    def _tell(self, line: str) -> None:
        self.floor.tell(f"Day {self.floor.calendar.day + 1:2d}  {line}")

    def told(self) -> Told:
        """What became of the three threads."""
        trials = Canary.objects.select_related("version", "parent").order_by("pk")
        trial = trials.filter(preset=self.catalogue).first()
        garish = trials.filter(preset=self.lookbook).first()
        held = Scope.objects.filter(client=self.clients["Warehouse"], mode=ScopeMode.HOLD).first()
        before = trial.parent if trial else Preset.objects.get(pk=self.catalogue.pk).current
        lot = Lot.objects.filter(scope=held).exclude(state=LotState.RELEASED).order_by("pk").first() if held else None
        return Told(
            days=self.floor.calendar.day,
            photos=Asset.objects.count(),
            garish=garish,
            garish_shipped=_shipped(rendition__run__preset_version=garish.version) if garish else 0,
            held=held,
            lot=lot,
            lot_shipped=_shipped(rendition__asset__lot_places__lot=lot) if lot else 0,
            stained_shipped=_shipped(rendition__asset__filename__contains=eyes.STAINED),
            study=Study.objects.filter(challenger=trial.version).first() if trial else None,
            trial=trial,
            rate_before=_rate(before),
            rate_after=_rate(trial.version) if trial else 1.0,
        )


def run(month: Month, tell: Callable[[str], None]) -> Told:
    """Live through a month in the database at hand, which should hold nothing else. `tell` gets the tale."""
    with calendar.opened() as shop_calendar, chance.foreseen(month.seed):
        floor = Floor(shop_calendar, month.seed, tell)
        seeds.seed()
        floor.hire()
        policies_admin.publish_policy(
            {
                "tolerated_rate": TOLERATED,
                "study_min_rejects": month.study_min_rejects,
                "study_trials": month.study_trials,
                "trial_share": month.trial_share,
            },
            "What the warehouse promised, and a small shop's trials",
            floor.admin,
            confirmed_by=floor.second,
        )
        story = Story(floor, month)
        seen = AuditEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        for _day in range(month.days):
            story.day()
            seen = _read_log(seen, floor)
        return story.told()


def _read_log(after: int, floor: Floor) -> int:
    """Tell what the log says of the loop itself, and return how far it was read."""
    for event in AuditEvent.objects.filter(pk__gt=after).order_by("pk").select_related("actor"):
        after = event.pk
        if event.verb in SAID:
            who = event.actor.username if event.actor else "by itself"
            about = " ".join(part for part in (_about(event), event.note) if part)
            floor.tell(f"Day {floor.calendar.day:2d}    log: {event.verb} ({who}): {about}"[:200].rstrip())
    return after


def _about(event: AuditEvent) -> str:
    """Whose thread a line of the log belongs to."""
    path = NAMED_BY.get(event.noun)
    if path is None:
        return ""
    found = apps.get_model("reviewapp", event.noun).objects.filter(pk=event.object_id)
    return f"{found.values_list(path, flat=True).first()}."


def _shipped(**which: Any) -> int:
    """How many photos left the house."""
    return DeliveryItem.objects.filter(**which).values("rendition__asset").distinct().count()


def _rate(version: PresetVersion | None) -> float:
    """Share of judged photos of a version that people rejected, results made to compare left out."""
    found = photo_decisions().filter(preset_version=version, verdict__in=[Verdict.APPROVE, Verdict.REJECT])
    total = found.count()
    return found.filter(verdict=Verdict.REJECT).count() / total if total else 0.0


def summed_up(told: Told) -> list[str]:
    """The month in four sentences."""
    lines = [f"{told.photos} photos came in."]
    if told.study is not None and told.trial is not None:
        lines.append(
            f"Catalogue: people rejected {told.rate_before:.0%} of what they saw before, {told.rate_after:.0%} with "
            f"version {told.trial.version.number} ({_fate(told.trial)})."
        )
    if told.garish is not None:
        lines.append(
            f"Lookbook: garish version {told.garish.version.number} was {_fate(told.garish)}; "
            f"{told.garish_shipped} of its photos were delivered."
        )
    if told.held is not None:
        lines.append(
            f"Warehouse: on hold. {told.held.held_reason} {told.stained_shipped} stained photos were delivered."
        )
    return lines


def not_as_told(told: Told) -> list[str]:
    """What didn't end as it should, a sentence each; [] when all three threads came to their end by themselves."""
    checks = (
        (told.trial is not None, f"Catalogue: no proposal won its duel within {told.days} days."),
        (
            told.trial is None or told.trial.state == CanaryState.PROMOTED,
            f"Catalogue: what won its duel was not promoted within {told.days} days.",
        ),
        (
            told.trial is None or told.rate_after < told.rate_before,
            "Catalogue: people reject no less with what won its duel.",
        ),
        (
            told.garish is not None and told.garish.state == CanaryState.ROLLED_BACK,
            f"Lookbook: the garish version was not rolled back within {told.days} days.",
        ),
        (told.garish_shipped <= MOST_MISSED, f"Lookbook: {told.garish_shipped} garish photos were delivered."),
        (told.held is not None, f"Warehouse: its scope was not put on hold within {told.days} days."),
        (
            told.held is None or (told.lot is not None and not told.lot_shipped),
            f"Warehouse: {told.lot_shipped} photos of the held lot were delivered.",
        ),
    )
    return [sentence for is_so, sentence in checks if not is_so]


def _fate(trial: Canary) -> str:
    return f"{trial.get_state_display().lower()} after {trial.looks} looks"
