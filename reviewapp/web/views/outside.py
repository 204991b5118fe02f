"""Signing in by an outside provider (OpenID Connect), and an admin's links between accounts and its people."""

from __future__ import annotations

import logging

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET, require_POST

from reviewapp.services import oidc, outside, sign_ins, throttle
from reviewapp.web import second_factor as steps
from reviewapp.web.addresses import address_of
from reviewapp.web.permissions import ADMINS, role_required
from reviewapp.web.sessions import SessionStore
from reviewapp.web.views.auth import wait_words

log = logging.getLogger("softproof.sign_in")
PENDING = "outside_sign_in"


@never_cache
@require_GET
def start(request: HttpRequest) -> HttpResponse:
    """Off to the provider; what is needed to know them again stays in the session."""
    _only_where_on()
    if request.user.is_authenticated:
        return redirect("home")
    seen = address_of(request)
    try:
        throttle.begin("", seen)  # each begins a session
        address, kept = oidc.begin(_callback(request))
    except throttle.TooManyTries as refused:
        messages.error(request, wait_words(refused.wait_s))
        return redirect("login")
    except oidc.Refused as refused:
        return _failed(request, str(refused))
    kept["from"] = seen
    kept["next"] = steps.safe_target(request, request.GET.get("next", ""), "home")
    request.session[PENDING] = kept
    return HttpResponse(status=302, headers={"Location": address})


@never_cache
@require_GET
@sensitive_variables("kept")
def back(request: HttpRequest) -> HttpResponse:
    """They came back: believe the provider, find the account, and go on to the second factor, or in."""
    _only_where_on()
    if request.user.is_authenticated:
        return redirect("home")
    assert isinstance(request.session, SessionStore)
    kept = request.session.take(PENDING)
    if kept is None:  # nothing was begun in this browser: whoever comes back again and again fills no log
        messages.error(request, _("Signing in didn't work. Try again, or ask an admin."))
        return redirect("login")
    try:
        claims = oidc.finish(kept, request.GET.dict(), _callback(request))
        person = outside.person_of(claims)
    except oidc.Refused as refused:
        return _failed(request, str(refused))
    except outside.Unknown as unknown:
        return _failed(request, unknown.why, _("No account here is yours. An admin can make one, or link yours."))
    throttle.succeed("", kept.get("from", ""))
    return steps.sign_in(request, person, "oidc", kept["next"], issuer=claims.issuer, subject=claims.subject)


@role_required(*ADMINS, every_client=True)
@require_POST
def link(request: HttpRequest, pk: int) -> HttpResponse:
    """Link an account to a subject of the provider."""
    person, subject = get_object_or_404(User, pk=pk), request.POST.get("subject", "").strip()[:255]
    if not steps.is_recent(request):
        return steps.to_confirm(request, reverse("people:edit", args=[pk]))
    if subject and oidc.is_on():
        try:
            outside.link(person, subject, request.user)  # type: ignore[arg-type]
        except outside.Taken as taken:
            messages.error(request, str(taken))
        else:
            messages.success(request, _("The account is linked."))
    return redirect("people:edit", pk=pk)


@role_required(*ADMINS, every_client=True)
@require_POST
def unlink(request: HttpRequest, pk: int, identity: int) -> HttpResponse:
    """Take such a link away."""
    outside.unlink(get_object_or_404(User, pk=pk), identity, request.user)  # type: ignore[arg-type]
    messages.success(request, _("The link is gone, and their sessions have ended."))
    return redirect("people:edit", pk=pk)


def _only_where_on() -> None:
    if not oidc.is_on():
        raise Http404


def _callback(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("outside_back"))


def _failed(request: HttpRequest, why: str, said: str = "") -> HttpResponse:
    """Back to the sign-in page; why is for our log alone."""
    log.warning("outside_sign_in_refused", extra={"why": why})
    sign_ins.refused(address_of(request), "oidc", why)
    messages.error(request, said or _("Signing in didn't work. Try again, or ask an admin."))
    return redirect("login")
