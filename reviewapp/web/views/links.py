"""What a client without an account sees: the page of a delivery and its ZIP, by a signed link (SEC-14)."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from reviewapp.models import Delivery, DeliveryLink
from reviewapp.policies.numbers import whole
from reviewapp.selectors import links as selectors
from reviewapp.services import delivery as deliveries
from reviewapp.services import links as services
from reviewapp.web.htmx import render_page
from reviewapp.web.permissions import MANAGERS, role_required
from reviewapp.web.theirs import theirs


@role_required(*MANAGERS)
@require_http_methods(["GET", "POST"])
def manage(request: HttpRequest, pk: int) -> HttpResponse:
    """The links to one delivery; POST makes one."""
    delivery = theirs(request, Delivery.objects.select_related("batch__client"), "batch__client", pk=pk)
    if request.method == "POST":
        try:
            services.make(delivery, whole(request.POST.get("days", "")) or 0, request.user)  # type: ignore[arg-type]
        except services.LinkRefused as refused:
            messages.warning(request, str(refused))
        else:
            messages.success(request, _("The link is made. Copy it and send it to the client."))
        return redirect("deliveries:links", pk=pk)
    page = selectors.of_delivery(delivery, request.GET.get("after", ""))
    rows = [(link, _address(request, link) if selectors.is_live(link) else "") for link in page.rows]
    context = {"active": "deliveries", "delivery": delivery, "page": page, "rows": rows, "days": services.DAYS}
    return render_page(request, "deliveries/links.html", "deliveries/_link_rows.html", context)


@role_required(*MANAGERS)
@require_POST
def revoke(request: HttpRequest, pk: int, link: int) -> HttpResponse:
    """Take one back."""
    rows = DeliveryLink.objects.select_related("delivery__batch")
    row = theirs(request, rows, "delivery__batch__client", pk=link, delivery=pk)
    if services.revoke(row, request.user):  # type: ignore[arg-type]
        messages.success(request, _("The link is taken back. Whoever opens it is told to ask you."))
    return redirect("deliveries:links", pk=pk)


@require_GET
def show(request: HttpRequest, token: str) -> HttpResponseBase:
    """What the package holds, and the button."""
    return _with(token, request, lambda link: _page(request, link, token))


@require_GET
def fetch(request: HttpRequest, token: str) -> HttpResponseBase:
    """The ZIP. Its length isn't known before it ends: a download that broke off begins anew, and the answer says so."""
    return _with(token, request, _zip)


def _with(token: str, request: HttpRequest, use: Callable[[DeliveryLink], HttpResponseBase]) -> HttpResponseBase:
    try:
        link = selectors.find(token)
        status = 404
    except selectors.LinkGone:
        link, status = None, 410
    response = use(link) if link else render(request, "links/gone.html", {"is_gone": status == 410}, status=status)
    # The address is the key: it goes into no other site's log, no cache and no search engine.
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "private, no-store"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _page(request: HttpRequest, link: DeliveryLink, token: str) -> HttpResponse:
    services.note_opened(link)
    context = {"delivery": link.delivery, "link": link, "href": reverse("links:fetch", args=[token])}
    return render(request, "links/page.html", context)


def _zip(link: DeliveryLink) -> StreamingHttpResponse:
    response = StreamingHttpResponse(services.stream(link), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{deliveries.archive_name(link.delivery)}"'
    response["Accept-Ranges"] = "none"
    return response


def _address(request: HttpRequest, link: DeliveryLink) -> str:
    return request.build_absolute_uri(reverse("links:show", args=[selectors.token(link)]))
