import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def everybody_keeps_all(apps, schema_editor):
    """Whoever has an account saw every client so far, and goes on to; an admin narrows it from here."""
    people = apps.get_model(*settings.AUTH_USER_MODEL.split("."))
    scopes = apps.get_model("reviewapp", "PersonScope")
    ids = people.objects.values_list("pk", flat=True)
    scopes.objects.bulk_create(
        [scopes(user_id=pk, all_clients=True) for pk in ids.iterator()], batch_size=500, ignore_conflicts=True
    )


class Migration(migrations.Migration):
    """SEC-01: people work for every client or for some."""

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("reviewapp", "0029_turns"),
    ]

    operations = [
        migrations.CreateModel(
            name="PersonScope",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("all_clients", models.BooleanField(default=False)),
                (
                    "version",
                    models.PositiveIntegerField(
                        default=0, help_text="Counts changes: a form that is older is refused."
                    ),
                ),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="scope",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ClientAccess",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="reviewapp.client"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="client_access",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["client__name"],
                "constraints": [models.UniqueConstraint(fields=("user", "client"), name="client_access_once")],
            },
        ),
        migrations.RunPython(everybody_keeps_all, migrations.RunPython.noop),
    ]
