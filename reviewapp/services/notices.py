"""What clients are told of their batches, and the settings of a client's webhook."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from reviewapp.enums import AssetState, MessageKind, Role
from reviewapp.models import Batch, Client, OutboundMessage, WebhookSecret

from . import audit, outbox
from .people import require


class NothingToTest(ValueError):
    """A test can't be sent; the message says what is missing."""


def completed(batch: Batch, counts: Mapping[str, int]) -> None:
    """Tell that the last photo is resolved, and apart how many failed. Call where it happens once (SCH-21)."""
    facts: dict[str, Any] = {
        "client": batch.client.slug,
        "batch": {"id": batch.pk, "name": batch.name},
        "counts": dict(counts),
    }
    outbox.write(MessageKind.COMPLETED, batch.client, facts, name=str(batch.pk), batch=batch)
    if failed := counts.get(AssetState.FAILED, 0):
        facts = {**facts, "failed": failed}
        outbox.write(MessageKind.FAILED, batch.client, facts, name=str(batch.pk), batch=batch)


def renew_secret(client: Client, actor: Any) -> str:
    """Make a new secret for a client's webhook and return it, the only time it is shown. Raises NotAllowed."""
    require(actor, Role.MANAGER, to=_("make a webhook secret"))
    secret = f"whsec_{secrets.token_urlsafe(32)}"
    with transaction.atomic():
        WebhookSecret.objects.update_or_create(client=client, defaults={"secret": secret, "made_at": timezone.now()})
        audit.record("client.secret_made", client, actor=actor)
    return secret


def send_test(client: Client, actor: Any) -> list[OutboundMessage]:
    """Write a test message to every address of a client. Raises NotAllowed, NothingToTest."""
    require(actor, Role.MANAGER, to=_("send a test message"))
    to = outbox.addresses_of(client)
    if not to:
        raise NothingToTest(
            _("There is no address yet: save a webhook and make its secret, or save an e-mail address.")
        )
    with transaction.atomic():
        audit.record("client.tested", client, actor=actor, after={"addresses": len(to)})
        name = secrets.token_hex(8)
        return outbox.write(MessageKind.TEST, client, {"client": client.slug}, name=name, to=to)
