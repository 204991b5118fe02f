"""`manage.py purge_client SLUG`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from reviewapp.models import Client
from reviewapp.selectors import files
from reviewapp.services import purging


class Command(BaseCommand):
    """Without --yes it only says what would go. Exit status 1: a file that had to go is still there."""

    help = "Delete one client's files and personal data, keep counts without a name, and prove what went."

    def add_arguments(self, parser: CommandParser) -> None:
        """Whose, whether really, and where the proof goes."""
        parser.add_argument("slug")
        parser.add_argument("--yes", action="store_true", help="really do it; it can't be undone")
        parser.add_argument("--report", type=Path, help="write the proof there, as JSON: every key and its SHA-256")
        parser.add_argument("--despite-hold", action="store_true")
        parser.add_argument("--despite-work", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuse, tell, or purge."""
        client = Client.objects.filter(slug=options["slug"]).first()
        if client is None:
            raise CommandError(f"There is no client {options['slug']}.")
        despite = {"despite_hold": options["despite_hold"], "despite_work": options["despite_work"]}
        if not options["yes"]:
            self._tell(client, purging.hindrances(client, **despite))
            return
        try:
            done = purging.purge(client, **despite)
        except purging.PurgeRefused as refused:
            raise CommandError(str(refused)) from refused
        if options["report"] is not None:
            options["report"].write_text(json.dumps(done.to_dict(), indent=1), encoding="utf-8")
        by_outcome: dict[str, int] = {}
        for one in done.files:
            by_outcome[one.outcome] = by_outcome.get(one.outcome, 0) + 1
        for outcome, count in sorted(by_outcome.items()):
            self.stdout.write(f"{count} files {outcome}")
        for name, before in done.before.items():
            self.stdout.write(f"{name}: {before} rows before, {done.after[name]} after")
        self.stdout.write(
            f"Stays in append-only tables: {json.dumps(done.stays)}. Backups made before still have it all."
        )
        if not done.is_proven:
            raise SystemExit(1)

    def _tell(self, client: Client, reasons: list[str]) -> None:
        rows = sum(1 for _ in files.named(client=client))
        self.stdout.write(f"{client.name}: {rows} claims on files, {sum(purging.counts(client).values())} rows.")
        for reason in reasons:
            self.stdout.write(reason)
        self.stdout.write("Nothing was done; say --yes to purge.")
