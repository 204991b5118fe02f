"""The report of a pilot: its card, and the same as JSON and CSV (SMP-05)."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.text import slugify
from django.views.decorators.http import require_GET

from reviewapp.models import Batch
from reviewapp.selectors import pilots as selectors
from reviewapp.selectors.pilots import PilotView
from reviewapp.services import audit
from reviewapp.services import pilots as services
from reviewapp.web.permissions import MANAGERS, role_required
from reviewapp.web.theirs import their_batch


def _found(request: HttpRequest, pk: int) -> tuple[Batch, PilotView]:
    batch = their_batch(request, pk, Batch.objects.select_related("client", "preset_version__preset"))
    found = selectors.view(batch)
    if found is None:
        raise Http404
    return batch, found


@role_required(*MANAGERS)
@require_GET
def card(request: HttpRequest, pk: int) -> HttpResponse:
    """The card alone, asked for again whenever a count moves."""
    batch, found = _found(request, pk)
    return render(request, "batches/_pilot.html", {"batch": batch, "pilot": found})


@role_required(*MANAGERS)
@require_GET
def as_json(request: HttpRequest, pk: int) -> HttpResponse:
    """The report, or how it stands, for programs."""
    batch, found = _found(request, pk)
    response = JsonResponse(services.document(batch, found), json_dumps_params={"ensure_ascii": False, "indent": 1})
    return _named(request, response, batch, "json")


@role_required(*MANAGERS)
@require_GET
def as_csv(request: HttpRequest, pk: int) -> HttpResponse:
    """The same for a spreadsheet."""
    batch, found = _found(request, pk)
    text = "\ufeff" + services.as_csv(services.document(batch, found))
    return _named(request, HttpResponse(text, content_type="text/csv; charset=utf-8"), batch, "csv")


def _named(request: HttpRequest, response: HttpResponse, batch: Batch, suffix: str) -> HttpResponse:
    audit.record("batch.exported", batch, actor=request.user, after={"what": f"pilot.{suffix}"})
    response["Content-Disposition"] = f'attachment; filename="pilot-{batch.pk}-{slugify(batch.name)}.{suffix}"'
    return response
