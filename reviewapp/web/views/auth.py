"""Signing in and out."""

from django import forms
from django.contrib.auth import logout
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from reviewapp.services import review as desk
from reviewapp.web.permissions import REVIEWERS, user_has_role


class SignInForm(AuthenticationForm):
    """One message for every pair that fails: it never tells whether the name exists (SEC-10)."""

    error_messages = {
        "invalid_login": _("Name and password do not match."),
        "inactive": _("Name and password do not match."),
    }

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


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Ends the session and gives lent photos back, so that nobody waits for them."""
    if user_has_role(request.user, *REVIEWERS):
        desk.release(request.user)  # type: ignore[arg-type]
    logout(request)
    return redirect("login")
