"""The newest results are read in their index alone (docs/performance.md)."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reviewapp", "0038_first_letters")]

    operations = [
        migrations.RemoveIndex(model_name="qualityreport", name="quality_created"),
        migrations.AddIndex(
            model_name="qualityreport",
            index=models.Index(
                fields=["created_at", "id", "routing", "total", "policy", "run"], name="quality_created"
            ),
        ),
    ]
