"""A run keeps its matte and how its colours were corrected, instead of a second copy of the photo's pixels.

Cut-outs made before stay as they are: their file holds its own transparency, and no matte stands beside it.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reviewapp", "0009_more_channels")]

    operations = [
        migrations.RenameField("processingrun", "cutout_key", "pixels_key"),
        migrations.AddField("processingrun", "alpha_key", models.CharField(blank=True, default="", max_length=200),
                            preserve_default=False),
        migrations.AddField("processingrun", "recipe", models.JSONField(default=dict)),
    ]  # fmt: skip
