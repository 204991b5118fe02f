"""A running count of the edit tasks that wait, and an index for what one person has of them (docs/performance.md)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import migrations, models

from reviewapp.migrations import _counted

COUNT = (
    f"SELECT 'edit', a.batch_id, {_counted.EDIT_KEY.format(row='t')}, COUNT(*) FROM {_counted.EDIT} t "
    f"JOIN {_counted.ASSET} a ON a.id = t.asset_id WHERE {_counted.EDITS_WAIT.format(row='t')} GROUP BY 2, 3"
)
EMPTY = "DELETE FROM reviewapp_tally WHERE kind = 'edit'"


def count(apps: Any, schema_editor: Any) -> None:
    """Make the triggers and count what is there; in a new database the triggers are there since 0014."""
    _counted.make(schema_editor, _counted.edit_triggers(schema_editor.connection.vendor))
    schema_editor.execute(EMPTY, params=None)
    schema_editor.execute(_counted.PUT + COUNT, params=None)


def leave(apps: Any, schema_editor: Any) -> None:
    """Count no more."""
    _counted.unmake(schema_editor, _counted.edit_triggers(schema_editor.connection.vendor))
    schema_editor.execute(EMPTY, params=None)


class Migration(migrations.Migration):
    dependencies = [
        ("reviewapp", "0036_outside_identity"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="tally",
            name="kind",
            field=models.CharField(help_text="asset, review, edit, category or score", max_length=8),
        ),
        migrations.AddIndex(
            model_name="edittask",
            index=models.Index(
                condition=models.Q(("state__in", ["open", "claimed", "submitted", "awaiting_signoff"])),
                fields=["editor", "state"],
                name="edit_own",
            ),
        ),
        migrations.RunPython(count, leave),
    ]
