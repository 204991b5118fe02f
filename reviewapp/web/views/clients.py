"""Clients: whose photos these are, and what was settled with them."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from reviewapp.models import Client
from reviewapp.selectors import clients as selectors
from reviewapp.selectors.pages import keyset
from reviewapp.services import clients as services
from reviewapp.web.forms.clients import ClientForm, settings_of
from reviewapp.web.htmx import render_page
from reviewapp.web.permissions import MANAGERS, role_required

PAGE = 50


@role_required(*MANAGERS)
@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """All clients, the newest first, found by name or notes."""
    words = request.GET.get("q", "").strip()[:80]
    page = keyset(selectors.clients(words), request.GET.get("after", ""), PAGE)
    context = {"active": "clients", "page": page, "words": words}
    return render_page(request, "clients/page.html", "clients/_rows.html", context)


@role_required(*MANAGERS)
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Add a client before their first batch."""
    form = ClientForm(request.POST or None)
    if form.is_bound and form.is_valid():
        try:
            client = services.create_client(form.data_of_client(), request.user)
        except services.ClientRefused as refused:
            form.add_error(refused.field, str(refused))
        else:
            messages.success(request, _("%(name)s is offered to new batches.") % {"name": client.name})
            return redirect("clients:list")
    status = 422 if form.is_bound else 200
    return render(request, "clients/form.html", {"active": "clients", "form": form}, status=status)


@role_required(*MANAGERS)
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change what was settled with a client."""
    client = get_object_or_404(Client, pk=pk)
    form = ClientForm(request.POST or None, initial=settings_of(client))
    if form.is_bound and form.is_valid():
        try:
            services.update_client(client, form.data_of_client(), request.user)
        except services.ClientRefused as refused:
            form.add_error(refused.field, str(refused))
        else:
            messages.success(request, _("%(name)s is changed.") % {"name": client.name})
            return redirect("clients:list")
    context = {"active": "clients", "client": client, "form": form}
    return render(request, "clients/form.html", context, status=422 if form.is_bound else 200)
