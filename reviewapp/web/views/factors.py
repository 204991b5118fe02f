"""Second factors: the second step of signing in, one's own factors, and an admin's reset."""

from __future__ import annotations

import re

import qrcode
from allauth.account.stages import LoginStageController
from django.contrib import messages
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from qrcode.image.svg import SvgPathImage

from reviewapp.services import factor_secrets, second_factors, throttle
from reviewapp.services.people import NotAllowed
from reviewapp.web import second_factor as steps
from reviewapp.web.addresses import address_of
from reviewapp.web.forms.factors import AgainForm, AppCodeForm, CodeForm
from reviewapp.web.permissions import ADMINS, role_required, roles_of
from reviewapp.web.views.auth import wait_words

PENDING = "second_factor_secret"
"""Session key of the secret that is being set up, encrypted."""


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
def second_step(request: HttpRequest) -> HttpResponse:
    """After the password: a code of the app, or a recovery code."""
    if request.user.is_authenticated:
        return redirect("home")
    stage = LoginStageController.enter(request, steps.STAGE)
    if stage is None or not stage.still_holds():
        return redirect("login")
    form, user = CodeForm(request.POST or None), stage.login.user
    if request.method == "POST" and _is_right(request, user, form):
        answer: HttpResponse = stage.exit()
        return answer
    return _shown(request, "registration/second_step.html", form, {})


@sensitive_post_parameters()
@role_required()
@never_cache
@require_http_methods(["GET", "POST"])
def confirm(request: HttpRequest) -> HttpResponse:
    """Prove who one is once more, before something about signing in is changed."""
    user = _person(request)
    target = steps.safe_target(request, request.POST.get("next") or request.GET.get("next", ""), "second_factors")
    own = second_factors.factors_of(user)
    by_code = own.app_since is not None or (bool(own.codes_left) and not user.has_usable_password())
    form = (CodeForm if by_code else AgainForm)(request.POST or None)
    if request.method == "POST" and (_is_right(request, user, form) if by_code else _is_password(request, user, form)):
        return redirect(target)
    can = by_code or user.has_usable_password()
    context = {"active": "account", "next": target, "can": can, "passkeys": own.passkeys}
    return _shown(request, "account/confirm.html", form, context)


@role_required()
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """What one has, and what can be set up."""
    user = _person(request)
    context = {
        "active": "account",
        "factors": second_factors.factors_of(user),
        "is_required": second_factors.is_required(roles_of(user)),
    }
    return render(request, "account/second_factors.html", context)


@sensitive_post_parameters()
@role_required()
@never_cache
@require_http_methods(["GET", "POST"])
def app(request: HttpRequest) -> HttpResponse:
    """Set up an authenticator app: the QR code, the key as text, and a first code that proves the app has it."""
    user = _person(request)
    if not steps.is_recent(request):
        return steps.to_confirm(request)
    if second_factors.factors_of(user).app_since is not None:
        return redirect("second_factors")
    form = AppCodeForm(request.POST or None)
    secret = _pending(request)
    if form.is_bound and form.is_valid():
        keep = request.session.session_key or ""
        try:
            second_factors.add_app(user, secret, form.cleaned_data["code"], keep=keep)
        except second_factors.WrongCode:
            form.add_error("code", _("That is not the app's code now. Check the clock of the phone, and try again."))
        except second_factors.AlreadyOn:
            return redirect("second_factors")
        else:
            del request.session[PENDING]
            steps.write_down(request, user, "mfa", type=second_factors.APP)
            messages.success(request, _("The authenticator app is set up. Other sessions have ended."))
            return redirect("factor_codes")
    context = {"active": "account", "form": form, "secret": secret, "qr": _qr(user, secret)}
    return render(request, "account/factor_app.html", context, status=422 if form.is_bound else 200)


@role_required()
@never_cache
@require_http_methods(["GET", "POST"])
def codes(request: HttpRequest) -> HttpResponse:
    """Recovery codes, shown once; POST makes new ones."""
    user = _person(request)
    if not steps.is_recent(request):
        return steps.to_confirm(request)
    if request.method == "POST":
        second_factors.new_codes(user)
        return redirect("factor_codes")
    found = second_factors.codes_once(user)
    if not found:
        return redirect("second_factors")
    return render(request, "account/factor_codes.html", {"active": "account", "codes": found})


@role_required()
@require_POST
def remove(request: HttpRequest) -> HttpResponse:
    """Turn the authenticator app off."""
    if not steps.is_recent(request):
        return steps.to_confirm(request)
    user = _person(request)
    try:
        second_factors.remove(user, roles_of(user), keep=request.session.session_key or "")
    except NotAllowed as refused:
        messages.error(request, str(refused))
    else:
        steps.forget_if_off(request, user)
        messages.success(request, _("The authenticator app is off."))
    return redirect("second_factors")


@role_required(*ADMINS, every_client=True)
@require_POST
def reset(request: HttpRequest, pk: int) -> HttpResponse:
    """Take somebody's factors away, who lost them."""
    person = get_object_or_404(User, pk=pk)
    if not steps.is_recent(request):
        return steps.to_confirm(request, reverse("people:edit", args=[pk]))
    try:
        second_factors.reset(person, _person(request))
    except NotAllowed as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("%(name)s has no second factor now.") % {"name": person.get_username()})
    return redirect("people:edit", pk=pk)


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _is_right(request: HttpRequest, user: User, form: CodeForm | AgainForm) -> bool:
    """Whether the form's code is one of the person's; what is wrong stands in the form."""
    if not form.is_valid():
        return False
    try:
        factor = second_factors.check_code(user, form.cleaned_data["code"], address_of(request))
    except throttle.TooManyTries as refused:
        request.wait_s = refused.wait_s  # type: ignore[attr-defined]
        form.add_error("code", wait_words(refused.wait_s))
        return False
    except second_factors.WrongCode:
        form.add_error("code", _("That code isn't right, or was used before."))
        return False
    steps.write_down(request, user, "mfa", type=factor.type)
    return True


def _is_password(request: HttpRequest, user: User, form: CodeForm | AgainForm) -> bool:
    if not form.is_valid():
        return False
    # By the same count of tries as at the door.
    if authenticate(request, username=user.get_username(), password=form.cleaned_data["password"]) is None:
        wait_s = getattr(request, "wait_s", 0)
        form.add_error("password", wait_words(wait_s) if wait_s else _("That is not your password."))
        return False
    steps.write_down(request, user, "password")
    return True


def _shown(request: HttpRequest, template: str, form: CodeForm | AgainForm, context: dict[str, object]) -> HttpResponse:
    """429 where nothing was looked at."""
    wait_s = getattr(request, "wait_s", 0)
    status = 429 if wait_s else 422 if request.method == "POST" else 200
    response = render(request, template, {**context, "form": form}, status=status)
    if wait_s:
        response["Retry-After"] = str(wait_s)
    return response


def _pending(request: HttpRequest) -> str:
    """The secret that is being set up, the same until it is."""
    try:
        return factor_secrets.open_again(request.session[PENDING])
    except (KeyError, factor_secrets.KeyLost):
        secret = second_factors.new_secret()
        request.session[PENDING] = factor_secrets.close(secret)
        return secret


def _qr(user: User, secret: str) -> SafeString:
    """The QR code as an element of the page: an address of its own would be one more place that knows the secret."""
    picture = qrcode.make(second_factors.address_for_app(user, secret), image_factory=SvgPathImage, border=2)
    svg = picture.to_string(encoding="unicode")
    return mark_safe(re.sub(r"^<\?xml[^>]*\?>\s*", "", svg))
