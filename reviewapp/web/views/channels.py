"""Channels: each marketplace's rules as data, changed by writing the next version."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from reviewapp.selectors import channels as selectors
from reviewapp.services import channels as services
from reviewapp.web.forms.channels import ChannelForm
from reviewapp.web.htmx import render_page
from reviewapp.web.lists import asked_list, cursor_of
from reviewapp.web.permissions import ADMINS, MANAGERS, role_required


@role_required(*MANAGERS, every_client=True)
@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """The newest version of every channel, by name."""
    context = {"active": "channels", "page": selectors.offered_page(request.GET.get("after", ""))}
    return render_page(request, "channels/page.html", "channels/_rows.html", context)


@role_required(*MANAGERS, every_client=True)
@require_GET
def detail(request: HttpRequest, key: str) -> HttpResponse:
    """One channel's rules as a table, with what its newest version changed."""
    newest = selectors.newest(key)
    if not newest:
        raise Http404(key)
    context = {"active": "channels", "channel": newest[0], "page": selectors.version_page(key, cursor_of(request, "v"))}
    if asked_list(request, ("v",)):
        return render(request, "channels/_version_rows.html", context)
    context["rules"] = selectors.rules_of(*newest)
    return render(request, "channels/detail.html", context)


@role_required(*ADMINS, every_client=True)
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """A new version of the channel named by ?key=, or a platform nobody had before."""
    base = next(iter(selectors.newest(request.GET.get("key", ""))), None)
    form = ChannelForm(request.POST or None, base=base)
    context = {"active": "channels", "form": form, "base": base}
    if not form.is_bound or not form.is_valid():
        return render(request, "channels/new.html", context, status=422 if form.is_bound else 200)
    data = form.cleaned_data
    try:
        channel = services.save_version(data["rules"], data["note"], request.user, expected_version=data["seen"])  # type: ignore[arg-type]
    except services.ChannelStale as stale:
        form.add_error(None, str(stale))
        return render(request, "channels/new.html", context, status=409)
    except services.ChannelRefused as refused:
        form.add_error("rules", str(refused))
        return render(request, "channels/new.html", context, status=422)
    said = {"name": channel.name, "n": channel.version}
    messages.success(request, _("%(name)s, version %(n)d, is offered to new batches.") % said)
    return redirect("channels:detail", key=channel.key)
