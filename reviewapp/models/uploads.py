"""Uploads on their way: a file that comes in pieces and may break off (tus 1.0)."""

from django.conf import settings
from django.db import models


class PartialUpload(models.Model):
    """One file on its way into a batch. Its bytes lie in the folder of parts, and their number there is the truth.

    `result` is what became of the file once it was whole: {"status", "message", "lines"}; empty until then.
    """

    token = models.CharField(max_length=43, unique=True)
    batch = models.ForeignKey("Batch", on_delete=models.PROTECT, related_name="partial_uploads")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    path = models.CharField(max_length=400)
    byte_size = models.PositiveBigIntegerField()
    result = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    touched_at = models.DateTimeField(auto_now=True, db_index=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.path} ({self.byte_size} bytes)"
