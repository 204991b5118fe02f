"""Sending one outbound message: what is posted, how it is signed, what an e-mail says."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import time
from typing import Any

from django.db import DatabaseError, close_old_connections
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reviewapp import post
from reviewapp.enums import MessageChannel, MessageKind, MessageState
from reviewapp.models import OutboundMessage, WebhookSecret

from . import outbox
from .words import stored

logger = logging.getLogger(__name__)

SENDERS = 8
"""How many others may be at it: so many messages more are looked at."""
FILES_NAMED = 50
"""Files an e-mail names; the webhook's list is whole."""


def send_due(limit: int = 20) -> int:
    """Send up to `limit` messages that are due, one after the other. Returns how many were tried.

    Those that another sender takes meanwhile are passed over.
    """
    close_old_connections()
    done = 0
    for pk in outbox.due_ids(limit + SENDERS):
        if done >= limit:
            break
        done += send_one(pk) != "refused"
    return done


def send_one(message_id: int) -> str:
    """Claim and send one message; every error becomes a state. Returns sent, pending, dead, recalled, fenced, refused.

    Only a database that is away is raised: the lease then runs out and the message is sent again.
    """
    held = outbox.claim(message_id, outbox.owner())
    if held is None:
        return "refused"
    try:
        _deliver(held.message)
    except DatabaseError:
        raise
    except Exception as error:
        if not isinstance(error, post.PostFailed):
            logger.exception("message_failed", extra={"outbound": message_id})
        state = outbox.fail(held, error)
        outcome = "fenced" if state is None else state
    else:
        try:
            outbox.complete(held)
            outcome = str(MessageState.SENT.value)
        except outbox.Fenced:
            outcome = "fenced"
    logger.info("message", extra={"outbound": message_id, "kind": held.message.kind, "outcome": outcome})
    return outcome


def sign(secret: str, event_id: str, body: bytes, at: int) -> str:
    """The signature header: HMAC-SHA256 over moment, event id and body, so that none of them can be exchanged."""
    signed = hmac.new(secret.encode(), f"{at}.{event_id}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={signed}"


def payload(message: OutboundMessage) -> dict[str, Any]:
    """What a webhook receives: the facts as they were written, and which event it is."""
    return {
        "id": str(message.event_id),
        "event": message.kind,
        "created_at": message.created_at.isoformat(timespec="seconds"),
        **message.body,
    }


def _deliver(message: OutboundMessage) -> None:
    if message.channel == MessageChannel.EMAIL:
        post.send(_mail(message))
        return
    secret = WebhookSecret.objects.filter(client_id=message.client_id).values_list("secret", flat=True).first()
    if secret is None:
        raise post.PostFailed("no_secret", "The client's webhook has no secret to sign with.", is_final=True)
    body = json.dumps(payload(message), ensure_ascii=False, separators=(",", ":")).encode()
    event = str(message.event_id)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Softproof",
        "Idempotency-Key": event,
        "Softproof-Event": message.kind,
        "Softproof-Event-Id": event,
        "Softproof-Signature": sign(secret, event, body, int(time.time())),
    }
    post.post(message.target, body, headers)


def _mail(message: OutboundMessage) -> post.Mail:
    with stored():  # clients have no language here yet
        subject, lines = _words(message)
    return post.Mail(message.target, subject, "\n".join(lines) + "\n", str(message.event_id))


def _words(message: OutboundMessage) -> tuple[str, list[str]]:
    facts = message.body
    batch = facts.get("batch", {}).get("name", "")
    delivery = facts.get("delivery", {})
    said = {"batch": batch, "number": delivery.get("number", 0), "files": delivery.get("files", 0)}
    if message.kind == MessageKind.READY:
        lines = [_("Delivery %(number)d of %(batch)s is ready: %(files)d files.") % said]
        if delivery.get("withheld"):
            lines.append(_("Withheld: %(n)d. The package lists each with its reason.") % {"n": delivery["withheld"]})
        if delivery.get("replaces"):
            lines.append(_("It replaces delivery %(n)d.") % {"n": delivery["replaces"]})
        return _("%(batch)s: delivery %(number)d is ready") % said, lines
    if message.kind == MessageKind.RECALLED:
        return _("%(batch)s: delivery %(number)d is called back") % said, _recalled(facts, said)
    counts = facts.get("counts", {})
    if message.kind == MessageKind.COMPLETED:
        return _("%(batch)s: completed") % said, [
            _("The last photo of %(batch)s is resolved.") % said,
            *(f"{name}: {count}" for name, count in sorted(counts.items())),
        ]
    if message.kind == MessageKind.FAILED:
        failed = facts.get("failed", 0)
        words = ngettext("%(n)d photo of %(batch)s failed.", "%(n)d photos of %(batch)s failed.", failed)
        return _("%(batch)s: photos failed") % said, [words % {"n": failed, "batch": batch}]
    return _("Softproof: a test"), [_("This is a test. Messages about your batches come to this address.")]


def _recalled(facts: dict[str, Any], said: dict[str, Any]) -> list[str]:
    files = facts.get("files", [])
    lines = [_("Please don't use the files of delivery %(number)d of %(batch)s any more.") % said]
    if facts.get("reason"):
        lines.append(_("Why: %(why)s") % {"why": facts["reason"]})
    lines += ["", *files[:FILES_NAMED]]
    if len(files) > FILES_NAMED:
        lines.append(_("and %(n)d more.") % {"n": len(files) - FILES_NAMED})
    return lines
