import uuid
from datetime import timedelta

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.utils import timezone


def fill(apps, schema_editor):
    """What was delivered before had no grace period: it was handed over when it was made. Nobody loses an edit."""
    deliveries = apps.get_model("reviewapp", "Delivery").objects.exclude(state="waiting")
    deliveries.update(handed_over_at=models.F("created_at"), opens_at=models.F("created_at"))
    taken = apps.get_model("reviewapp", "EditTask").objects.filter(state="claimed")
    taken.update(lease_until=timezone.now() + timedelta(hours=24))


class Migration(migrations.Migration):
    """Deliveries wait and can be called back, clients are told of them, edits are lent for a time."""

    dependencies = [
        ("reviewapp", "0030_who_sees_what"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="OutboundMessage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("event_id", models.UUIDField(default=uuid.uuid4, editable=False, help_text="The same at every try.")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("delivery.ready", "Delivery ready"),
                            ("delivery.recalled", "Delivery called back"),
                            ("batch.completed", "Batch completed"),
                            ("batch.failed_photos", "Photos failed"),
                            ("test", "Test"),
                        ],
                        max_length=24,
                    ),
                ),
                (
                    "key",
                    models.CharField(
                        help_text="What makes it this message: written once.", max_length=300, unique=True
                    ),
                ),
                ("channel", models.CharField(choices=[("webhook", "Webhook"), ("email", "E-mail")], max_length=8)),
                ("target", models.CharField(max_length=500)),
                ("body", models.JSONField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "To be sent"),
                            ("sending", "Being sent"),
                            ("sent", "Sent"),
                            ("dead", "Given up"),
                            ("recalled", "Taken back"),
                        ],
                        default="pending",
                        max_length=8,
                    ),
                ),
                ("is_withdrawn", models.BooleanField(default=False)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("max_attempts", models.PositiveSmallIntegerField(default=10)),
                ("token", models.PositiveIntegerField(default=0)),
                ("owner", models.CharField(blank=True, max_length=80)),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("available_at", models.DateTimeField()),
                (
                    "error_category",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("network_errors", "Network"),
                            ("processing_errors", "Processing"),
                            ("validation_errors", "Validation"),
                            ("unknown_errors", "Unknown"),
                        ],
                        max_length=20,
                    ),
                ),
                ("error_code", models.CharField(blank=True, max_length=60)),
                ("error_text", models.CharField(blank=True, max_length=500)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="WebhookSecret",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("secret", models.CharField(max_length=80)),
                ("made_at", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="client",
            name="grace_minutes",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="How long a delivery waits before it is handed over. Null: as the house does.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="client",
            name="notify_emails",
            field=models.CharField(blank=True, default="", help_text="Addresses, one a line.", max_length=1000),
        ),
        migrations.AddField(
            model_name="client",
            name="webhook_url",
            field=models.CharField(blank=True, default="", max_length=500),
        ),
        migrations.AddField(
            model_name="delivery",
            name="completes",
            field=models.BooleanField(default=False, help_text="Nothing of the batch could be added when it was made."),
        ),
        migrations.AddField(
            model_name="delivery",
            name="handed_over_at",
            field=models.DateTimeField(blank=True, help_text="Null while it waits, and if it never left.", null=True),
        ),
        migrations.AddField(
            model_name="delivery",
            name="opens_at",
            field=models.DateTimeField(blank=True, help_text="When its grace period ends.", null=True),
        ),
        migrations.AddField(
            model_name="delivery",
            name="recall_reason",
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AddField(
            model_name="delivery",
            name="recalled_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="delivery",
            name="recalled_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="delivery",
            name="replaces",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="replaced_by",
                to="reviewapp.delivery",
            ),
        ),
        migrations.AddField(
            model_name="edittask",
            name="lease_until",
            field=models.DateTimeField(
                blank=True, help_text="Until when the photo is kept for `editor`; the sweep frees it after.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="state",
            field=models.CharField(
                choices=[
                    ("waiting", "Waits"),
                    ("ready", "Ready to download"),
                    ("downloaded", "Downloaded"),
                    ("recalled", "Called back"),
                ],
                default="ready",
                max_length=12,
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(condition=models.Q(("state", "waiting")), fields=["opens_at"], name="delivery_waiting"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state", "recalled")), fields=["recalled_at"], name="delivery_recalled"
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "waiting")), fields=("batch",), name="one_waiting_delivery"
            ),
        ),
        migrations.AddField(
            model_name="outboundmessage",
            name="batch",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="reviewapp.batch",
            ),
        ),
        migrations.AddField(
            model_name="outboundmessage",
            name="client",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="messages", to="reviewapp.client"
            ),
        ),
        migrations.AddField(
            model_name="outboundmessage",
            name="delivery",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="messages",
                to="reviewapp.delivery",
            ),
        ),
        migrations.AddField(
            model_name="webhooksecret",
            name="client",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="webhook_secret", to="reviewapp.client"
            ),
        ),
        migrations.AddIndex(
            model_name="outboundmessage",
            index=models.Index(
                condition=models.Q(("state__in", ["pending", "sending"])),
                fields=["available_at", "id"],
                name="message_live",
            ),
        ),
        migrations.AddIndex(
            model_name="outboundmessage",
            index=models.Index(fields=["client", "-id"], name="message_of_client"),
        ),
        migrations.AddIndex(
            model_name="edittask",
            index=models.Index(
                condition=models.Q(("lease_until__isnull", False)), fields=["lease_until"], name="edit_lease"
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
