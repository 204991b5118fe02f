"""Where a request comes from, as far as it can be believed."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def address_of(request: HttpRequest | None) -> str:
    """The client's address; "" when a proxy stands between and doesn't say: then nobody is blamed for everybody.

    Each proxy of ours appends one entry to X-Forwarded-For; what stands before those the client may have written.
    """
    if request is None:
        return ""
    if not settings.PROXIES:
        return str(request.META.get("REMOTE_ADDR", ""))
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    return hops[-settings.PROXIES][:45] if len(hops) >= settings.PROXIES else ""
