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
from reviewapp.web.permissions import ADMINS, MANAGERS, role_required


@role_required(*MANAGERS, every_client=True)
@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """The newest version of every channel."""
    return render(request, "channels/page.html", {"active": "channels", "channels": selectors.offered()})


@role_required(*MANAGERS, every_client=True)
@require_GET
def detail(request: HttpRequest, key: str) -> HttpResponse:
    """One channel's rules as a table, with what its newest version changed."""
    versions = selectors.versions_of(key)
    if not versions:
        raise Http404(key)
    rules = selectors.rules_of(versions[0], versions[1] if len(versions) > 1 else None)
    context = {"active": "channels", "channel": versions[0], "versions": versions, "rules": rules}
    return render(request, "channels/detail.html", context)


@role_required(*ADMINS, every_client=True)
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """A new version of the channel named by ?key=, or a platform nobody had before."""
    versions = selectors.versions_of(request.GET.get("key", ""))
    base = versions[0] if versions else None
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
