"""Deliveries: making one, handing it over, calling it back, the list, and the ZIP as a stream."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from reviewapp.enums import DeliveryState
from reviewapp.models import Batch, Delivery
from reviewapp.selectors import batch_pages, files
from reviewapp.selectors import deliveries as selectors
from reviewapp.selectors.access import limit
from reviewapp.selectors.pages import keyset
from reviewapp.services import audit, recalls
from reviewapp.services import delivery as services
from reviewapp.templatetags.states import time_left
from reviewapp.web import removed
from reviewapp.web.forms.deliveries import DeliverySearch, RecallForm
from reviewapp.web.htmx import part_page
from reviewapp.web.permissions import MANAGERS, role_required
from reviewapp.web.theirs import their_batch, theirs

PAGE = 50


def _delivery(request: HttpRequest, pk: int) -> Delivery:
    rows = Delivery.objects.select_related("batch__client", "replaces", "recalled_by")
    return theirs(request, rows, "batch__client", pk=pk)


@role_required(*MANAGERS)
@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """Every package of the person's clients, newest first."""
    form = DeliverySearch(request.GET)
    found = form.narrow(limit(selectors.deliveries(), request.user).order_by("-pk"))
    page = keyset(found, request.GET.get("after", ""), PAGE)
    return render(request, "deliveries/page.html", {"active": "deliveries", "page": page, "form": form})


@role_required(*MANAGERS)
@require_GET
def card(request: HttpRequest, pk: int) -> HttpResponse:
    """The deliveries of a batch; looked at again while one waits."""
    batch = their_batch(request, pk, Batch.objects.select_related("client"))
    context = {"details": batch_pages.delivery_card(batch)}
    return part_page(request, batch, _("Deliveries"), "batches/_deliveries.html", context)


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
        said = {"n": made.number, "files": made.file_count, "when": time_left(made.opens_at)}
        words = _("Delivery %(n)d holds %(files)d files.") % said
        if made.state == DeliveryState.WAITING:
            words += " " + _("It is handed over %(when)s; until then it can be called back unseen.") % said
        messages.success(request, words)
    return redirect("batches:detail", pk=pk)


@role_required(*MANAGERS)
@require_POST
def hand_over(request: HttpRequest, pk: int) -> HttpResponse:
    """Don't wait any longer: open it for download and tell the client."""
    delivery = _delivery(request, pk)
    try:
        done = recalls.hand_over(pk, request.user)
    except recalls.RecallRefused as refused:
        messages.warning(request, str(refused))
        return redirect("batches:detail", pk=delivery.batch_id)
    delivery.refresh_from_db()
    if done:
        messages.success(request, _("Delivery %(n)d is handed over.") % {"n": delivery.number})
    elif delivery.state == DeliveryState.RECALLED:
        messages.warning(request, services.closed_words(delivery))
    else:
        messages.info(request, _("Delivery %(n)d was handed over already.") % {"n": delivery.number})
    return redirect("batches:detail", pk=delivery.batch_id)


@role_required(*MANAGERS)
@require_http_methods(["GET", "POST"])
def call_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Call a delivery back: first what that means, then with a reason."""
    delivery = _delivery(request, pk)
    form = RecallForm(request.POST or None)
    if delivery.state == DeliveryState.RECALLED:
        messages.info(request, _("Delivery %(n)d was called back already.") % {"n": delivery.number})
        return redirect("batches:detail", pk=delivery.batch_id)
    if form.is_bound and form.is_valid():
        try:
            recalls.call_back(delivery, form.cleaned_data["reason"], request.user)
        except recalls.RecallRefused as refused:
            form.add_error("reason", str(refused))
        else:
            messages.success(request, _("Delivery %(n)d is called back.") % {"n": delivery.number})
            return redirect("batches:detail", pk=delivery.batch_id)
    context = {"active": "deliveries", "delivery": delivery, "batch": delivery.batch, "form": form}
    status = 422 if form.is_bound else 200
    return render(request, "deliveries/call_back.html", context, status=status)


@role_required(*MANAGERS)
@require_GET
def download(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The ZIP, streamed from storage; its length is not known before it ends. 410 when retention removed its files."""
    delivery = _delivery(request, pk)
    if gone := removed.answer(delivery.batch, files.RESULT, is_picture=False):
        return gone
    try:
        stream = services.stream_zip(delivery, request.user)  # type: ignore[arg-type]
    except services.DeliveryClosed as closed:
        messages.warning(request, str(closed))
        return redirect("batches:detail", pk=delivery.batch_id)
    # Also when the stream breaks off half way: what went out went out (SEC-06).
    audit.record("delivery.download_begun", delivery, actor=request.user, after={"number": delivery.number})
    response = StreamingHttpResponse(stream, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{services.archive_name(delivery)}"'
    response["Cache-Control"] = "private, no-store"
    return response
