"""Forms of the second step: one code, or the password once more."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from reviewapp.web.forms.widgets import HouseForm

CODE_ATTRS = {
    "class": "in", "autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false",
    "autocapitalize": "none",
}  # fmt: skip


class CodeForm(HouseForm):
    """A code of the authenticator app, or a recovery code."""

    code = forms.CharField(
        label=_("Code"), max_length=40, widget=forms.TextInput(attrs={**CODE_ATTRS, "autofocus": True})
    )


class AppCodeForm(HouseForm):
    """The first code of an app that is being set up."""

    code = forms.CharField(
        label=_("Code of the app"), max_length=40, widget=forms.TextInput(attrs=CODE_ATTRS),
        help_text=_("Six digits. They change every 30 seconds."),
    )  # fmt: skip


class AgainForm(HouseForm):
    """The password once more, before something about signing in is changed."""

    password = forms.CharField(
        label=_("Password"), max_length=200, strip=False,
        widget=forms.PasswordInput(attrs={"class": "in", "autocomplete": "current-password"}),
    )  # fmt: skip
