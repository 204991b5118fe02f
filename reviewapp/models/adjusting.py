"""Adjustments: one photo run again with other edge or shadow settings, because a reviewer asked for it (REV-08)."""

from django.conf import settings
from django.db import models

from reviewapp.enums import AdjustmentState


class Adjustment(models.Model):
    """What was asked, what came of it, and whether the new result was taken. Kept for ever: it is evidence for presets.

    `changes` holds only the settings that differ from `base_run`'s, as {"shadow.opacity": 0.3}.
    """

    task = models.ForeignKey("ReviewTask", on_delete=models.PROTECT, related_name="adjustments")
    asset = models.ForeignKey("Asset", on_delete=models.PROTECT, related_name="adjustments")
    base_run = models.ForeignKey("ProcessingRun", on_delete=models.PROTECT, related_name="+")
    result_run = models.ForeignKey("ProcessingRun", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    changes = models.JSONField()
    state = models.CharField(max_length=8, choices=AdjustmentState.choices, default=AdjustmentState.PENDING)
    error = models.CharField(max_length=500, blank=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="adjustments")
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["task", "-id"], name="adjustment_task")]

    def __str__(self) -> str:
        return f"adjustment {self.pk} of task {self.task_id}"
