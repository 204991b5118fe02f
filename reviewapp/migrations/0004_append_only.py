"""The audit log and the decisions can't be rewritten, not even past the models (OBS-24)."""

from __future__ import annotations

from django.db import migrations

from reviewapp.migrations._append_only import add_triggers, drop_triggers


class Migration(migrations.Migration):
    """Triggers only."""

    dependencies = [("reviewapp", "0003_seed")]

    operations = [migrations.RunPython(add_triggers, drop_triggers)]
