"""Reading clients: the list of the clients page."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, QuerySet

from reviewapp.models import Client
from reviewapp.selectors.access import limit


def by_name() -> QuerySet[Client]:
    """All there are, for admins, who say who works for which."""
    return Client.objects.order_by("name")


def theirs_by_name(user: Any) -> QuerySet[Client]:
    """The person's clients by name, to choose one of."""
    return limit(by_name(), user, "pk")


def clients(user: Any, words: str = "") -> QuerySet[Client]:
    """The person's clients, the newest first, with `batch_count`; with `words` those whose name or notes hold them."""
    found = limit(Client.objects.annotate(batch_count=Count("batches")).order_by("-pk"), user, "pk")
    if words:
        found = found.filter(name__icontains=words) | found.filter(brand_notes__icontains=words)
    return found
