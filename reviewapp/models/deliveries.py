"""Deliveries: the package a manager hands over, with its manifest."""

from django.conf import settings
from django.db import models

from reviewapp.enums import DeliveryState


class Delivery(models.Model):
    """A fixed list of verified renditions. The ZIP is streamed from storage, never kept."""

    batch = models.ForeignKey("Batch", on_delete=models.PROTECT, related_name="deliveries")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=DeliveryState.choices, default=DeliveryState.READY)
    manifest = models.JSONField()
    withheld = models.JSONField(default=list)
    file_count = models.PositiveIntegerField(default=0)
    byte_size = models.PositiveBigIntegerField(default=0)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    opens_at = models.DateTimeField(null=True, blank=True, help_text="When its grace period ends.")
    completes = models.BooleanField(default=False, help_text="Nothing of the batch could be added when it was made.")
    handed_over_at = models.DateTimeField(null=True, blank=True, help_text="Null while it waits, and if it never left.")
    downloaded_at = models.DateTimeField(null=True, blank=True)
    recalled_at = models.DateTimeField(null=True, blank=True)
    recalled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    recall_reason = models.CharField(max_length=300, blank=True)
    replaces = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="replaced_by")

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["batch", "number"], name="delivery_number"),
            models.UniqueConstraint(fields=["batch"], condition=models.Q(state="waiting"), name="one_waiting_delivery"),
        ]
        indexes = [
            models.Index(fields=["opens_at"], condition=models.Q(state="waiting"), name="delivery_waiting"),
            models.Index(fields=["recalled_at"], condition=models.Q(state="recalled"), name="delivery_recalled"),
        ]


class DeliveryItem(models.Model):
    """One file in a package."""

    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="items")
    rendition = models.ForeignKey("Rendition", on_delete=models.PROTECT, related_name="delivery_items")
    path = models.CharField(max_length=400)

    class Meta:
        ordering = ["path"]
        constraints = [models.UniqueConstraint(fields=["delivery", "path"], name="delivery_path_once")]


class DeliveryLink(models.Model):
    """A link a manager gave to a client who has no account. The address itself is signed and kept nowhere (SEC-14)."""

    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="links")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True, help_text="When its page was first opened.")
    downloads = models.PositiveIntegerField(default=0, help_text="Begun, also those that broke off.")
    downloaded_at = models.DateTimeField(null=True, blank=True, help_text="When the last one began.")

    class Meta:
        ordering = ["-id"]
