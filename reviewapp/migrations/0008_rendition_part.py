from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('reviewapp', '0007_category_presets'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='rendition',
            name='rendition_run_channel',
        ),
        migrations.AddField(
            model_name='rendition',
            name='part',
            field=models.CharField(blank=True, max_length=60),
        ),
        migrations.AddConstraint(
            model_name='rendition',
            constraint=models.UniqueConstraint(fields=('run', 'channel', 'part'), name='rendition_run_channel_part'),
        ),
    ]
