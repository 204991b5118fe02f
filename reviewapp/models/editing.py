"""Edit tasks: work done by hand, signed off by somebody else."""

from django.conf import settings
from django.db import models

from reviewapp.enums import EditReason, EditTaskState


class EditTask(models.Model):
    """PRO-20, REV-10. `base_run`: the automatic start (None: made from scratch); `result_run`: the scored upload."""

    asset = models.ForeignKey("Asset", on_delete=models.PROTECT, related_name="edit_tasks")
    reason = models.CharField(max_length=20, choices=EditReason.choices)
    why = models.CharField(max_length=500)
    state = models.CharField(max_length=18, choices=EditTaskState.choices, default=EditTaskState.OPEN)
    priority = models.PositiveSmallIntegerField(default=5)
    base_run = models.ForeignKey("ProcessingRun", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    result_run = models.ForeignKey("ProcessingRun", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    upload_key = models.CharField(max_length=200, blank=True)
    upload_sha256 = models.CharField(max_length=64, blank=True)
    checklist = models.JSONField(default=dict, blank=True)
    editor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="edit_tasks"
    )
    editor_note = models.CharField(max_length=500, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(
        null=True, blank=True, help_text="Until when the photo is kept for `editor`; the sweep frees it after."
    )
    submitted_at = models.DateTimeField(null=True, blank=True)
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    signed_at = models.DateTimeField(null=True, blank=True)
    signoff_note = models.CharField(max_length=500, blank=True)
    version = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["priority", "id"]
        indexes = [
            models.Index(fields=["state", "priority", "id"], name="edit_state_priority"),
            models.Index(fields=["lease_until"], condition=models.Q(lease_until__isnull=False), name="edit_lease"),
            # Few rows of many: what one person has waiting, which their pages count (selectors/tallies.py).
            models.Index(
                fields=["editor", "state"],
                condition=models.Q(state__in=["open", "claimed", "submitted", "awaiting_signoff"]),
                name="edit_own",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["asset"],
                condition=models.Q(state__in=["open", "claimed", "submitted", "awaiting_signoff"]),
                name="one_live_edit_task",
            ),
            models.CheckConstraint(
                condition=models.Q(signed_by__isnull=True) | ~models.Q(signed_by=models.F("editor")),
                name="nobody_signs_own_work",
            ),
        ]
