"""`manage.py seed`: add the rules, preset, policy and channels that are missing."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from reviewapp.services import seeds


class Command(BaseCommand):
    """Safe to run at any time: what is there is left alone."""

    help = "Add the category rules, the standard preset, the first policy and the channels that are missing."

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed and say what was added."""
        added = seeds.seed()
        self.stdout.write(
            f"Added {added.rules} category rules, {added.presets} presets, {added.policies} policies, "
            f"{added.channels} channels."
        )
