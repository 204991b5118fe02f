"""The rows a fresh installation starts with (services/seeds.py says which)."""

from __future__ import annotations

from typing import Any

from django.db import migrations


def add_seeds(apps: Any, schema_editor: Any) -> None:
    """Add what is missing; the module is imported here so that loading migrations stays cheap."""
    from reviewapp.services import seeds

    seeds.seed(apps)


class Migration(migrations.Migration):
    """Data only."""

    dependencies = [("reviewapp", "0002_sheets")]

    operations = [migrations.RunPython(add_seeds, migrations.RunPython.noop)]
