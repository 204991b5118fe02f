"""Clients: whose photos these are, and what was settled with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from reviewapp.models import Client, ReferencePicture
from reviewapp.selectors import clients as selectors
from reviewapp.selectors import feedback as feedback_reads
from reviewapp.selectors import messages as message_reads
from reviewapp.selectors.pages import Page, keyset
from reviewapp.services import clients as services
from reviewapp.services import feedback, references
from reviewapp.web.forms.clients import ClientForm, settings_of
from reviewapp.web.forms.proof import ReturnsForm
from reviewapp.web.htmx import render_page
from reviewapp.web.lists import asked_list, cursor_of
from reviewapp.web.permissions import MANAGERS, role_required
from reviewapp.web.quality_words import returns_sentence
from reviewapp.web.streams import limited_form
from reviewapp.web.theirs import theirs
from reviewapp.web.upload_handlers import FORM_REST_BYTES

PAGE = 50
LISTS: dict[str, Callable[[Client, HttpRequest], Page[Any]]] = {
    "messages": lambda client, request: message_reads.messages_of(
        client, cursor_of(request, "messages"), is_dead_only=_is_dead_only(request)
    ),
    "complaints": lambda client, request: feedback_reads.complaints_of(client, cursor_of(request, "complaints")),
    "periods": lambda client, request: feedback_reads.periods_of(client, cursor_of(request, "periods")),
}
"""The lists of a client's page that go on."""


def _is_dead_only(request: HttpRequest) -> bool:
    return request.GET.get("told") == "dead"


@role_required(*MANAGERS)
@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """The person's clients, the newest first, found by name or notes."""
    words = request.GET.get("q", "").strip()[:80]
    page = keyset(selectors.clients(request.user, words), request.GET.get("after", ""), PAGE)
    context = {"active": "clients", "page": page, "words": words}
    return render_page(request, "clients/page.html", "clients/_rows.html", context)


@role_required(*MANAGERS, every_client=True)
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
    client = theirs(request, Client.objects.all(), "pk", pk=pk)
    if name := asked_list(request, LISTS):
        context = {"client": client, "page": LISTS[name](client, request)}
        return render(request, f"clients/_{name}_rows.html", context)
    form = ClientForm(request.POST or None, initial=settings_of(client))
    if form.is_bound and form.is_valid():
        try:
            services.update_client(client, form.data_of_client(), request.user, seen=form.cleaned_data["seen"])
        except services.ClientChanged as refused:
            form.add_error(None, str(refused))
            client.refresh_from_db()
            again = request.POST.copy()
            again["seen"] = str(client.version)  # saving once more is deliberate
            form.data = again
            return page_of(request, client, form, status=409)
        except services.ClientRefused as refused:
            form.add_error(refused.field, str(refused))
        else:
            messages.success(request, _("%(name)s is changed.") % {"name": client.name})
            return redirect("clients:list")
    return page_of(request, client, form, status=422 if form.is_bound else 200)


def page_of(
    request: HttpRequest,
    client: Client,
    form: ClientForm,
    *,
    refused: str = "",
    returns: ReturnsForm | None = None,
    secret: str = "",
    status: int = 200,
) -> HttpResponse:
    """A client's page; `secret` is one that was made just now."""
    said = feedback_reads.of_client(client, cursor_of(request, "complaints"), cursor_of(request, "periods"))
    told = message_reads.of_client(client, cursor_of(request, "messages"), is_dead_only=_is_dead_only(request))
    tone, mark, sentence = returns_sentence(said)
    context = {
        "active": "clients", "client": client, "form": form, "references": list(client.references.all()),
        "refused": refused, "said": said, "tone": tone, "mark": mark, "sentence": sentence,
        "returns_form": returns or ReturnsForm(), "told": told, "secret": secret,
    }  # fmt: skip
    return render(request, "clients/form.html", context, status=status)


@role_required(*MANAGERS)
@require_POST
def add_returns(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep what share of the client's goods came back in a period."""
    client = theirs(request, Client.objects.all(), "pk", pk=pk)
    form = ReturnsForm(request.POST)
    if form.is_valid():
        try:
            feedback.record_returns(client, **form.cleaned_data, actor=request.user)
        except feedback.FeedbackRefused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("The period is kept."))
            return redirect("clients:edit", pk=client.pk)
    return page_of(request, client, ClientForm(initial=settings_of(client)), returns=form, status=422)


@limited_form(references.MAX_UPLOAD_BYTES + FORM_REST_BYTES)
@role_required(*MANAGERS)
@require_POST
def add_reference(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a picture that shows how the client's photos should look."""
    client = theirs(request, Client.objects.all(), "pk", pk=pk)
    upload = request.FILES.get("file")
    try:
        if not isinstance(upload, UploadedFile):
            raise references.ReferenceRefused(_("Choose a picture first."))
        references.add_reference(
            client, upload.chunks(), upload.name or "", request.POST.get("caption", ""), request.user
        )
    except references.ReferenceRefused as refused:
        return page_of(request, client, ClientForm(initial=settings_of(client)), refused=str(refused), status=422)
    messages.success(request, _("The picture is shown beside every photo of %(name)s.") % {"name": client.name})
    return redirect("clients:edit", pk=client.pk)


@role_required(*MANAGERS)
@require_POST
def remove_reference(request: HttpRequest, pk: int, picture: int) -> HttpResponse:
    """Take one away again."""
    shown = theirs(request, ReferencePicture.objects.all(), "client", pk=picture, client_id=pk)
    references.remove_reference(shown, request.user)
    messages.success(request, _("The picture is gone."))
    return redirect("clients:edit", pk=pk)
