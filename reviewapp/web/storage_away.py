"""The answer of any page whose file storage is away or refuses: 503 and a sentence, not a fault of the program."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _

from reviewapp.storage import StorageAway, StorageRefused
from reviewapp.web.permissions import wants_json

logger = logging.getLogger(__name__)
AGAIN_S = 30


class StorageAwayMiddleware:
    """Stands around the views."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Nothing to do unless a view fails."""
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        """Answer for the view."""
        if not isinstance(exception, StorageAway | StorageRefused):
            return None
        logger.error("storage_away", extra={"path": request.path, "error": str(exception)})
        answer: HttpResponseBase
        if wants_json(request):
            answer = JsonResponse({"status": "refused", "message": str(exception)}, status=503)
        else:
            told = {"title": _("No file storage"), "text": str(exception)}
            answer = render(request, "errors/400.html", told, status=503)
        answer["Retry-After"] = str(AGAIN_S)
        answer["Cache-Control"] = "no-store"
        return answer
