"""`manage.py backup FOLDER`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from reviewapp.services import backups


class Command(BaseCommand):
    """The line goes on meanwhile. Exit status 1: made, but files that the database names are missing or damaged."""

    help = "Back up the database and every file it names into a folder; run again, it copies only what is new."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to, and how many snapshots stay."""
        parser.add_argument("folder", type=Path)
        parser.add_argument("--link", action="store_true", help="link files instead of copying them (same disk only)")
        parser.add_argument("--keep", type=int, help="delete older snapshots, and files that none of these names")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it and say where it is."""
        folder: Path = options["folder"].absolute()
        try:
            made = backups.backup(folder, is_linked=options["link"])
            gone = backups.prune(folder, options["keep"]) if options["keep"] else 0
        except (backups.BackupFailed, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{made.snapshot}: {made.files} files, {made.copied} of them new, {made.byte_size} bytes")
        if gone:
            self.stdout.write(f"{gone} files that no kept snapshot names were deleted")
        self.stdout.write("Not in it: SECRET_KEY and other secrets, model weights, uploads under way.")
        for key in made.lost:
            self.stderr.write(f"missing or damaged, not in the backup: {key}")
        if made.lost:
            raise SystemExit(1)
