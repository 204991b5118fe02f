"""Forms of the people page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.utils.translation import gettext_lazy as _

from reviewapp.enums import Role
from reviewapp.models import Client
from reviewapp.services.accounts import PersonData
from reviewapp.services.granting import EVERY_CLIENT, Reach
from reviewapp.web.forms.widgets import CheckList, Choose, HouseForm, Input, Tick

_OFF = {"autocomplete": "off"}
ALL, SOME = "all", "some"


class ReachForm(HouseForm):
    """For which clients somebody works. There is no answer to begin with: it is never given by accident."""

    works_for = forms.ChoiceField(
        label=_("Works for"),
        choices=[(ALL, _("Every client, also those to come")), (SOME, _("Only the clients ticked below"))],
        widget=Choose(),
        error_messages={"required": _("Say for which clients this person works.")},
    )
    clients: forms.ModelMultipleChoiceField[Client] = forms.ModelMultipleChoiceField(
        Client.objects.all(), label=_("Clients"), required=False, widget=CheckList()
    )

    def clean(self) -> dict[str, Any]:
        """Every client and some of them at once says nothing clear: asked again, not guessed."""
        cleaned = super().clean() or {}
        if cleaned.get("works_for") == ALL and cleaned.get("clients"):
            self.add_error("clients", _("Every client is chosen above. Untick these, or choose only some."))
        return cleaned

    def reach(self) -> Reach:
        """The clients of a valid form."""
        if self.cleaned_data["works_for"] == ALL:
            return EVERY_CLIENT
        return Reach(clients=frozenset(client.pk for client in self.cleaned_data["clients"]))


class RolesForm(ReachForm):
    """What a person may do and for whom, and whether they may sign in."""

    seen = forms.IntegerField(min_value=0, widget=forms.HiddenInput())
    roles = forms.MultipleChoiceField(
        label=_("Roles"), choices=Role.choices, required=False, widget=CheckList(), help_text=_("Several are possible.")
    )
    is_active = forms.BooleanField(label=_("May sign in"), required=False, initial=True, widget=Tick())

    def chosen(self) -> list[Role]:
        """The roles of a valid form."""
        return [Role(value) for value in self.cleaned_data["roles"]]


class PersonForm(ReachForm):
    """A new account. The password is given to the person, who changes it under Account."""

    username = forms.CharField(
        label=_("User name"), max_length=150, validators=[UnicodeUsernameValidator()], widget=Input(attrs=_OFF)
    )
    first_name = forms.CharField(label=_("First name"), max_length=150, required=False, widget=Input(attrs=_OFF))
    last_name = forms.CharField(label=_("Last name"), max_length=150, required=False, widget=Input(attrs=_OFF))
    email = forms.EmailField(label=_("Email"), required=False, widget=forms.EmailInput(attrs={"class": "in", **_OFF}))
    password = forms.CharField(
        label=_("First password"),
        max_length=200,
        widget=forms.PasswordInput(attrs={"class": "in", "autocomplete": "new-password"}),
        help_text=_("Hand it over in person; it is not shown again."),
    )
    roles = forms.MultipleChoiceField(label=_("Roles"), choices=Role.choices, widget=CheckList())

    def data_of_person(self) -> PersonData:
        """What the service needs of a valid form."""
        picked: dict[str, Any] = {
            name: self.cleaned_data[name] for name in ("username", "first_name", "last_name", "email")
        }
        return PersonData(**picked)

    def chosen(self) -> list[Role]:
        """The roles of a valid form."""
        return [Role(value) for value in self.cleaned_data["roles"]]
