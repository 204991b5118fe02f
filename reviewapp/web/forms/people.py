"""Forms of the people page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.utils.translation import gettext_lazy as _

from reviewapp.enums import Role
from reviewapp.models import Client
from reviewapp.policies.numbers import whole
from reviewapp.selectors import clients as reads
from reviewapp.services.accounts import PersonData
from reviewapp.services.granting import EVERY_CLIENT, Reach
from reviewapp.web.forms.picking import FEW, found
from reviewapp.web.forms.widgets import Area, CheckList, Choose, HouseForm, Input, Tick

_OFF = {"autocomplete": "off"}
ALL, SOME = "all", "some"


class ReachForm(HouseForm):
    """For which clients somebody works. There is no answer to begin with: it is never given by accident."""

    works_for = forms.ChoiceField(
        label=_("Works for"),
        choices=[(ALL, _("Every client, also those to come")), (SOME, _("Only the clients named below"))],
        widget=Choose(),
        error_messages={"required": _("Say for which clients this person works.")},
    )
    clients: forms.ModelMultipleChoiceField[Client] = forms.ModelMultipleChoiceField(
        Client.objects.all(), label=_("Clients"), required=False, widget=CheckList()
    )
    more_clients = forms.CharField(
        label=_("More clients, one name a line"),
        required=False,
        max_length=20_000,
        widget=Area(),
        help_text=_("A part of a name does, where no other client has it. Those above are the ones given already."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        boxes = self.fields["clients"]
        assert isinstance(boxes, forms.ModelMultipleChoiceField)
        offered = list(reads.by_name()[: FEW + 1])
        if len(offered) > FEW:  # then boxes for the chosen ones; the others are named
            offered = list(reads.by_name().filter(pk__in=self._chosen()))
        else:
            del self.fields["more_clients"]
        boxes.choices = [(client.pk, client.name) for client in offered]

    def _chosen(self) -> list[int]:
        """Numbers of the clients that are given already, or ticked in what was sent."""
        asked = self["clients"].value() or ()
        return [number for one in asked if (number := whole(str(one))) is not None]

    def clean_more_clients(self) -> list[int]:
        """The clients that are named; every line is one."""
        lines = {line.strip() for line in self.cleaned_data["more_clients"].splitlines() if line.strip()}
        exact = dict(reads.by_name().filter(name__in=lines).values_list("name", "pk"))
        return [exact[line] if line in exact else found(reads.by_name(), "name", line).pk for line in lines]

    def clean(self) -> dict[str, Any]:
        """Every client and some of them at once says nothing clear: asked again, not guessed."""
        cleaned = super().clean() or {}
        if cleaned.get("works_for") == ALL and cleaned.get("clients"):
            self.add_error("clients", _("Every client is chosen above. Untick these, or choose only some."))
        if cleaned.get("works_for") == ALL and cleaned.get("more_clients"):
            self.add_error("more_clients", _("Every client is chosen above. Empty this, or choose only some."))
        return cleaned

    def reach(self) -> Reach:
        """The clients of a valid form."""
        if self.cleaned_data["works_for"] == ALL:
            return EVERY_CLIENT
        ticked = (client.pk for client in self.cleaned_data["clients"])
        return Reach(clients=frozenset((*ticked, *self.cleaned_data.get("more_clients", ()))))


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
