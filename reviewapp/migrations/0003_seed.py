"""The rows a fresh installation starts with (services/seeds.py says which)."""

from __future__ import annotations

from django.db import migrations

from reviewapp.migrations._rows import add_seeds


class Migration(migrations.Migration):
    """Data only."""

    dependencies = [("reviewapp", "0002_sheets")]

    operations = [migrations.RunPython(add_seeds, migrations.RunPython.noop)]
