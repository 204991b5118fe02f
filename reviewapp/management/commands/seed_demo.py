"""`manage.py seed_demo`: roles, demo accounts, demo batch. Every part can be run again without harm."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from reviewapp.services import demo, people


class Command(BaseCommand):
    """With no option: accounts and batch (roles come with the accounts)."""

    help = "Make the roles, the demo accounts (passwords are printed once) and the demo batch."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the parts."""
        parser.add_argument("--roles", action="store_true", help="only the five roles")
        parser.add_argument("--accounts", action="store_true", help="one account per role")
        parser.add_argument("--batch", action="store_true", help="the demo client's batch")
        folder = Path(settings.BASE_DIR) / "demo"
        parser.add_argument("--folder", type=Path, default=folder, help="where the photos are")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do the parts asked for."""
        is_all = not (options["roles"] or options["accounts"] or options["batch"])
        if options["roles"]:
            people.seed_roles()
        if options["accounts"] or is_all:
            self._accounts()
        if options["batch"] or is_all:
            self._batch(options["folder"])

    def _accounts(self) -> None:
        made = people.seed_demo_accounts()
        if not made:
            return
        self.stdout.write("Demo accounts. The passwords are shown this once:")
        for account in made:
            self.stdout.write(f"  {account.username:<10} {account.password}")

    def _batch(self, folder: Path) -> None:
        try:
            report = demo.seed_demo_batch(folder)
        except demo.DemoMissing as error:
            raise CommandError(str(error)) from error
        if not report.is_filled_now:
            self.stdout.write(f"The demo batch is there: {report.batch}.")
            return
        said = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in sorted(report.counts.items()))
        self.stdout.write(f"Demo batch {report.batch}: {said}.")
