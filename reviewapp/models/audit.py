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
