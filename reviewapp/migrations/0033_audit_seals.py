from django.db import migrations, models

from reviewapp.migrations._append_only import guard, unguard

TABLE = "reviewapp_auditseal"


def add_trigger(apps, schema_editor):
    guard(schema_editor, TABLE)


def drop_trigger(apps, schema_editor):
    unguard(schema_editor, TABLE)


class Migration(migrations.Migration):
    """OBS-24: the chain of seals over the audit log and the decisions."""

    dependencies = [
        ("reviewapp", "0032_anomalies"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveBigIntegerField(help_text="1, 2, 3, … without a gap.", unique=True)),
                ("stream", models.CharField(help_text="Which table: events or decisions.", max_length=12)),
                ("layout", models.TextField(help_text="The columns that were hashed, as they were called then.")),
                ("after_id", models.BigIntegerField()),
                ("last_id", models.BigIntegerField()),
                ("is_late", models.BooleanField(default=False)),
                ("count", models.PositiveIntegerField()),
                ("members", models.BinaryField(help_text="Per row its id and the first 8 bytes of its hash.")),
                ("leaves", models.CharField(help_text="Hash of all rows' hashes.", max_length=64)),
                ("previous", models.CharField(max_length=64)),
                ("digest", models.CharField(max_length=64)),
                ("key_id", models.CharField(blank=True, help_text="Which key closed it; empty: none.", max_length=12)),
                ("made_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["number"],
                "indexes": [models.Index(fields=["stream", "-number"], name="audit_seal_stream")],
            },
        ),
        migrations.RunPython(add_trigger, drop_trigger),
    ]
