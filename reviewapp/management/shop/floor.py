"""The shop floor: clients' batches come in, the line works, people look, the sweeper makes its rounds."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from django.contrib.auth.models import Group, User
from django.db.models import F

from reviewapp.enums import BatchState, Role, TaskState
from reviewapp.jobs import runner
from reviewapp.management.commands.sweep import sweep_once
from reviewapp.management.shop import eyes, pictures
from reviewapp.management.shop.calendar import Calendar
from reviewapp.models import Batch, Client, PersonScope, Preset, Task
from reviewapp.services import delivery, granting, ingest, people

CHANNELS = ("shopify",)
MOST_ROUNDS = 12
"""Sweeps a day at most: each asks for looks that only exist once the looks before were made."""


@dataclass
class Floor:
    """The people, and what a day is made of. `tell` gets a line for everything worth telling."""

    calendar: Calendar
    seed: int
    tell: Callable[[str], None]
    reviewers: list[User] = field(default_factory=list)
    admin: User = field(default_factory=User)
    second: User = field(default_factory=User)
    manager: User = field(default_factory=User)
    sent: int = 0

    def hire(self) -> None:
        """Six reviewers (a new scope's lot may need four to be proven), a manager, two admins."""
        people.seed_roles()
        self.admin = User.objects.create(username="shop-ada")
        PersonScope.objects.create(user=self.admin, all_clients=True)
        self.admin.groups.add(Group.objects.get(name=Role.ADMIN))  # the first one: after that admins make people
        self.second = self._person("ben", Role.ADMIN)
        self.manager = self._person("mia", Role.MANAGER)
        names = ("rosa", "remy", "ruth", "rene", "rick", "rhea")
        self.reviewers = [self._person(name, Role.REVIEWER) for name in names]

    def _person(self, name: str, role: Role) -> User:
        made = User.objects.create(username=f"shop-{name}")
        people.set_roles(made, [role], self.admin)
        granting.grant(made, granting.EVERY_CLIENT, self.admin)
        return made

    def batch(self, client: Client, preset: Preset, count: int, *, stained: int = 0) -> Batch:
        """Send `count` new photos of a client as one batch, the first `stained` of them of stained products."""
        preset.refresh_from_db()
        assert preset.current is not None
        made = ingest.create_batch(
            client, f"{client.name}, day {self.calendar.day}", preset_version=preset.current, channel_keys=CHANNELS,
            actor=self.manager, validation_profile="basic-500",
        )  # fmt: skip
        for number in range(count):
            self.sent += 1
            word = f"-{eyes.STAINED}" if number < stained else ""
            data = pictures.photo(self.seed * 1_000_000 + self.sent)
            row = ingest.CsvRow(f"{self.sent:06d}{word}.jpg", sku=f"S{self.sent:06d}", category="mug")
            ingest.register_upload(made, [data], row.file, row, self.manager)
        ingest.close_batch(made, self.manager)
        return made

    def close_day(self) -> None:
        """Work until nothing is left to do, then it is tomorrow."""
        for _round in range(MOST_ROUNDS):
            done = self._tasks() + eyes.work(self.reviewers)
            sweep_once(look_over_batches=True)
            if not done and not Task.objects.filter(state__in=[TaskState.PENDING, TaskState.RUNNING]).exists():
                break
        self._deliver()
        self.calendar.next_day()

    def _deliver(self) -> None:
        """Hand over what is ready, as the manager does in the evening."""
        for batch in Batch.objects.filter(state=BatchState.READY):
            with contextlib.suppress(delivery.DeliveryHeld):
                delivery.release(batch, self.manager, at_once=True)

    def _tasks(self) -> int:
        """Do all that waits for a worker. A retry's pause is not waited for: a day is over in a second."""
        done = 0
        Task.objects.filter(state=TaskState.PENDING).update(available_at=F("created_at"))
        while (task := Task.objects.filter(state=TaskState.PENDING).order_by("priority", "id").first()) is not None:
            runner.run_one(task.pk)
            done += 1
        return done
