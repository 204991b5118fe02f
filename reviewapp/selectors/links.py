"""Links to deliveries for people without an account: whose address is whose, and which still work."""

from __future__ import annotations

from typing import Final

from django.core import signing
from django.utils import timezone

from reviewapp.enums import DeliveryState
from reviewapp.models import Delivery, DeliveryLink
from reviewapp.selectors.pages import Page, keyset

PAGE = 20
OPEN_STATES: Final = frozenset({DeliveryState.READY, DeliveryState.DOWNLOADED})
"""A delivery in any other state is nobody's to download any more."""


class LinkGone(Exception):
    """The link was good once: it has expired, was taken back, or its delivery was."""


def token(link: DeliveryLink) -> str:
    """The secret part of a link's address: signed, bound to link, delivery and expiry; kept nowhere."""
    return signing.Signer(salt="softproof.delivery-link").sign_object(_facts(link))


def find(token: str) -> DeliveryLink | None:
    """The link of an address; None for one nobody was given. Raises LinkGone."""
    try:
        said = signing.Signer(salt="softproof.delivery-link").unsign_object(token)
        link = DeliveryLink.objects.select_related("delivery__batch__client").get(pk=said[0])
    except (signing.BadSignature, ValueError, TypeError, IndexError, KeyError, DeliveryLink.DoesNotExist):
        return None
    if said != _facts(link):
        return None
    if not is_live(link):
        raise LinkGone
    return link


def is_live(link: DeliveryLink) -> bool:
    """Whether it still opens."""
    has_files = link.delivery.batch.results_removed_at is None  # retention may have taken them
    is_given = link.revoked_at is None and link.expires_at > timezone.now()
    return is_given and has_files and link.delivery.state in OPEN_STATES


def of_delivery(delivery: Delivery, cursor: str = "") -> Page[DeliveryLink]:
    """One page of the links to one delivery, newest first; one query."""
    return keyset(delivery.links.select_related("created_by", "delivery__batch").order_by("-pk"), cursor, PAGE)


def _facts(link: DeliveryLink) -> list[int]:
    return [link.pk, link.delivery_id, int(link.expires_at.timestamp())]
