"""Reading what clients were told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from reviewapp.enums import MessageState
from reviewapp.models import Client, OutboundMessage, WebhookSecret
from reviewapp.selectors.pages import Page, keyset

PAGE = 20


@dataclass(frozen=True, slots=True)
class Told:
    """The messages card of a client's page."""

    messages: Page[OutboundMessage]
    is_dead_only: bool
    secret_made_at: datetime | None
    has_address: bool
    mail_is_on: bool


def mail_is_on() -> bool:
    """Say whether this house sends e-mail at all."""
    return settings.MAIL is not None or not settings.EMAIL_BACKEND.endswith("dummy.EmailBackend")


def messages_of(client: Client, cursor: str = "", *, is_dead_only: bool = False) -> Page[OutboundMessage]:
    """One page of what was written to a client, or of what was given up of it, newest first; one query."""
    rows = OutboundMessage.objects.filter(client=client).select_related("batch", "delivery").order_by("-pk")
    return keyset(rows.filter(state=MessageState.DEAD) if is_dead_only else rows, cursor, PAGE)


def of_client(client: Client, cursor: str = "", *, is_dead_only: bool = False) -> Told:
    """A page of messages and what is set up; two queries. The secret itself is never read."""
    made = WebhookSecret.objects.filter(client=client).values_list("made_at", flat=True).first()
    has_address = bool((client.webhook_url and made) or client.notify_emails)
    page = messages_of(client, cursor, is_dead_only=is_dead_only)
    return Told(page, is_dead_only, made, has_address, mail_is_on())
