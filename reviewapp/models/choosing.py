"""What people keep of their own: saved filters of the review queue, and bulk decisions with all they did."""

from django.conf import settings
from django.db import models

from reviewapp.enums import BulkState, Verdict


class SavedFilter(models.Model):
    """One person's named choice of one queue."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_filters")
    queue = models.CharField(max_length=8)
    name = models.CharField(max_length=60)
    values = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["user", "queue", "name"], name="one_filter_per_name")]

    def __str__(self) -> str:
        return self.name


class BulkDecision(models.Model):
    """One verdict for all results of a filter. `items` is fixed when it is applied: [task id, version] each.

    Every photo gets a decision row of its own; this row says what was asked, how far it is and what was left out.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="bulk_decisions")
    values = models.JSONField(help_text="The filter.")
    verdict = models.CharField(max_length=8, choices=Verdict.choices)
    reasons = models.JSONField(default=list)
    note = models.CharField(max_length=500, blank=True)
    items = models.JSONField()
    position = models.PositiveIntegerField(default=0)
    saved = models.PositiveIntegerField(default=0)
    left_out = models.PositiveIntegerField(default=0, help_text="Decided by somebody else, or on their screen.")
    state = models.CharField(max_length=8, choices=BulkState.choices, default=BulkState.RUNNING)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.verdict} {len(self.items)} photos"
