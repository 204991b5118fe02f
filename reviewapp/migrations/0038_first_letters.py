"""An index for one or two letters on SQLite (docs/performance.md)."""

from __future__ import annotations

from django.db import migrations

from reviewapp.migrations import _counted


class Migration(migrations.Migration):
    dependencies = [("reviewapp", "0037_edits_counted")]

    operations = [migrations.RunPython(_counted.search_anew, migrations.RunPython.noop)]
