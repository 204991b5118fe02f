"""Zero bytes: PostgreSQL keeps none in a text, and nobody types one. A request with one can't be read (SEC-04)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import DataError
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from reviewapp.web.views.errors import bad_request

logger = logging.getLogger(__name__)
REFUSED = ("NUL (0x00)", "\\u0000")
"""What the driver and the database say of them, in a text and in JSON."""


class UnreadableMiddleware:
    """Before sessions: what a cookie says is looked up there."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Refuse a query with a zero byte; a cookie with one, which a browser would send for ever, isn't there."""
        for name in [name for name, value in request.COOKIES.items() if "\0" in value]:
            del request.COOKIES[name]
        if "%00" in request.META.get("QUERY_STRING", ""):
            return bad_request(request, ValueError("A zero byte in the address."))
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        """A form, JSON or a path with one, found out by the database; nothing of it was kept. It isn't read ahead for
        that: who may send how much is the view's to say."""
        if not isinstance(exception, ValueError | DataError) or not any(said in str(exception) for said in REFUSED):
            return None
        logger.warning("zero_byte", extra={"path": request.path})
        return bad_request(request, exception)
