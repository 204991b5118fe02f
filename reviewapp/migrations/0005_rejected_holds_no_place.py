"""A rejected file holds no place in its batch: the same bytes may come again under a name that is right."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """The one constraint, made anew."""

    dependencies = [("reviewapp", "0004_append_only")]

    operations = [
        migrations.RemoveConstraint(model_name="asset", name="asset_once_per_batch"),
        migrations.AddConstraint(
            model_name="asset",
            constraint=models.UniqueConstraint(
                fields=["batch", "sha256"],
                condition=models.Q(duplicate_of__isnull=True) & ~models.Q(state="rejected_intake"),
                name="asset_once_per_batch",
            ),
        ),
    ]
