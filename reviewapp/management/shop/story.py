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
from reviewapp.services import canaries, clients, policies_admin, presets, seeds

SMALL_FILL = 0.795
GARISH = 90
RELEASED_ON, STAINED_ON = 1, 2
STAINED_SHARE = 0.8
SAID = (
    "proposal.drafted", "proposal.accepted", "study.started", "study.found", "study.duel_opened", "study.offered",
    "study.closed", "canary.started", "canary.promoted", "canary.rolled_back", "preset.banned", "scope.held",
    "lot.held", "alarm.raised",
)  # fmt: skip
"""What the log says of the loop itself."""
TOLERATED = 0.10
"""What may escape of the warehouse's photos: with lots of two dozen photos two in a hundred can't be proven."""


@dataclass(frozen=True, slots=True)
class Told:
    """How the month went. Rates are shares of judged photos, 0..1."""

    photos: int
    garish: Canary | None
    garish_shipped: int
    held: Scope | None
    lot: Lot | None
    stained_shipped: int
    study: Study | None
    trial: Canary | None
    rate_before: float
    rate_after: float


class Story:
    """The month, day by day. `pace` is how many photos the catalogue sends a day."""

    def __init__(self, floor: Floor, pace: int) -> None:
        self.floor, self.pace = floor, pace
        self.catalogue = self._preset("Catalogue", "geometry.fill_ratio", SMALL_FILL)
        self.lookbook = self._preset("Lookbook")
        self.warehouse = self._preset("Warehouse")
        self.clients = {name: self._client(name, how) for name, how in (
            ("Catalogue", Sampling.SIMPLE), ("Lookbook", Sampling.SIMPLE), ("Warehouse", Sampling.EACH),
        )}  # fmt: skip
        self.lot = max(24, self.pace // 2)
        self.ends: dict[str, int] = {}

    def _preset(self, name: str, path: str = "", value: float = 0.0) -> Preset:
        standard = Preset.objects.select_related("current").get(slug=seeds.STANDARD_SLUG).current
        assert standard is not None
        params = replaced(standard.params, path, value) if path else standard.params
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
            self.floor.batch(self.clients["Lookbook"], self.lookbook, 2 * self.pace)
        if not self._is_over("Warehouse"):
            stained = round(STAINED_SHARE * self.lot) if today >= STAINED_ON else 0
            self.floor.batch(self.clients["Warehouse"], self.warehouse, self.lot, stained=stained)
        self.floor.close_day()

    def _is_over(self, name: str) -> bool:
        """A thread ends the day after its event, so that the month stays short."""
        if name not in self.ends:
            if name == "Lookbook":
                over = Canary.objects.filter(preset=self.lookbook, state=CanaryState.ROLLED_BACK).exists()
            else:
                over = Scope.objects.filter(client=self.clients[name], mode=ScopeMode.HOLD).exists()
            if not over:
                return False
            self.ends[name] = self.floor.calendar.day
        return self.floor.calendar.day > self.ends[name]

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
        stopped = Lot.objects.filter(scope=held).exclude(state=LotState.RELEASED).order_by("pk")
        return Told(
            photos=Asset.objects.count(),
            garish=garish,
            garish_shipped=_shipped(rendition__run__preset_version=garish.version) if garish else 0,
            held=held,
            lot=stopped.first(),
            stained_shipped=_shipped(rendition__asset__filename__contains=eyes.STAINED),
            study=Study.objects.filter(challenger=trial.version).first() if trial else None,
            trial=trial,
            rate_before=_rate(before),
            rate_after=_rate(trial.version) if trial else 1.0,
        )


def run(days: int, seed: int, pace: int, tell: Callable[[str], None]) -> Told:
    """Live through `days` days in the database at hand, which should hold nothing else. `tell` gets the tale.

    `pace`: photos a day of the catalogue; the lookbook sends twice as many, the warehouse half but at least two dozen.
    """
    with calendar.opened() as shop_calendar:
        floor = Floor(shop_calendar, seed, tell)
        seeds.seed()
        floor.hire()
        policies_admin.publish_policy(
            {"tolerated_rate": TOLERATED, "study_min_rejects": 40}, "What the warehouse promised", floor.admin
        )
        story = Story(floor, pace)
        seen = AuditEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        for _day in range(days):
            story.day()
            seen = _read_log(seen, floor)
        return story.told()


def _read_log(after: int, floor: Floor) -> int:
    """Tell what the log says of the loop itself, and return how far it was read."""
    for event in AuditEvent.objects.filter(pk__gt=after).order_by("pk").select_related("actor"):
        after = event.pk
        if event.verb in SAID:
            who = event.actor.username if event.actor else "by itself"
            floor.tell(f"Day {floor.calendar.day:2d}    log: {event.verb} ({who}) {event.note}"[:200].rstrip())
    return after


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


def _fate(trial: Canary) -> str:
    return f"{trial.get_state_display().lower()} after {trial.looks} looks"
