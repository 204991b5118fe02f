"""`manage.py export_labels`: what people decided, as a labelled set with a fixed split (FBK-12)."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandParser

from reviewapp.selectors import labels
from reviewapp.services import audit


class Command(BaseCommand):
    """One JSON object per decision in force. Photos of one product always fall into the same part."""

    help = "Export decisions as a labelled set (JSON lines) with a fixed train/holdout split. Demo photos are left out."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to, and whether the demo's rendered photos come along."""
        parser.add_argument("out", nargs="?", default="-", help="a file, or - for the terminal")
        parser.add_argument("--with-demo", action="store_true", help="photos of demo batches too (they are rendered)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the lines; the counts go to stderr."""
        if options["out"] == "-":
            counts = self._write(sys.stdout, options["with_demo"])
        else:
            with Path(options["out"]).open("w", encoding="utf-8") as file:
                counts = self._write(file, options["with_demo"])
        audit.record("labels.exported", None, after={**counts, "with_demo": options["with_demo"]})
        self.stderr.write(f"{counts['train']} train, {counts['holdout']} holdout")

    def _write(self, target: TextIO, with_demo: bool) -> Counter[str]:
        counts: Counter[str] = Counter()
        for row in labels.rows(with_demo=with_demo):
            counts[row["split"]] += 1
            target.write(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n")
        return counts
