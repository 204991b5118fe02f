"""Batches: one client's photos that travel, are sampled and are delivered together."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models

from reviewapp.enums import BatchState

if TYPE_CHECKING:
    from reviewapp.models.channels import Channel


class Batch(models.Model):
    """The unit of work. Pins its preset version, those of categories with their own, and its channels (PRE-02)."""

    client = models.ForeignKey("Client", on_delete=models.PROTECT, related_name="batches")
    name = models.CharField(max_length=160)
    preset_version = models.ForeignKey("PresetVersion", on_delete=models.PROTECT, related_name="batches")
    channels: "models.ManyToManyField[Channel, BatchChannel]" = models.ManyToManyField(
        "Channel", related_name="batches", through="BatchChannel"
    )
    validation_profile = models.CharField(max_length=40)
    requires_sku = models.BooleanField(default=False)
    priority = models.PositiveSmallIntegerField(default=5, help_text="1 is first, 10 is last.")
    state = models.CharField(max_length=12, choices=BatchState.choices, default=BatchState.UPLOADING)
    paused_reason = models.CharField(max_length=300, blank=True)
    sample_seed = models.CharField(
        max_length=64, help_text="Hex of 32 random bytes; secret until the batch is delivered."
    )
    sample_seed_hash = models.CharField(
        max_length=64, help_text="sha256 of the seed, stored before anything is scored."
    )
    is_demo = models.BooleanField(default=False)
    is_pilot = models.BooleanField(default=False, help_text="A person looks at every photo; a report is made.")
    first_share = models.FloatField(
        null=True, blank=True, help_text="This share is done first and judged by people; empty = all at once."
    )
    applied_at = models.DateTimeField(
        null=True, blank=True, help_text="What the first sample showed was applied: the rest goes through the line."
    )
    rest_version = models.ForeignKey(
        "PresetVersion",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The rest is done with it instead of the batch's own.",
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    legal_hold_since = models.DateTimeField(
        null=True, blank=True, help_text="While it is set nothing of the batch is removed by retention or purge."
    )
    originals_removed_at = models.DateTimeField(null=True, blank=True, help_text="Retention removed its originals.")
    results_removed_at = models.DateTimeField(
        null=True, blank=True, help_text="Retention removed its results and channel files."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True, help_text="Uploading ended; nothing more is expected.")
    completed_at = models.DateTimeField(null=True, blank=True, help_text="Last photo resolved; set exactly once.")

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name_plural = "batches"
        indexes = [
            models.Index(fields=["state", "-created_at"], name="batch_state_created"),
            models.Index(fields=["owner", "-id"], name="batch_owner"),
            models.Index(
                fields=["-id"],
                condition=models.Q(first_share__isnull=False, applied_at__isnull=True),
                name="batch_sampling",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(priority__gte=1) & models.Q(priority__lte=10), name="batch_priority_1_10"
            ),
            models.CheckConstraint(
                condition=models.Q(first_share__isnull=True) | models.Q(first_share__gt=0, first_share__lt=1),
                name="batch_first_share_0_1",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.client.name}: {self.name}"


class BatchChannel(models.Model):
    """A target channel of a batch, in order; position 0 is the one its photos are framed and scored for."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="batch_channels")
    channel = models.ForeignKey("Channel", on_delete=models.PROTECT)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["batch", "channel"], name="batch_channel_once")]


class BatchCategoryPreset(models.Model):
    """A category's own preset, in the version that was current when the batch was made (PRE-04, PRE-02)."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="category_presets")
    category = models.CharField(max_length=60)
    preset_version = models.ForeignKey("PresetVersion", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["category"]
        constraints = [models.UniqueConstraint(fields=["batch", "category"], name="batch_category_preset_once")]


class SheetRow(models.Model):
    """What the client's CSV says of one file, kept so that it applies to files that arrive after it."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="sheet_rows")
    path_key = models.CharField(max_length=400, help_text="The file's path in lower case.")
    name_key = models.CharField(max_length=400, help_text="The last part of the path in lower case.")
    sku = models.CharField(max_length=80, blank=True)
    asin = models.CharField(max_length=20, blank=True)
    category = models.CharField(max_length=60, blank=True)
    shoot_group = models.CharField(max_length=80, blank=True)
    description = models.CharField(max_length=300, blank=True)
    inside = models.CharField(
        max_length=400, blank=True, help_text="Path or name, in lower case, of the photo of its inside label (REV-15)."
    )

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["batch", "name_key"], name="sheet_row_name"),
            models.Index(fields=["batch", "inside"], name="sheet_row_inside"),
        ]
        constraints = [models.UniqueConstraint(fields=["batch", "path_key"], name="sheet_row_once")]
