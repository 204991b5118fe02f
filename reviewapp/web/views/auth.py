"""Signing in and out."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from reviewapp.services import review as desk
from reviewapp.services import sign_ins
from reviewapp.web import second_factor
from reviewapp.web.permissions import REVIEWERS, user_has_role


def wait_words(wait_s: int) -> str:
    """How long to wait, as a sentence."""
    minutes = -(-wait_s // 60)
    text = ngettext(
        "Too many tries. Wait %(count)d minute, then try again, or ask an admin.",
        "Too many tries. Wait %(count)d minutes, then try again, or ask an admin.",
        minutes,
    )
    return text % {"count": minutes}


class SignInForm(AuthenticationForm):
    """One message for every pair that fails: it never tells whether the name exists (SEC-10)."""

    error_messages = {
        "invalid_login": _("Name and password do not match."),
        "inactive": _("Name and password do not match."),
    }

    def get_invalid_login_error(self) -> forms.ValidationError:
        """Says how long to wait where that is why; the same for a name nobody has."""
        wait_s: int = getattr(self.request, "wait_s", 0)
        if not wait_s:
            return super().get_invalid_login_error()
        return forms.ValidationError(wait_words(wait_s), code="locked")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.label_suffix = ""
        name, password = self.fields["username"], self.fields["password"]
        name.label, password.label = _("Name"), _("Password")
        name.widget.attrs.update(
            {"class": "in", "autocapitalize": "none", "autocomplete": "username", "spellcheck": "false"}
        )
        password.widget.attrs.update({"class": "in", "autocomplete": "current-password"})
        if self.is_bound and self.errors:
            for field in (name, password):
                field.widget.attrs["aria-invalid"] = "true"
            name.widget.attrs["autofocus"] = True

    username = forms.CharField(max_length=254)


class SignIn(LoginView):
    """The sign-in page; somebody already signed in goes home."""

    template_name = "registration/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """The password is right: in, or on to the second step."""
        return second_factor.sign_in(self.request, form.get_user(), "password", self.get_success_url())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the house's provider, where there is one."""
        return super().get_context_data(**kwargs) | {"provider": settings.OIDC}

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> Any:
        """429 where nothing was looked at."""
        response = super().render_to_response(context, **kwargs)
        if wait_s := getattr(self.request, "wait_s", 0):
            response.status_code = 429
            response["Retry-After"] = str(wait_s)
        return response


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """The operations admin's own form is not used: it would pass by what this one asks."""
    if request.user.is_authenticated:
        raise PermissionDenied(_("The operations pages are for administrators of the machine."))
    return redirect_to_login(request.GET.get("next") or reverse("admin:index"))


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Ends the session and gives lent photos back, so that nobody waits for them."""
    if user_has_role(request.user, *REVIEWERS):
        desk.release(request.user)  # type: ignore[arg-type]
    if request.user.is_authenticated:
        sign_ins.closed(request.user)
    logout(request)
    return redirect("login")
