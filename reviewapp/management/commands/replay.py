"""`manage.py replay`: two preset versions on stored photos, side by side (FBK-11)."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from reviewapp.services import comparison

REFUSED, WORSE = 2, 3


class Command(BaseCommand):
    """Runs the latest photos with both versions and prints what differs; stores nothing. Exit 3: B is worse."""

    help = "Compare two preset versions on stored photos: scores, measures, mattes and colours. Nothing is stored."

    def add_arguments(self, parser: CommandParser) -> None:
        """Versions as slug or slug:number."""
        parser.add_argument("--preset", required=True, help="A: slug of a preset (its current version) or slug:number")
        parser.add_argument("--against", required=True, help="B: the version it is compared with")
        parser.add_argument("--n", type=int, default=20, help="how many of the latest photos (20)")
        parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compare; exit 0 when B is no worse, 3 when it is, 2 when nothing could be compared."""
        if options["n"] < 1:
            raise CommandError("--n must be at least 1.", returncode=REFUSED)
        try:
            versions = [comparison.version_named(options[name]) for name in ("preset", "against")]
            found = comparison.compare(versions[0], versions[1], options["n"])
        except comparison.ComparisonRefused as refused:
            raise CommandError(str(refused), returncode=REFUSED) from refused
        if options["json"]:
            self.stdout.write(json.dumps(found.to_dict()))
        else:
            self._table(found)
        if found.is_worse:
            sys.exit(WORSE)

    def _table(self, found: comparison.Comparison) -> None:
        facts = found.to_dict()
        self.stdout.write(f"A {found.a}   B {found.b}   {len(found.photos)} photos")
        self.stdout.write(f"{'measure':<20}{'A':>10}{'B':>10}{'better':>8}{'worse':>8}  verdict")
        for row in found.measures:
            sides = f"{row.champion:>10.3f}{row.challenger:>10.3f}{row.better:>8}{row.worse:>8}"
            self.stdout.write(f"{row.name:<20}{sides}  {row.verdict}")
        if facts["iou_mean"] is not None:
            self.stdout.write(
                f"overlap of the mattes: {facts['iou_mean']:.4f} on average, {facts['iou_least']:.4f} least"
            )
        if facts["colour"]:
            told = ", ".join(
                f"{100 * at:.0f} % {value:.2f}"
                for at, value in zip(facts["colour_quantiles"], facts["colour"], strict=True)
            )
            self.stdout.write(f"colour difference (CIEDE2000): {told}")
        self.stdout.write("worst for B:")
        for photo in found.photos[: comparison.WORST]:
            scores = " -> ".join(
                "none" if total is None else f"{total:.1f}" for total in (photo.total_a, photo.total_b)
            )
            self.stdout.write(f"  {photo.asset_id:>6} {photo.name:<40} {scores}")
