from django.db import migrations, models


class Migration(migrations.Migration):
    """What somebody must look into, by batch: the batch list asks it of every batch. An index alone, no table is made anew."""

    dependencies = [
        ("reviewapp", "0026_own_preset"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="asset",
            index=models.Index(
                condition=models.Q(state="failed") & ~models.Q(state_code="given_up"),
                fields=["batch"],
                name="asset_failed_open",
            ),
        ),
    ]
