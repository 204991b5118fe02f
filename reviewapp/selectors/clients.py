"""Reading clients: the list of the clients page."""

from __future__ import annotations

from django.db.models import Count, QuerySet

from reviewapp.models import Client


def clients(words: str = "") -> QuerySet[Client]:
    """Clients, the newest first, with `batch_count`; with `words` those whose name or notes hold them."""
    found = Client.objects.annotate(batch_count=Count("batches")).order_by("-pk")
    if words:
        found = found.filter(name__icontains=words) | found.filter(brand_notes__icontains=words)
    return found
