"""`manage.py status`: how the line stands."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from reviewapp.selectors import tasks


class Command(BaseCommand):
    """Counts per state, queue depth, oldest waiting task, live workers."""

    help = "Show photos and tasks per state, the queue and the workers."

    def add_arguments(self, parser: CommandParser) -> None:
        """Output format."""
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the status."""
        status = tasks.status()
        if options["json"]:
            self.stdout.write(json.dumps(status))
            return
        for noun in ("assets", "tasks"):
            counts = ", ".join(f"{n} {state.replace('_', ' ')}" for state, n in sorted(status[noun].items()))
            self.stdout.write(f"{noun.capitalize()}: {counts or 'none'}")
        self.stdout.write(f"Waiting: {status['queue_depth']} tasks, the oldest for {status['oldest_waiting_s']} s")
        self.stdout.write(f"Workers: {status['workers']}")
