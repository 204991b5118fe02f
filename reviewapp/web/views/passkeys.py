"""Passkeys: the two steps of asking a device, for signing in, for proving who one is again, and for adding one."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from reviewapp.services import passkeys, second_factors, sign_ins, throttle
from reviewapp.services.people import NotAllowed
from reviewapp.web import second_factor as steps
from reviewapp.web.addresses import address_of
from reviewapp.web.permissions import role_required, roles_of
from reviewapp.web.sessions import SessionStore

MOST_BYTES = 64 * 1024
TO_ADD, TO_PROVE = "passkey_to_add", "passkey_to_prove"
"""Session keys of the challenges, each for one answer of its own kind."""


@never_cache
@require_POST
def ask(request: HttpRequest) -> JsonResponse:
    """A challenge for any passkey of this site; counted by address, because each begins a session. It is good for one
    answer, so the answer is counted with it."""
    address = address_of(request)
    try:
        throttle.begin("", address)
    except throttle.TooManyTries as refused:
        return _too_many(refused)
    asked, challenge = passkeys.options_to_sign_in()
    request.session[TO_PROVE] = {"challenge": challenge, "from": address}
    return JsonResponse(asked)


@never_cache
@require_POST
@sensitive_variables("sent")
def prove(request: HttpRequest) -> JsonResponse:
    """The device's answer: in, or for who is in already, proved again."""
    sent, kept = _sent(request), _taken(request, TO_PROVE)
    target = str(sent.get("next") or "")
    if kept is None:  # nothing was asked: whoever sends that again and again fills no log
        return _no_proof()
    try:
        factor = passkeys.proved(sent.get("credential"), _origin(request), kept["challenge"])
        if request.user.is_authenticated and factor.user_id != request.user.pk:
            raise passkeys.WrongKey
    except passkeys.WrongKey:
        sign_ins.refused(address_of(request), "passkey", "no proof of a passkey")
        return _no_proof()
    throttle.succeed("", kept["from"])  # what asking counted, where it was counted, and nothing else
    if request.user.is_authenticated:
        steps.write_down(request, factor.user, "mfa", type=second_factors.PASSKEY)
        return JsonResponse({"next": steps.safe_target(request, target, "second_factors")})
    answer = steps.sign_in(
        request, factor.user, "mfa", steps.safe_target(request, target, "home"), type=second_factors.PASSKEY
    )
    return JsonResponse({"next": answer["Location"]})


@role_required()
@never_cache
@require_POST
def ask_to_add(request: HttpRequest) -> JsonResponse:
    """A challenge for a new passkey of one's own."""
    if not steps.is_recent(request):
        return JsonResponse({"next": steps.to_confirm(request)["Location"]}, status=409)
    asked, request.session[TO_ADD] = passkeys.options_to_add(_person(request))
    return JsonResponse(asked)


@role_required()
@never_cache
@require_POST
def add(request: HttpRequest) -> JsonResponse:
    """Keep the new passkey."""
    if not steps.is_recent(request):
        return JsonResponse({"next": steps.to_confirm(request)["Location"]}, status=409)
    user, sent = _person(request), _sent(request)
    name = str(sent.get("name") or "").strip() or _("Passkey")
    challenge, keep = _taken(request, TO_ADD), request.session.session_key or ""
    try:
        passkeys.add(user, name, sent.get("credential"), _origin(request), challenge, keep=keep)
    except passkeys.WrongKey:
        return JsonResponse({"message": _("The device didn't make a passkey that works here.")}, status=422)
    steps.write_down(request, user, "mfa", type=second_factors.PASSKEY)
    messages.success(request, _("The passkey is kept. Other sessions have ended."))
    return JsonResponse({"next": reverse("factor_codes")})


@role_required()
@require_POST
def rename(request: HttpRequest, factor: int) -> HttpResponse:
    """Call it something else."""
    name = request.POST.get("name", "").strip()
    if name:
        passkeys.rename(_person(request), factor, name)
    return redirect("second_factors")


@role_required()
@require_POST
def remove(request: HttpRequest, factor: int) -> HttpResponse:
    """This device signs in no longer."""
    if not steps.is_recent(request):
        return steps.to_confirm(request)
    user = _person(request)
    try:
        second_factors.remove(user, roles_of(user), keep=request.session.session_key or "", passkey=factor)
    except NotAllowed as refused:
        messages.error(request, str(refused))
    else:
        steps.forget_if_off(request, user)
    return redirect("second_factors")


def _taken(request: HttpRequest, name: str) -> Any:
    assert isinstance(request.session, SessionStore)
    return request.session.take(name)


def _no_proof() -> JsonResponse:
    return JsonResponse({"message": _("That passkey doesn't open this site. Sign in another way.")}, status=422)


def _too_many(refused: throttle.TooManyTries) -> JsonResponse:
    message = _("Too many tries. Wait a while, then try again.")
    return JsonResponse({"message": message}, status=429, headers={"Retry-After": str(refused.wait_s)})


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _origin(request: HttpRequest) -> str:
    return f"{request.scheme}://{request.get_host()}"


def _sent(request: HttpRequest) -> dict[str, Any]:
    try:
        found = json.loads(request.body[: MOST_BYTES + 1])
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {}
