"""`manage.py restore FOLDER`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from reviewapp.services import backups, checking, restoring


class Command(BaseCommand):
    """Stop the product first. Exit status 1: restored, but something of it is missing or damaged."""

    help = "Put a backup's database and files in place, check every hash, migrate, and make open work ready to go on."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where from."""
        parser.add_argument("folder", type=Path)
        parser.add_argument("--snapshot", default="", help="the newest, unless one is named")
        parser.add_argument("--force", action="store_true", help="replace what is here")

    def handle(self, *args: Any, **options: Any) -> None:
        """Restore, then hold rows against files once more."""
        try:
            done = restoring.restore(
                options["folder"].absolute(), snapshot=options["snapshot"], is_forced=options["force"]
            )
        except (restoring.RestoreRefused, backups.BackupFailed, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{done.files} files, {done.byte_size} bytes. {done.tasks_released} running tasks are due again, "
            f"{done.leases_ended} reviewers' leases ended, {done.uploads_dropped} uploads under way dropped, "
            f"{done.sessions_ended} sessions ended: everybody signs in again. "
            f"{done.links_ended} clients' links ended: make new ones for those who still need them."
        )
        if done.factors_lost:
            self.stderr.write(
                f"No key here opens {done.factors_lost} authenticator apps or sets of recovery codes: put back the "
                "house's secret_key or SOFTPROOF_FACTOR_KEYS, or these people can't sign in until an admin resets them."
            )
        for key in done.wrong:
            self.stderr.write(f"damaged in the backup: {key}")
        wrong = [
            finding
            for finding in checking.check(checking.Report(), quick=True)
            if finding.kind not in (checking.ORPHAN, checking.TEMPORARY, checking.ORPHAN_PART)
        ]
        for finding in wrong:
            self.stderr.write(str(finding))
        if wrong or done.wrong:
            raise SystemExit(1)
