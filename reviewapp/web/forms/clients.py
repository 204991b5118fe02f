"""The form of a client's settings."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from processing.intake import PROFILES
from reviewapp.enums import Sampling
from reviewapp.models import Client
from reviewapp.services.clients import MAX_DAYS, MAX_GRACE_MIN, MAX_NAME, MAX_NOTES, ClientData
from reviewapp.web.forms.widgets import Area, HouseForm, Input, Number, Select, Tick


class ClientForm(HouseForm):
    """What is settled with a client once and holds for all of their batches."""

    name = forms.CharField(label=_("Name"), max_length=MAX_NAME, widget=Input(attrs={"autocomplete": "off"}))
    brand_notes = forms.CharField(
        label=_("Brand notes"),
        required=False,
        max_length=MAX_NOTES,
        widget=Area(attrs={"rows": 6}),
        help_text=_("Reviewers and editors see them beside every photo of this client."),
    )
    validation_profile = forms.ChoiceField(
        label=_("Smallest photo accepted"),
        required=False,
        widget=Select(),
        choices=[("", _("As the strictest channel of the batch asks")), *((p.key, p.label) for p in PROFILES.values())],
        help_text=_("New batches take it unless one is chosen in the order. Running batches keep theirs."),
    )
    requires_human_colour = forms.BooleanField(
        label=_("A person looks at the colour of every photo"), required=False, widget=Tick()
    )
    checks_colour = forms.BooleanField(
        label=_("Colour checked against the product before a photo is approved"), required=False, widget=Tick()
    )
    waits_for_samples = forms.BooleanField(
        label=_("Deliveries wait until the blind samples are judged"), required=False, initial=True, widget=Tick()
    )

    sampling = forms.ChoiceField(
        label=_("What passes by itself"),
        required=False,
        widget=Select(),
        choices=Sampling.choices,
        help_text=_("Proof needs a second reviewer and deliveries that wait. Counts for what is not sampled yet."),
    )

    keep_originals_days = forms.IntegerField(
        label=_("Days to keep originals after delivery"),
        required=False,
        min_value=1,
        max_value=MAX_DAYS,
        widget=Number(),
        help_text=_("Then they go to the trash, and 30 days later for good. Empty: they stay."),
    )
    keep_results_days = forms.IntegerField(
        label=_("Days to keep results and channel files after delivery"),
        required=False,
        min_value=1,
        max_value=MAX_DAYS,
        widget=Number(),
        help_text=_(
            "Pictures, mattes and delivered files. What people decided, and all figures, stay. Empty: they stay."
        ),
    )
    legal_hold = forms.BooleanField(
        label=_("Legal hold: nothing of this client is removed"), required=False, widget=Tick()
    )
    grace_minutes = forms.IntegerField(
        label=_("A delivery waits before it is handed over, minutes"),
        required=False,
        min_value=0,
        max_value=MAX_GRACE_MIN,
        widget=Number(),
        help_text=_("Until then an undo calls it back unseen. 0: not at all. Empty: as long as the house says."),
    )
    webhook_url = forms.CharField(
        label=_("Webhook"),
        required=False,
        max_length=500,
        widget=Input(attrs={"autocomplete": "off", "inputmode": "url", "spellcheck": "false"}),
        help_text=_("An https address of the client that hears when a delivery is ready or called back."),
    )
    notify_emails = forms.CharField(
        label=_("E-mail addresses"),
        required=False,
        max_length=1000,
        widget=Area(attrs={"rows": 2, "autocomplete": "off", "spellcheck": "false"}),
        help_text=_("They hear the same. One a line, ten at most."),
    )

    seen = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput())

    def data_of_client(self) -> ClientData:
        """What the service needs of a valid form."""
        return ClientData(**{name: value for name, value in self.cleaned_data.items() if name != "seen"})


def settings_of(client: Client) -> dict[str, Any]:
    """A client's settings as the form's initial values."""
    names = [name for name in ClientForm.base_fields if name != "seen"]
    return {name: getattr(client, name) for name in names} | {"seen": client.version}
