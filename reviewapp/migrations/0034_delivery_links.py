import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """SEC-14: links to a delivery for people without an account."""

    dependencies = [
        ("reviewapp", "0033_audit_seals"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DeliveryLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "opened_at",
                    models.DateTimeField(blank=True, help_text="When its page was first opened.", null=True),
                ),
                (
                    "downloads",
                    models.PositiveIntegerField(default=0, help_text="Begun, also those that broke off."),
                ),
                (
                    "downloaded_at",
                    models.DateTimeField(blank=True, help_text="When the last one began.", null=True),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="links", to="reviewapp.delivery"
                    ),
                ),
            ],
            options={"ordering": ["-id"]},
        ),
    ]
