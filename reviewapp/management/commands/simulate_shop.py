"""`manage.py simulate_shop`: a month at the shop, told day by day."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from reviewapp.management.shop import story

OWN = "SOFTPROOF_SHOP"
"""Set in the process that lives in a data folder of its own."""


class Command(BaseCommand):
    """Days of the whole quality loop on the real application: database, tasks, photos; people's eyes are scripted."""

    help = "Live through a month of the quality loop in a data folder of its own, and tell how it went."

    def add_arguments(self, parser: CommandParser) -> None:
        """How long, which luck, how busy."""
        parser.add_argument("--days", type=int, default=30)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--pace", type=int, default=story.Month().pace, help="photos a day of the catalogue")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it in a folder that is thrown away: nothing of the installation is read or changed."""
        if os.environ.get(OWN) != "1":
            self._apart(options)
            return
        call_command("migrate", verbosity=0)
        month = story.Month(days=options["days"], seed=options["seed"], pace=options["pace"])
        told = story.run(month, self.stdout.write)
        for line in story.summed_up(told):
            self.stdout.write(line)
        missing = story.not_as_told(told)
        for line in missing:
            self.stderr.write(line)
        if missing:
            raise SystemExit(1)

    def _apart(self, options: dict[str, Any]) -> None:
        with tempfile.TemporaryDirectory(prefix="softproof-shop-") as folder:
            outside = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "STORAGE_URL")}
            own = {
                OWN: "1",
                "SOFTPROOF_DATA": folder,
                "REDIS_URL": "none",
                "OMP_NUM_THREADS": "1",
                "LOG_LEVEL": "ERROR",
            }
            words = [f"--{name}={options[name]}" for name in ("days", "seed", "pace")]
            command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "simulate_shop", *words]
            if subprocess.run(command, env={**outside, **own}, check=False).returncode:
                raise SystemExit(1)
