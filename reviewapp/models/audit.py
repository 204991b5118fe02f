"""The audit log: who changed what, when, from what to what. Rows can't be edited (triggers guard it too)."""

from django.conf import settings
from django.db import models

from .presets import ImmutableModel


class AuditEvent(ImmutableModel):
    """One change (OBS-24). `actor` is None when the line itself acted."""

    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    verb = models.CharField(max_length=60)
    noun = models.CharField(max_length=40)
    object_id = models.CharField(max_length=40, blank=True)
    batch = models.ForeignKey("Batch", null=True, blank=True, on_delete=models.PROTECT, related_name="audit_events")
    asset = models.ForeignKey("Asset", null=True, blank=True, on_delete=models.PROTECT, related_name="audit_events")
    before = models.JSONField(default=dict, blank=True)
    after = models.JSONField(default=dict, blank=True)
    note = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["batch", "-id"], name="audit_batch"),
            # A batch's own events among the many of its photos.
            models.Index(fields=["batch", "noun", "-id"], name="audit_batch_noun"),
            models.Index(fields=["verb", "-id"], name="audit_verb"),
            models.Index(fields=["asset", "id"], name="audit_asset"),
        ]


class AuditSeal(ImmutableModel):
    """A link of the chain that shows whether what was written once is still as it was (docs/security.md).

    It holds the rows of one table with ids in (after_id..last_id], or, when `is_late`, rows that came into such a range
    after it had been sealed.
    """

    number = models.PositiveBigIntegerField(unique=True, help_text="1, 2, 3, … without a gap.")
    stream = models.CharField(max_length=12, help_text="Which table: events or decisions.")
    layout = models.TextField(help_text="The columns that were hashed, as they were called then.")
    after_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    is_late = models.BooleanField(default=False)
    count = models.PositiveIntegerField()
    members = models.BinaryField(help_text="Per row its id and the first 8 bytes of its hash.")
    leaves = models.CharField(max_length=64, help_text="Hash of all rows' hashes.")
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    key_id = models.CharField(max_length=12, blank=True, help_text="Which key closed it; empty: none.")
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["number"]
        indexes = [models.Index(fields=["stream", "-number"], name="audit_seal_stream")]
