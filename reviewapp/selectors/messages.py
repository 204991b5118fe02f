"""Reading what clients were told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from reviewapp.models import Client, OutboundMessage, WebhookSecret
from reviewapp.selectors.pages import Page, keyset

PAGE = 20


@dataclass(frozen=True, slots=True)
class Told:
    """The messages card of a client's page."""

    messages: Page[OutboundMessage]
    secret_made_at: datetime | None
    has_address: bool
    mail_is_on: bool


def mail_is_on() -> bool:
    """Say whether this house sends e-mail at all."""
    return settings.MAIL is not None or not settings.EMAIL_BACKEND.endswith("dummy.EmailBackend")


def messages_of(client: Client, cursor: str = "") -> Page[OutboundMessage]:
    """One page of what was written to a client, newest first; one query."""
    rows = OutboundMessage.objects.filter(client=client).select_related("batch", "delivery").order_by("-pk")
    return keyset(rows, cursor, PAGE)


def of_client(client: Client, cursor: str = "") -> Told:
    """A page of messages and what is set up; two queries. The secret itself is never read."""
    made = WebhookSecret.objects.filter(client=client).values_list("made_at", flat=True).first()
    has_address = bool((client.webhook_url and made) or client.notify_emails)
    return Told(messages_of(client, cursor), made, has_address, mail_is_on())
