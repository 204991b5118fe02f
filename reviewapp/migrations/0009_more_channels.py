"""Channels and rules that came after the first seeding, for databases made before (services/seeds.py says which)."""

from __future__ import annotations

from typing import Any

from django.db import migrations


def add_channels(apps: Any, schema_editor: Any) -> None:
    """Add what is missing; what a person saved stays as it is."""
    from reviewapp.services import seeds

    seeds.seed_channels(apps)


class Migration(migrations.Migration):
    """Data only."""

    dependencies = [("reviewapp", "0008_rendition_part")]

    operations = [migrations.RunPython(add_channels, migrations.RunPython.noop)]
