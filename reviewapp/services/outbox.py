"""Outbound messages: written with what they tell of, then claimed, sent, completed or tried again.

The row is the truth, as with tasks (services/runs.py): conditional UPDATEs whose row count says who won, and a token
that rises with every claim. A message can arrive twice, because nobody can know whether an answer that was lost had
been given; its event id is the same at every try, so that the receiver drops the double.
"""

from __future__ import annotations

import hashlib
import os
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Case, Exists, F, OuterRef, Q, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _

from reviewapp.enums import FailureCategory, MessageChannel, MessageKind, MessageState, Role
from reviewapp.models import Batch, Client, Delivery, OutboundMessage
from reviewapp.post import PostFailed

from . import audit
from .people import require

LEASE_S = 120
"""Longer than a look-up and a POST can take together (post.DEADLINE_S): no beat is needed."""
TRIES = 10
FIRST_WAIT_S = 10
LONGEST_WAIT_S = 6 * 3600
LIVE = (MessageState.PENDING, MessageState.SENDING)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to send one message until the lease ends; `token` proves it."""

    message_id: int
    token: int
    message: OutboundMessage


@dataclass(frozen=True, slots=True)
class Address:
    """Where a client is told things."""

    channel: MessageChannel
    target: str


class Fenced(RuntimeError):
    """Another sender holds this message now; what became of it is theirs to say."""


def addresses_of(client: Client) -> list[Address]:
    """Where a client is told things now; a webhook without a secret isn't one yet."""
    found = []
    if client.webhook_url and hasattr(client, "webhook_secret"):
        found.append(Address(MessageChannel.WEBHOOK, client.webhook_url))
    return found + [Address(MessageChannel.EMAIL, mail) for mail in client.notify_emails.split()]


def write(
    kind: MessageKind,
    client: Client,
    facts: Mapping[str, Any],
    *,
    name: str,
    batch: Batch | None = None,
    delivery: Delivery | None = None,
    to: Sequence[Address] | None = None,
) -> list[OutboundMessage]:
    """Write one message to each address, in the transaction of what it tells of. Writing it twice changes nothing.

    `name` with the kind, the client and the address is the key. The sender finds the rows by itself.
    """
    rows = []
    for address in addresses_of(client) if to is None else to:
        made, _is_new = OutboundMessage.objects.get_or_create(
            key=f"{kind}:{client.pk}:{name}:{address.channel}:{_short(address.target)}",
            defaults={
                "kind": kind, "client": client, "batch": batch, "delivery": delivery, "channel": address.channel,
                "target": address.target, "body": dict(facts), "available_at": timezone.now(),
            },
        )  # fmt: skip
        rows.append(made)
    return rows


def _short(target: str) -> str:
    """An address as part of a key: addresses can be longer than keys."""
    return hashlib.sha256(target.encode()).hexdigest()[:24]


