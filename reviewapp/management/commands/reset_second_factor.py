"""`manage.py reset_second_factor NAME`: for the admin who lost phone and codes, and is the only one."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from reviewapp.services import second_factors


class Command(BaseCommand):
    """Takes somebody's second factors away and ends their sessions; that is in the audit log."""

    help = "Take somebody's second factors away: phone and recovery codes are lost."

    def add_arguments(self, parser: CommandParser) -> None:
        """Whose."""
        parser.add_argument("name", help="the name the person signs in with")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print how many there were."""
        person = User.objects.filter(username=options["name"]).first()
        if person is None:
            raise CommandError(f"Nobody is called {options['name']}.")
        count = second_factors.reset(person, None)
        self.stdout.write(f"{count} factors of {person.username} are gone." if count else "There was none.")
