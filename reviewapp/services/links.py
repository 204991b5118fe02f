"""Links a manager gives to a client: made for some days, counted, taken back (SEC-14)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from reviewapp.enums import Role
from reviewapp.models import Delivery, DeliveryLink
from reviewapp.selectors import links as selectors

from . import audit, delivery
from .people import require

DAYS = (1, 7, 30)


class LinkRefused(ValueError):
    """No link can be made; the message says why."""


def make(made: Delivery, days: int, actor: User) -> DeliveryLink:
    """Make a link that works for so many days. Raises NotAllowed, LinkRefused."""
    require(actor, Role.MANAGER, to=_("give a client a link"))
    if days not in DAYS:
        raise LinkRefused(_("Choose 1, 7 or 30 days."))
    if made.state not in selectors.OPEN_STATES or made.batch.client.purged_at is not None:
        raise LinkRefused(_("This delivery can't be downloaded any more."))
    # Whole seconds, as the address has them.
    until = (timezone.now() + timedelta(days=days)).replace(microsecond=0)
    with transaction.atomic():
        link = DeliveryLink.objects.create(delivery=made, created_by=actor, expires_at=until)
        _tell("delivery.link_made", link, actor, days=days)
    return link


def revoke(link: DeliveryLink, actor: User) -> bool:
    """Take a link back at once; what is being downloaded ends. False when it was already. Raises NotAllowed."""
    require(actor, Role.MANAGER, to=_("take a link back"))
    with transaction.atomic():
        done = DeliveryLink.objects.filter(pk=link.pk, revoked_at__isnull=True).update(revoked_at=timezone.now())
        if done:
            _tell("delivery.link_revoked", link, actor)
    return bool(done)


def end(given: QuerySet[DeliveryLink]) -> int:
    """Take back those of `given` that still work, each with its event, as the house: after a restore, at a purge.

    Returns how many.
    """
    now, ended = timezone.now(), 0
    with transaction.atomic():
        for link in given.filter(revoked_at__isnull=True, expires_at__gt=now).select_related("delivery"):
            ended += DeliveryLink.objects.filter(pk=link.pk, revoked_at__isnull=True).update(revoked_at=now)
            _tell("delivery.link_revoked", link)
    return ended


def note_opened(link: DeliveryLink) -> None:
    """Keep when its page was first opened."""
    with transaction.atomic():
        first = DeliveryLink.objects.filter(pk=link.pk, opened_at__isnull=True).update(opened_at=timezone.now())
        if first:
            _tell("delivery.link_opened", link)


def stream(link: DeliveryLink) -> Iterator[bytes]:
    """Yield the ZIP; counted as it begins, whether or not it is fetched whole. Ends early when the link is taken back.

    Raises LinkGone in mid-stream then, so that no client takes half a file for a whole one.
    """
    with transaction.atomic():
        DeliveryLink.objects.filter(pk=link.pk).update(downloads=F("downloads") + 1, downloaded_at=timezone.now())
        _tell("delivery.download_begun", link)
    sent = 0
    for part in delivery.stream_zip(link.delivery):
        sent += len(part)
        if sent >= CHECK_EVERY:
            sent = 0
            _still_given(link)
        yield part


CHECK_EVERY = 64 * 1024**2


def _still_given(link: DeliveryLink) -> None:
    now = DeliveryLink.objects.select_related("delivery").get(pk=link.pk)
    if now.revoked_at is not None or now.delivery.state not in selectors.OPEN_STATES:
        raise selectors.LinkGone


def _tell(verb: str, link: DeliveryLink, actor: User | None = None, **more: int) -> None:
    after = {"link": link.pk, "number": link.delivery.number, **more}
    audit.record(verb, link.delivery, actor=actor, after=after)
