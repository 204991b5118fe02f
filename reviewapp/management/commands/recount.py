"""`manage.py recount`: hold the running counts against what they count."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from reviewapp.selectors import tallies as selectors
from reviewapp.services import tallies


class Command(BaseCommand):
    """Counts everything anew and puts right what differs; exit status 1 when anything did. People may go on working."""

    help = "Hold the running counts against what they count, and put them right."

    def add_arguments(self, parser: CommandParser) -> None:
        """Look only, or mend."""
        parser.add_argument("--check", action="store_true", help="say what differs and change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print one line per difference."""
        wrong = selectors.drift() if options["check"] else tallies.recount()
        for one in wrong:
            place = f" of batch {one.batch_id}" if one.batch_id else ""
            self.stdout.write(f"{one.kind} {one.key}{place}: kept {one.kept}, counted {one.counted}")
        self.stdout.write(f"{len(wrong)} counts differed." if wrong else "Every count is right.")
        if wrong:
            raise SystemExit(1)
