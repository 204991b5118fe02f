"""`manage.py tidy`: what the sweeper does once a day, now."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from reviewapp.services import upkeep


class Command(BaseCommand):
    """Retention, files nobody names, the trash. Nothing on legal hold is touched; twice does no harm."""

    help = "Remove what is past its days, move files nobody names into the trash, delete what lay there for 30 days."

    def add_arguments(self, parser: CommandParser) -> None:
        """How to say it."""
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it and say what was done."""
        done = asdict(upkeep.daily())
        if options["json"]:
            self.stdout.write(json.dumps(done))
            return
        for name, count in done.items():
            self.stdout.write(f"{name.replace('_', ' ')}: {count}")
