"""Known pictures, mixed blind into the queue to learn how much people see; and what clients say afterwards."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from reviewapp.enums import GoldSource


class GoldItem(models.Model):
    """A result whose truth is known. `run` is its own: of kind gold, never current, rendered or delivered."""

    asset = models.ForeignKey("Asset", on_delete=models.PROTECT, related_name="gold_items")
    run = models.OneToOneField("ProcessingRun", on_delete=models.PROTECT, related_name="gold_item")
    is_defective = models.BooleanField()
    defect = models.CharField(
        max_length=40, blank=True, help_text="Kind of processing.quality.defects that was put in."
    )
    reasons = models.JSONField(default=list, blank=True, help_text="Reject reasons that name it.")
    source = models.CharField(max_length=8, choices=GoldSource.choices)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    shown_at = models.DateTimeField(null=True, blank=True, help_text="When it last went into the queue.")

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["is_defective", "shown_at"], condition=Q(is_active=True), name="gold_next"),
        ]


class Complaint(models.Model):
    """A client's word about a delivered photo (FBK-07): a defect that escaped, once somebody upheld it."""

    client = models.ForeignKey("Client", on_delete=models.PROTECT, related_name="complaints")
    asset = models.ForeignKey("Asset", on_delete=models.PROTECT, related_name="complaints")
    lot = models.ForeignKey("Lot", null=True, blank=True, on_delete=models.PROTECT, related_name="complaints")
    reason = models.CharField(max_length=20, blank=True)
    note = models.CharField(max_length=500)
    received_on = models.DateField()
    was_delivered = models.BooleanField()
    logged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["client", "-id"], name="complaint_client")]


class ReturnRate(models.Model):
    """What share of a client's sold goods came back in a period (FBK-06), before or with our pictures."""

    client = models.ForeignKey("Client", on_delete=models.PROTECT, related_name="return_rates")
    starts_on = models.DateField()
    ends_on = models.DateField()
    sold = models.PositiveIntegerField()
    returned = models.PositiveIntegerField()
    is_before = models.BooleanField(help_text="Before the client's pictures came from here.")
    note = models.CharField(max_length=200, blank=True)
    logged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-starts_on", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(returned__lte=models.F("sold")), name="returned_at_most_sold"),
            models.CheckConstraint(condition=Q(ends_on__gte=models.F("starts_on")), name="period_in_order"),
        ]
