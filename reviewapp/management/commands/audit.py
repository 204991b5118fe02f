"""`manage.py audit verify|seal`: is the audit log as it was written?"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError
from django.utils import timezone

from reviewapp.selectors import seal_check
from reviewapp.services import sealing


class Command(BaseCommand):
    """verify: recomputes the chain; exit status 0 as sealed, 1 something differs, 2 something can't be checked."""

    help = "Recompute the seals over the audit log and the decisions (verify), or seal what is old enough now (seal)."

    def add_arguments(self, parser: CommandParser) -> None:
        """What to do, and what to hold it against."""
        parser.add_argument("what", choices=["verify", "seal"])
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument(
            "--anchor", action="append", default=[], type=Path, metavar="FILE",
            help="also hold it against the heads in this file: an anchor file or a log kept elsewhere",
        )  # fmt: skip
        parser.add_argument("--margin", type=int, default=60, help="seal: leave what is younger than so many seconds")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it."""
        if options["what"] == "seal":
            made = sealing.seal_all(timedelta(seconds=max(0, options["margin"])))
            self.stdout.write(json.dumps({"seals": made}) if options["json"] else f"{made} seals made.")
            return
        anchors: list[Path] = list(options["anchor"])
        kept = settings.AUDIT_ANCHOR
        if kept is not None and kept.exists():
            anchors.insert(0, kept)
        try:
            report = seal_check.check(settings.AUDIT_KEYS, anchors)
        except DatabaseError as error:
            self.stderr.write(f"The database can't be read: {error}")
            raise SystemExit(2) from error
        self._say(report, as_json=options["json"])
        if report.exit_code:
            raise SystemExit(report.exit_code)

    def _say(self, report: seal_check.Report, *, as_json: bool) -> None:
        age = (timezone.now() - report.oldest_unsealed).total_seconds() if report.oldest_unsealed else 0
        if as_json:
            said = asdict(report) | {"oldest_unsealed_s": round(age), "exit_code": report.exit_code}
            said["oldest_unsealed"] = report.oldest_unsealed.isoformat() if report.oldest_unsealed else None
            self.stdout.write(json.dumps(said))
            return
        for one in (*report.problems, *report.unchecked):
            ids = f" (ids {', '.join(map(str, one.ids))})" if one.ids else ""
            self.stdout.write(f"{one.kind.upper()}: {one.text}{ids}")
        self.stdout.write(
            f"{report.seals} seals hold {report.rows} rows, {report.late} of them came late; "
            f"{report.unsealed} not sealed yet, the oldest for {round(age)} s."
        )
        self.stdout.write(f"{report.unsigned} seals without a key; {report.anchors} heads held against files outside.")
        words = {0: "All is as it was sealed.", 1: "Something was changed.", 2: "Not everything could be checked."}
        self.stdout.write(words[report.exit_code])
