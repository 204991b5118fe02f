"""`manage.py verify`: rows against files."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from reviewapp.models import Batch
from reviewapp.services import checking, repairing


class Command(BaseCommand):
    """Exit status 0: clean. 1: something was found and not put right. 2: could not check. The line may go on."""

    help = "Hold every row that names a file against the files: missing, damaged, left over, half written."

    def add_arguments(self, parser: CommandParser) -> None:
        """What to look at, what to do about it, how to say it."""
        parser.add_argument("--json", action="store_true", help="one JSON document instead of lines")
        parser.add_argument("--quick", action="store_true", help="presence and sizes only; no file is read")
        parser.add_argument("--batch", type=int, help="only this batch's rows; nothing left over is looked for")
        parser.add_argument(
            "--repair",
            nargs="+",
            default=[],
            choices=repairing.WAYS,
            help="restore: back from the trash; remake: results and channel files again from the original; "
            "mark: photos whose original is gone fail, so that people see it; leftovers: into the trash",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Say what is wrong as it is found."""
        batch = None
        if options["batch"] is not None:
            batch = Batch.objects.filter(pk=options["batch"]).first()
            if batch is None:
                raise CommandError(f"There is no batch {options['batch']}.", returncode=2)
        report = checking.Report()
        try:
            left = self._say(report, batch, options)
        except (DatabaseError, OSError) as error:
            raise CommandError(f"Could not check: {error}", returncode=2) from error
        if left:
            raise SystemExit(1)

    def _say(self, report: checking.Report, batch: Batch | None, options: dict[str, Any]) -> int:
        """Print every finding; returns how many are still wrong."""
        as_json, left, is_first = options["json"], 0, True
        if as_json:
            self.stdout.write('{"findings": [', ending="")
        for finding in checking.check(report, quick=options["quick"], batch=batch):
            repaired = repairing.repair(finding, options["repair"]) if options["repair"] else ""
            left += not repaired or repaired.endswith("marked")
            if as_json:
                start = "\n" if is_first else ",\n"
                self.stdout.write(start + json.dumps({**asdict(finding), "repaired": repaired}), ending="")
            else:
                self.stdout.write(f"{finding}{f' - {repaired}' if repaired else ''}")
            is_first = False
        if as_json:
            self.stdout.write('],\n"report": ' + json.dumps({**asdict(report), "left": left}) + "}")
        else:
            found = sum(report.found.values())
            said = f"{found} found, {left} left" if found else "clean"
            looked = f"{report.rows} rows, {report.files} files, {report.byte_size} bytes, {report.hashed} hashed"
            self.stdout.write(f"{said}: {looked}")
        return left
