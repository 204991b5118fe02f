"""Forms for a new password."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from reviewapp.web.forms.widgets import HouseForm


def _secret(autocomplete: str) -> forms.PasswordInput:
    return forms.PasswordInput(attrs={"class": "in", "autocomplete": autocomplete})


class NewPasswordForm(HouseForm):
    """A password somebody else will use: an admin hands it over."""

    new = forms.CharField(
        label=_("New password"), max_length=200, strip=False, widget=_secret("new-password"),
        help_text=_("At least 10 characters. Every session of the account ends."),
    )  # fmt: skip


class OwnPasswordForm(HouseForm):
    """One's own: the old one first, so that an open desk isn't enough."""

    old = forms.CharField(label=_("Password now"), max_length=200, strip=False, widget=_secret("current-password"))
    new = forms.CharField(
        label=_("New password"), max_length=200, strip=False, widget=_secret("new-password"),
        help_text=_("At least 10 characters. Your other sessions end."),
    )  # fmt: skip
