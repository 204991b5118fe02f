"""One photo with its whole history."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from reviewapp.models import Asset
from reviewapp.selectors.images import image_record
from reviewapp.web.permissions import MANAGERS, role_required


@role_required(*MANAGERS)
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Before and after, score, gates, measures, files, decisions and every step with its time."""
    try:
        record = image_record(pk)
    except Asset.DoesNotExist as missing:
        raise Http404(str(pk)) from missing
    return render(request, "images/detail.html", {"active": "batches", "record": record})