def owner() -> str:
    """The name this thread claims under."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{threading.get_ident():x}"


def due_ids(limit: int = 20, now: datetime | None = None) -> list[int]:
    """Messages that may be sent now, the longest due first."""
    return list(_due(now or timezone.now()).order_by("available_at", "pk").values_list("pk", flat=True)[:limit])


def _due(now: datetime) -> Any:
    """Due, or abandoned by a sender that died; never before an older one about the same delivery to the same address.

    Both conditions on the row itself stand in the UPDATE of a claim: PostgreSQL re-checks those after a wait.
    """
    due = Q(state=MessageState.PENDING, available_at__lte=now)
    abandoned = Q(state=MessageState.SENDING, lease_until__lt=now, attempts__lt=F("max_attempts"))
    before = OutboundMessage.objects.filter(
        state__in=LIVE, delivery=OuterRef("delivery"), channel=OuterRef("channel"), target=OuterRef("target"),
        pk__lt=OuterRef("pk"),
    )  # fmt: skip
    return OutboundMessage.objects.filter(due | abandoned, ~Exists(before), is_withdrawn=False)


def claim(message_id: int, who: str) -> Claim | None:
    """Take a message for LEASE_S seconds, or None when it isn't due or isn't free."""
    now = timezone.now()
    won = _due(now).filter(pk=message_id).order_by().update(
        state=MessageState.SENDING,
        attempts=F("attempts") + 1,
        token=F("token") + 1,
        owner=who,
        lease_until=now + timedelta(seconds=LEASE_S),
    )  # fmt: skip
    if not won:
        return None
    row = OutboundMessage.objects.select_related("client", "batch", "delivery").get(pk=message_id)
    if row.owner != who or row.state != MessageState.SENDING:  # taken over between the two statements
        return None
    return Claim(row.pk, row.token, row)


def complete(held: Claim) -> None:
    """Say that it was sent. Raises Fenced when the claim was lost meanwhile: whoever has it sends it once more."""
    now = timezone.now()
    done = _held(held).update(
        state=MessageState.SENT, finished_at=now, lease_until=None, error_category="", error_code="", error_text=""
    )
    if done != 1:
        raise Fenced(f"Message {held.message_id} was taken over.")


def fail(held: Claim, error: Exception) -> str | None:
    """Record that a try failed: again later, or dead, or taken back meanwhile. None when the claim was lost.

    Waits are 10 s, 30 s, 90 s, ... up to 6 h, or what the receiver asked for; ten tries in about 15 hours.
    """
    found = error if isinstance(error, PostFailed) else None
    is_final = bool(found and found.is_final) or held.message.attempts >= held.message.max_attempts
    wait = (found.wait_s if found else 0) or min(
        LONGEST_WAIT_S, FIRST_WAIT_S * 3 ** ((held.message.attempts - 1) % TRIES)
    )
    now = timezone.now()
    # In the UPDATE itself: a recall that came while it was being sent has marked the row, and is seen here.
    then = Case(
        When(is_withdrawn=True, then=Value(MessageState.RECALLED.value)),
        default=Value((MessageState.DEAD if is_final else MessageState.PENDING).value),
    )
    changed = _held(held).update(
        state=then,
        lease_until=None,
        available_at=now + timedelta(seconds=wait),
        finished_at=Case(When(is_withdrawn=True, then=Value(now)), default=Value(now if is_final else None)),
        error_category=_category(error),
        error_code=(found.code if found else type(error).__name__)[:60],
        error_text=str(error)[:500] or type(error).__name__,
    )
    if not changed:
        return None
    state: str = OutboundMessage.objects.values_list("state", flat=True).get(pk=held.message_id)
    return state


def _category(error: Exception) -> FailureCategory:
    if not isinstance(error, PostFailed):
        return FailureCategory.UNKNOWN
    return FailureCategory.NETWORK if error.is_network or not error.is_final else FailureCategory.VALIDATION


def _held(held: Claim) -> Any:
    return OutboundMessage.objects.filter(pk=held.message_id, token=held.token, state=MessageState.SENDING).order_by()


def sweep(now: datetime | None = None) -> int:
    """Bury what no sender survived, and end what was taken back while its sender died. Returns how many."""
    moment = now or timezone.now()
    lost = OutboundMessage.objects.filter(state=MessageState.SENDING, lease_until__lt=moment).order_by()
    ended = lost.filter(is_withdrawn=True).update(state=MessageState.RECALLED, lease_until=None, finished_at=moment)
    return ended + lost.filter(is_withdrawn=False, attempts__gte=F("max_attempts")).update(
        state=MessageState.DEAD,
        lease_until=None,
        finished_at=moment,
        error_category=FailureCategory.UNKNOWN,
        error_code="sender_lost",
        error_text="The sender ended in the middle of it; it may have arrived.",
    )


def withdraw(delivery: Delivery) -> list[OutboundMessage]:
    """Take back what says that `delivery` is ready, and return the rows that were tried: those who may have heard it.

    Call in the transaction that calls the delivery back. What was never tried is never sent; what is being sent just
    now is not tried again. The rows are locked, so that a sender's claim came before, and shows, or finds nothing.
    """
    locked = OutboundMessage.objects.select_for_update().filter(delivery=delivery, kind=MessageKind.READY)
    rows = list(locked.order_by("pk"))
    now = timezone.now()
    for row in rows:
        if row.state == MessageState.PENDING:
            row.state, row.finished_at = MessageState.RECALLED, now
        row.is_withdrawn = True
    OutboundMessage.objects.bulk_update(rows, ["state", "finished_at", "is_withdrawn"])
    return [row for row in rows if row.attempts > 0]


def retry(message: OutboundMessage, actor: Any) -> bool:
    """Try a message that was given up again, with a fresh set of tries. False when it isn't one. Raises NotAllowed."""
    require(actor, Role.MANAGER, to=_("send a message again"))
    with transaction.atomic():
        revived = OutboundMessage.objects.filter(pk=message.pk, state=MessageState.DEAD, is_withdrawn=False).update(
            state=MessageState.PENDING,
            # Not from 0: how often it was tried tells whether anybody can have heard it.
            max_attempts=F("attempts") + TRIES,
            available_at=timezone.now(),
            finished_at=None,
        )
        if revived:
            audit.record("message.retried", message, actor=actor, before={"error": message.error_text[:300]})
    return bool(revived)
