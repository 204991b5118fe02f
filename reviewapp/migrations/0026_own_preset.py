import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """CLS-17: a preset version chosen for one photo. A nullable column: no table is made anew, no trigger is lost."""

    dependencies = [
        ("reviewapp", "0025_inside_photo"),
    ]

    operations = [
        migrations.AddField(
            model_name="asset",
            name="own_preset",
            field=models.ForeignKey(
                blank=True,
                help_text="A manager's choice for this photo alone, before its category's and its batch's (CLS-17).",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="reviewapp.presetversion",
            ),
        ),
    ]
