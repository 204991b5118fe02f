"""What a client is told: the webhook's secret, a test, a message that is tried again."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from reviewapp.models import Client, OutboundMessage
from reviewapp.services import notices, outbox
from reviewapp.web.forms.clients import ClientForm, settings_of
from reviewapp.web.permissions import MANAGERS, role_required
from reviewapp.web.theirs import theirs
from reviewapp.web.views.clients import page_of


@role_required(*MANAGERS)
@require_POST
@never_cache
def secret(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a new secret and show it, this once: the answer is the page itself and is kept nowhere."""
    client = theirs(request, Client.objects.all(), "pk", pk=pk)
    made = notices.renew_secret(client, request.user)
    return page_of(request, client, ClientForm(initial=settings_of(client)), secret=made)


@role_required(*MANAGERS)
@require_POST
def test(request: HttpRequest, pk: int) -> HttpResponse:
    """Write a test message to every address of the client."""
    client = theirs(request, Client.objects.all(), "pk", pk=pk)
    try:
        count = len(notices.send_test(client, request.user))
    except notices.NothingToTest as refused:
        messages.warning(request, str(refused))
    else:
        said = ngettext("%(n)d test is on its way.", "%(n)d tests are on their way.", count)
        messages.success(request, said % {"n": count})
    return redirect("clients:edit", pk=pk)


@role_required(*MANAGERS)
@require_POST
def retry(request: HttpRequest, pk: int, message: int) -> HttpResponse:
    """Try a message that was given up again."""
    found = theirs(request, OutboundMessage.objects.all(), "client", pk=message, client_id=pk)
    if outbox.retry(found, request.user):
        messages.success(request, _("It is tried again."))
    else:
        messages.info(request, _("There is nothing to try again: load the page anew."))
    return redirect("clients:edit", pk=pk)
