"""Reading what clients were told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from reviewapp.models import Client, OutboundMessage, WebhookSecret

SHOWN = 10


@dataclass(frozen=True, slots=True)
class Told:
    """The messages card of a client's page."""

    messages: list[OutboundMessage]
    secret_made_at: datetime | None
    has_address: bool
    mail_is_on: bool


def mail_is_on() -> bool:
    """Say whether this house sends e-mail at all."""
    return settings.MAIL is not None or not settings.EMAIL_BACKEND.endswith("dummy.EmailBackend")


def of_client(client: Client) -> Told:
    """The latest messages and what is set up; two queries. The secret itself is never read."""
    rows = OutboundMessage.objects.filter(client=client).select_related("batch", "delivery").order_by("-pk")
    made = WebhookSecret.objects.filter(client=client).values_list("made_at", flat=True).first()
    has_address = bool((client.webhook_url and made) or client.notify_emails)
    return Told(list(rows[:SHOWN]), made, has_address, mail_is_on())
