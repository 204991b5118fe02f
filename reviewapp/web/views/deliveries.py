"""Deliveries: making one, the list, and the ZIP as a stream."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from reviewapp.models import Delivery
from reviewapp.selectors import deliveries as selectors
from reviewapp.selectors import files
from reviewapp.selectors.access import limit
from reviewapp.selectors.pages import keyset
from reviewapp.services import delivery as services
from reviewapp.web import removed
from reviewapp.web.permissions import MANAGERS, role_required
from reviewapp.web.theirs import their_batch, theirs

PAGE = 50


@role_required(*MANAGERS)
@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """Every package of the person's clients, newest first."""
    found = limit(selectors.deliveries(), request.user).order_by("-pk")
    page = keyset(found, request.GET.get("after", ""), PAGE)
    return render(request, "deliveries/page.html", {"active": "deliveries", "page": page})


@role_required(*MANAGERS)
@require_POST
def deliver(request: HttpRequest, pk: int) -> HttpResponse:
    """Fix the package of a batch; what holds it back is said in words."""
    batch = their_batch(request, pk)
    try:
        made = services.release(batch, request.user)  # type: ignore[arg-type]
    except services.DeliveryHeld as held:
        for reason in held.reasons:
            messages.warning(request, reason)
    else:
        said = {"n": made.number, "files": made.file_count}
        messages.success(request, _("Delivery %(n)d holds %(files)d files.") % said)
    return redirect("batches:detail", pk=pk)


@role_required(*MANAGERS)
@require_GET
def download(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The ZIP, streamed from storage; its length is not known before it ends. 410 when retention removed its files."""
    delivery = theirs(request, Delivery.objects.select_related("batch__client"), "batch__client", pk=pk)
    if gone := removed.answer(delivery.batch, files.RESULT, is_picture=False):
        return gone
    response = StreamingHttpResponse(
        services.stream_zip(delivery, request.user),  # type: ignore[arg-type]
        content_type="application/zip",
    )
    response["Content-Disposition"] = f'attachment; filename="{services.archive_name(delivery)}"'
    response["Cache-Control"] = "private, no-store"
    return response
