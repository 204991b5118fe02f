"""The line itself: what waits, who works, and an admin's switch for all of it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from reviewapp.selectors import tasks
from reviewapp.services import line as services
from reviewapp.web.forms.batches import ReasonForm
from reviewapp.web.permissions import ADMINS, MANAGERS, role_required, user_has_role


@role_required(*MANAGERS, every_client=True)
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """What waits by priority and since when, the workers, and whether somebody paused it all."""
    context = {
        "active": "home",
        "levels": tasks.levels(),
        "limit": tasks.backlog(),
        "workers": tasks.live_workers().order_by("name"),
        "paused": tasks.paused_line(),
        "may_pause": user_has_role(request.user, *ADMINS),
    }
    return render(request, "line/page.html", context)


@role_required(*ADMINS, every_client=True)
@require_POST
def pause(request: HttpRequest) -> HttpResponse:
    """Take nothing up any more, of no batch; what runs now finishes."""
    form = ReasonForm(request.POST)
    if form.is_valid():
        services.pause(form.cleaned_data["reason"], request.user)
    else:
        messages.error(request, _("Say why the line is paused; the reason is shown to everybody."))
    return redirect("line")


@role_required(*ADMINS, every_client=True)
@require_POST
def resume(request: HttpRequest) -> HttpResponse:
    """Let it go on."""
    if services.resume(request.user):
        messages.success(request, _("The line goes on."))
    return redirect("line")
