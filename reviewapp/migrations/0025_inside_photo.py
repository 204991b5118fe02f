from django.db import migrations, models


class Migration(migrations.Migration):
    """REV-15: a photo may name the one that shows its inside label."""

    dependencies = [
        ("reviewapp", "0024_colour_check"),
    ]

    operations = [
        migrations.AddField(
            model_name="sheetrow",
            name="inside",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Path or name, in lower case, of the photo of its inside label (REV-15).",
                max_length=400,
            ),
            preserve_default=False,
        ),
        migrations.AddIndex(
            model_name="sheetrow",
            index=models.Index(fields=["batch", "inside"], name="sheet_row_inside"),
        ),
    ]
