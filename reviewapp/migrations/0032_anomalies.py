from django.db import migrations, models


class Migration(migrations.Migration):
    """REV-18: what is unlike the rest of its batch goes to people; a switch for it, and indexes of its few tasks."""

    dependencies = [
        ("reviewapp", "0031_deliveries_wait"),
    ]

    operations = [
        migrations.AddField(
            model_name="routingpolicy",
            name="review_anomalies",
            field=models.BooleanField(
                default=True,
                help_text="REV-18: a person looks at what is unlike the rest of its batch before it ships.",
            ),
        ),
        migrations.AddIndex(
            model_name="reviewtask",
            index=models.Index(condition=models.Q(reason="anomaly"), fields=["run"], name="review_anomaly"),
        ),
        migrations.AddIndex(
            model_name="reviewtask",
            index=models.Index(condition=models.Q(reason="anomaly"), fields=["created_at"], name="review_anomaly_made"),
        ),
    ]
