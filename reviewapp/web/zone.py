"""Times in the person's own zone: chosen in the account, else what their browser says, else the server's."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from functools import lru_cache

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

ZONE_COOKIE = "zone"
"""Chosen in the account."""
BROWSER_ZONE_COOKIE = "browser_zone"
"""Written by app.js: what the browser is set to."""


@lru_cache(maxsize=1)
def zone_names() -> tuple[str, ...]:
    """Every zone a person can choose, by name."""
    return tuple(sorted(name for name in zoneinfo.available_timezones() if "/" in name and not name.startswith("Etc/")))


def zone_of(request: HttpRequest) -> zoneinfo.ZoneInfo | None:
    """The zone of whoever asks; None when nothing is known or what a cookie says is no zone."""
    for cookie in (ZONE_COOKIE, BROWSER_ZONE_COOKIE):
        name = request.COOKIES.get(cookie, "").replace("%2F", "/")
        if name in zone_names() or name == "UTC":
            return zoneinfo.ZoneInfo(name)
    return None


class ZoneMiddleware:
    """Activates the person's zone for one request; the database keeps UTC."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer with times in the person's zone."""
        with timezone.override(zone_of(request)):
            return self._get_response(request)
