"""The second step of signing in, and who has to have one: what allauth asks of the house, and a guard on every address.

What was proved in a session lies in the session itself, so the guard costs no query for whoever has a second factor,
and none for anybody where it is required of nobody.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import (
    AUTHENTICATION_METHODS_SESSION_KEY,
    get_authentication_records,
    perform_login,
    record_authentication,
)
from allauth.account.models import Login
from allauth.account.stages import LoginStage
from django.contrib.auth import logout
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from reviewapp.services import outside, second_factors, sign_ins
from reviewapp.web.addresses import address_of
from reviewapp.web.permissions import roles_of, wants_json

STAGE = "second_factor"
RECENT_S = 600
"""So long after proving who one is, a second factor can be changed without proving it again."""
WITHOUT = frozenset({
    "login", "logout", "second_factor", "outside_start", "outside_back",
    "second_factors", "factor_app", "factor_codes", "factor_remove", "confirm",
    "passkey_ask", "passkey_prove", "passkey_ask_to_add", "passkey_add", "passkey_rename", "passkey_remove",
    "jsi18n", "healthz", "readyz", "csp_report", "links:show", "links:fetch",
})  # fmt: skip
"""Addresses that answer somebody who still has to set one up."""
Answer = Callable[[HttpRequest], HttpResponseBase]


def proved(request: HttpRequest) -> list[dict[str, Any]]:
    """What the signed-in person proved in this session."""
    return list(get_authentication_records(request, request.user))


def has_proved_two(request: HttpRequest) -> bool:
    """Whether a second factor is among it."""
    return any(one.get("method") == "mfa" for one in proved(request))


def is_recent(request: HttpRequest) -> bool:
    """Whether the person proved who they are a moment ago."""
    return any(time.time() - one.get("at", 0) < RECENT_S for one in proved(request))


def write_down(request: HttpRequest, user: User, method: str, **more: Any) -> None:
    """Keep in the session that something was proved."""
    record_authentication(request, user, method=method, **more)


def forget_if_off(request: HttpRequest, user: User) -> None:
    """With the last factor goes what was proved by it here: where one is required later, it is to be set up anew."""
    if not second_factors.is_on(user):
        rest = [one for one in proved(request) if one.get("method") != "mfa"]
        request.session[AUTHENTICATION_METHODS_SESSION_KEY] = rest


def sign_in(request: HttpRequest, user: User, method: str, target: str, **more: Any) -> HttpResponse:
    """The first step is done: go on to the second one, or in. `target` was found to be one of ours."""
    write_down(request, user, method, **more)
    response: HttpResponse = perform_login(request, Login(user=user, redirect_url=target))
    return response


def to_confirm(request: HttpRequest, back: str = "") -> HttpResponse:
    """Prove it again first; then back to where it was asked, or to `back` where that was no page."""
    target = request.get_full_path() if request.method == "GET" else back or reverse("second_factors")
    return redirect(f"{reverse('confirm')}?{urlencode({'next': target})}")


def safe_target(request: HttpRequest, target: str, otherwise: str) -> str:
    """`target` where it is an address of this site."""
    hosts, is_https = {request.get_host()}, request.is_secure()
    is_ours = url_has_allowed_host_and_scheme(target, allowed_hosts=hosts, require_https=is_https)
    return target if is_ours else resolve_url(otherwise)


def _how(request: HttpRequest, user: User) -> str:
    """By what somebody signed in, for the log: `password`, `password, totp`."""
    records = get_authentication_records(request, user)
    return ", ".join(str(one.get("type") or one.get("method")) for one in records)


class SecondFactorStage(LoginStage):  # type: ignore[misc]
    """Asks for a code between password and session."""

    key = STAGE
    urlname = "second_factor"

    def handle(self) -> tuple[HttpResponse | None, bool]:
        """Hold the sign-in where the person has a second factor that isn't proved yet."""
        user = self.login.user
        records = get_authentication_records(self.request, user)
        if any(one.get("method") == "mfa" for one in records) or not second_factors.is_on(user):
            return None, True
        self.state["password"] = user.get_session_auth_hash()
        return redirect(self.urlname), True

    def still_holds(self) -> bool:
        """Whether account, password, factor and the link to the provider are as they were at the first step."""
        user = self.login.user
        is_same = self.state.get("password") == user.get_session_auth_hash()
        return bool(user.is_active and is_same and second_factors.is_on(user) and self._is_linked(user))

    def _is_linked(self, user: User) -> bool:
        records = [one for one in get_authentication_records(self.request, user) if one.get("method") != "mfa"]
        first = records[-1] if records else {}
        if first.get("method") != "oidc":
            return True
        return outside.is_linked(user, first.get("issuer", ""), first.get("subject", ""))


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Our second step, our log, and nothing else of allauth: no sign-up, no e-mail, no messages."""

    def get_login_stages(self) -> list[str]:
        """What stands between the first step and the session."""
        return [f"{SecondFactorStage.__module__}.{SecondFactorStage.__name__}"]

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never: admins make accounts."""
        return False

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        """A closed account looks like none."""
        return redirect("login")

    def login(self, request: HttpRequest, user: User) -> None:
        """Begin the session; that is written down."""
        how = _how(request, user)
        super().login(request, user)
        sign_ins.opened(user, address_of(request), how)

    def post_login(self, request: HttpRequest, user: User, *, redirect_url: str | None, **_more: Any) -> HttpResponse:
        """In."""
        return HttpResponseRedirect(redirect_url or resolve_url("home"))

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Our pages say it themselves."""

    def send_mail(self, *args: Any, **kwargs: Any) -> None:
        """Nothing of signing in goes by e-mail."""

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Nor this."""


class SecondFactorMiddleware:
    """Whoever has to have a second factor and has none reaches only the pages to set one up (SECOND_FACTOR)."""

    def __init__(self, get_response: Answer) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Nothing by itself; see process_view."""
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        """Stops what may not be reached yet, before its view is called: pages, media and /ops/ alike."""
        if not second_factors.may_be_required():
            return None
        user = request.user
        if not user.is_authenticated or has_proved_two(request) or not second_factors.is_required(roles_of(user)):
            return None
        request.second_factor_due = True  # type: ignore[attr-defined]
        match = request.resolver_match
        if match is not None and match.view_name in WITHOUT:
            return None
        if second_factors.is_on(user):  # set up elsewhere, or the session is older than that
            logout(request)
            return redirect_to_login(request.get_full_path())
        if wants_json(request):
            return JsonResponse({"status": "signed_out", "message": _("Set up a second factor to go on.")}, status=401)
        return redirect("second_factors")
