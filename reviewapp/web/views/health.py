"""Is the process alive, and can it serve?"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from reviewapp.selectors import health


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer as long as the process lives."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when database, schema and disk are fit; workers and Redis are only reported: review works without them."""
    state = health.readiness()
    return JsonResponse(state, status=200 if state["ready"] else 503)
