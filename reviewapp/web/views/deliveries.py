"""Deliveries: making one, the list, and the ZIP as a stream."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from reviewapp.models import Batch, Delivery
from reviewapp.selectors import deliveries as selectors
from reviewapp.selectors.pages import keyset
from reviewapp.services import audit
from reviewapp.services import delivery as services
from reviewapp.web.permissions import MANAGERS, role_required

PAGE = 50


@role_required(*MANAGERS)
@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """Every package, newest first."""
    page = keyset(selectors.deliveries().order_by("-pk"), request.GET.get("after", ""), PAGE)
    return render(request, "deliveries/page.html", {"active": "deliveries", "page": page})


@role_required(*MANAGERS)
@require_POST
def deliver(request: HttpRequest, pk: int) -> HttpResponse:
    """Fix the package of a batch; what holds it back is said in words."""
    batch = get_object_or_404(Batch, pk=pk)
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
def download(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """The ZIP, streamed from storage; its length is not known before it ends."""
    delivery = get_object_or_404(Delivery.objects.select_related("batch__client"), pk=pk)
    # Also when the stream breaks off half way: what went out went out (SEC-06).
    audit.record("delivery.download_begun", delivery, actor=request.user, after={"number": delivery.number})
    response = StreamingHttpResponse(
        services.stream_zip(delivery, request.user),  # type: ignore[arg-type]
        content_type="application/zip",
    )
    response["Content-Disposition"] = f'attachment; filename="{services.archive_name(delivery)}"'
    response["Cache-Control"] = "private, no-store"
    return response
