"""Clients: whose photos these are."""

from django.db import models

from reviewapp.enums import Sampling


class Client(models.Model):
    """A studio's customer. Nothing of one client is ever shown to another."""

    name = models.CharField(max_length=120, unique=True)
    slug = models.SlugField(max_length=140, unique=True)
    brand_notes = models.TextField(blank=True, help_text="Shown to reviewers beside every photo of this client.")
    validation_profile = models.CharField(max_length=40, blank=True, help_text="Empty = strictest target channel.")
    requires_human_colour = models.BooleanField(default=False)
    checks_colour = models.BooleanField(
        default=False, help_text="Nobody approves a photo before its colour was checked against the product."
    )
    waits_for_samples = models.BooleanField(
        default=True, help_text="Delivery waits until its blind samples are judged."
    )
    sampling = models.CharField(max_length=8, choices=Sampling.choices, default=Sampling.DEFAULT, blank=True)
    keep_originals_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="Days after delivery; then originals go. Empty = they stay."
    )
    keep_results_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="Days after delivery; then results and channel files go. Empty = they stay."
    )
    legal_hold_since = models.DateTimeField(
        null=True, blank=True, help_text="While it is set nothing of the client is removed by retention or purge."
    )
    purged_at = models.DateTimeField(null=True, blank=True, help_text="Files and personal data were deleted.")
    grace_minutes = models.PositiveIntegerField(
        null=True, blank=True, help_text="How long a delivery waits before it is handed over. Null: as the house does."
    )
    webhook_url = models.CharField(max_length=500, blank=True, default="")
    notify_emails = models.CharField(max_length=1000, blank=True, default="", help_text="Addresses, one a line.")
    version = models.PositiveIntegerField(default=0, help_text="Counts changes: a form that is older is refused.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def legal_hold(self) -> bool:
        """Whether nothing of theirs may be removed."""
        return self.legal_hold_since is not None


class ReferencePicture(models.Model):
    """A picture a client sent to say how theirs should look; shown beside every photo of theirs."""

    client = models.ForeignKey("Client", on_delete=models.PROTECT, related_name="references")
    key = models.CharField(max_length=200, help_text="A WebP made from what was uploaded.")
    caption = models.CharField(max_length=120, blank=True)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.caption or f"reference {self.pk}"
