from django.db import migrations, models

from reviewapp.migrations._append_only import keep


class Migration(migrations.Migration):
    """REV-11: who wants the colour checked against the product, and that somebody did."""

    dependencies = [
        ("reviewapp", "0023_pilot"),
    ]

    operations = [
        migrations.AddField(
            model_name="categoryrule",
            name="checks_colour",
            field=models.BooleanField(default=False, help_text="As the client's flag, for one category (REV-11)."),
        ),
        migrations.AddField(
            model_name="client",
            name="checks_colour",
            field=models.BooleanField(
                default=False, help_text="Nobody approves a photo before its colour was checked against the product."
            ),
        ),
        migrations.RunPython(migrations.RunPython.noop, keep),
        migrations.AddField(
            model_name="reviewdecision",
            name="colour_checked",
            field=models.BooleanField(
                default=False,
                help_text="The reviewer ticked that the colour was held against the product itself (REV-11).",
            ),
        ),
        migrations.RunPython(keep, migrations.RunPython.noop),
    ]
