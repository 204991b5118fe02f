"""What is told to clients outside: the rows are written with what they tell of and sent afterwards (outbox)."""

import uuid

from django.db import models

from reviewapp.enums import FailureCategory, MessageChannel, MessageKind, MessageState


class OutboundMessage(models.Model):
    """One message to one address. Like a Task the row is the truth: claimed, fenced by `token`, completed once.

    `is_withdrawn`: what it tells is not true any more; it is never tried again.
    """

    event_id = models.UUIDField(default=uuid.uuid4, editable=False, help_text="The same at every try.")
    kind = models.CharField(max_length=24, choices=MessageKind.choices)
    key = models.CharField(max_length=300, unique=True, help_text="What makes it this message: written once.")
    client = models.ForeignKey("Client", on_delete=models.PROTECT, related_name="messages")
    batch = models.ForeignKey("Batch", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    delivery = models.ForeignKey("Delivery", null=True, blank=True, on_delete=models.PROTECT, related_name="messages")
    channel = models.CharField(max_length=8, choices=MessageChannel.choices)
    target = models.CharField(max_length=500)
    body = models.JSONField()
    state = models.CharField(max_length=8, choices=MessageState.choices, default=MessageState.PENDING)
    is_withdrawn = models.BooleanField(default=False)
    attempts = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=10)
    token = models.PositiveIntegerField(default=0)
    owner = models.CharField(max_length=80, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    available_at = models.DateTimeField()
    error_category = models.CharField(max_length=20, choices=FailureCategory.choices, blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    error_text = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["available_at", "id"],
                condition=models.Q(state__in=["pending", "sending"]),
                name="message_live",
            ),
            models.Index(fields=["client", "-id"], name="message_of_client"),
        ]

    def __str__(self) -> str:
        return self.key


class WebhookSecret(models.Model):
    """What a client's webhook messages are signed with. Kept apart from the client, so that no page loads it."""

    client = models.OneToOneField("Client", on_delete=models.PROTECT, related_name="webhook_secret")
    secret = models.CharField(max_length=80)
    made_at = models.DateTimeField()
