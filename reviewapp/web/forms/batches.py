"""Forms of a batch: the order, and what a manager does to it later."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from processing.intake import PROFILES
from reviewapp.models import Batch, Channel, Client, PresetVersion
from reviewapp.policies.sampling import FIRST_SHARE
from reviewapp.selectors import access
from reviewapp.selectors import channels as channel_selectors
from reviewapp.selectors import first_samples as first_selectors
from reviewapp.selectors import people as people_selectors
from reviewapp.selectors import presets as preset_selectors
from reviewapp.selectors.clients import theirs_by_name
from reviewapp.services import ingest
from reviewapp.web.forms.picking import PickField
from reviewapp.web.forms.widgets import CheckList, HouseForm, Input, Number, Select, Tick

MAX_NAME = 160
KEPT = {"hx-preserve": "true"}
"""What a person has chosen or typed stays when the card around it is asked for again."""


class BatchForm(HouseForm):
    """The order of a new batch. Only current preset versions and the newest version of every channel are offered."""

    client = PickField(Client.objects.none(), label=_("Client"), required=False, empty_label=_("New client"))
    new_client = forms.CharField(
        label=_("New client's name"), required=False, max_length=120, widget=Input(attrs={"autocomplete": "off"})
    )
    name = forms.CharField(label=_("Name"), max_length=MAX_NAME, widget=Input(attrs={"autocomplete": "off"}))
    preset_version = PickField(
        PresetVersion.objects.none(),
        naming="preset__name",
        label=_("Preset"),
        empty_label=None,
        help_text=_("The batch keeps this version, also when the preset changes later."),
    )
    channels: forms.ModelMultipleChoiceField[Channel] = forms.ModelMultipleChoiceField(
        queryset=Channel.objects.none(),
        label=_("Channels"),
        widget=CheckList(),
        help_text=_("One file per photo and channel. Photos are framed and scored for the first one ticked."),
    )
    validation_profile = forms.ChoiceField(
        label=_("Smallest photo accepted"), required=False, widget=Select(), choices=()
    )
    requires_sku = forms.BooleanField(
        label=_("Every photo needs a SKU and a category from the CSV"), required=False, widget=Tick()
    )
    is_pilot = forms.BooleanField(
        label=_("Pilot: a person looks at every photo, and a report is made at the end"),
        required=False,
        widget=Tick(),
    )
    samples_first = forms.BooleanField(
        label=_("Sample first: a part is done and judged, the rest waits until you apply it"),
        required=False,
        widget=Tick(),
    )
    first_percent = forms.IntegerField(
        label=_("Share of the sample, %"),
        min_value=1,
        max_value=90,
        initial=round(FIRST_SHARE * 100),
        required=False,
        widget=Number(),
        help_text=_("Of the photos that are fit for work, five at least."),
    )
    priority = forms.IntegerField(
        label=_("Priority"),
        min_value=1,
        max_value=10,
        initial=5,
        widget=Number(),
        help_text=_("1 goes first, 10 last."),
    )

    def __init__(self, user: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        clients = self.fields["client"]
        assert isinstance(clients, PickField)
        if not access.has_every_client(user):  # a new client wouldn't be theirs
            del self.fields["new_client"]
            clients.required, clients.empty_label = True, None
        clients.offer(theirs_by_name(user), reverse("names:clients"))
        versions = self.fields["preset_version"]
        channels = self.fields["channels"]
        profile = self.fields["validation_profile"]
        assert isinstance(versions, PickField)
        assert isinstance(channels, forms.ModelMultipleChoiceField)
        assert isinstance(profile, forms.ChoiceField)
        versions.offer(preset_selectors.current_versions(), reverse("names:presets"))
        channels.queryset = channel_selectors.offered()
        profile.choices = [
            ("", _("As settled with the client, else as the strictest channel asks")),
            *((key, key) for key in PROFILES),
        ]

    def clean(self) -> dict[str, Any]:
        """A batch belongs to exactly one client: one that exists, or a name for a new one."""
        cleaned = super().clean() or {}
        typed = (cleaned.get("new_client") or "").strip()
        if not cleaned.get("client") and not typed and "new_client" in self.fields:
            self.add_error("new_client", _("Choose a client above, or give the new one a name."))
        if cleaned.get("client") and typed:
            self.add_error("new_client", _("A client is chosen already. Leave this empty, or choose New client."))
        if cleaned.get("samples_first") and not cleaned.get("first_percent") and "first_percent" not in self.errors:
            self.add_error("first_percent", _("Say how much is done first, or untick Sample first."))
        return cleaned

    def create(self, actor: Any) -> Batch:
        """Make the batch. Call on a valid form."""
        data = self.cleaned_data
        client = data["client"] or ingest.ensure_client(data["new_client"], actor)
        return ingest.create_batch(
            client,
            data["name"].strip(),
            preset_version=data["preset_version"],
            channel_keys=[channel.key for channel in data["channels"]],
            actor=actor,
            validation_profile=data["validation_profile"],
            requires_sku=data["requires_sku"],
            priority=data["priority"],
            is_pilot=data["is_pilot"],
            first_share=data["first_percent"] / 100 if data["samples_first"] else None,
        )


class FirstSampleForm(HouseForm):
    """What happens to the photos that wait: with which version, and why before all of the sample was looked at."""

    version: forms.ModelChoiceField[PresetVersion] = forms.ModelChoiceField(
        queryset=PresetVersion.objects.none(), label=_("Preset version"), empty_label=None, widget=Select(attrs=KEPT)
    )
    seen = forms.IntegerField(min_value=0, widget=forms.HiddenInput())
    why = forms.CharField(
        label=_("Why before all were looked at"),
        required=False,
        max_length=300,
        widget=Input(attrs={"autocomplete": "off", **KEPT}),
    )

    def __init__(self, batch: Batch, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        versions = self.fields["version"]
        assert isinstance(versions, forms.ModelChoiceField)
        versions.queryset = first_selectors.versions(batch)


class PersonField(forms.ModelChoiceField[User]):
    """One of the people, by the name others know them by."""

    def label_from_instance(self, obj: User) -> str:
        """First and last name, or the user name."""
        return obj.get_full_name() or obj.get_username()


class OwnerForm(HouseForm):
    """Whose batch it is from now on. `seen` is whose it was when the form was made, 0 for nobody's."""

    owner = PersonField(
        queryset=User.objects.none(),
        label=_("New owner"),
        empty_label=None,
        widget=Select(),
        help_text=_("Managers and admins with an open account who work for this client."),
    )
    note = forms.CharField(
        label=_("Why, for the audit log"), required=False, max_length=300, widget=Input(attrs={"autocomplete": "off"})
    )
    seen = forms.IntegerField(widget=forms.HiddenInput())

    def __init__(self, batch: Batch, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, initial={"owner": batch.owner_id, "seen": batch.owner_id or 0}, **kwargs)
        owners = self.fields["owner"]
        assert isinstance(owners, forms.ModelChoiceField)
        owners.queryset = access.who_may_see(people_selectors.managers(), batch.client_id)


class PriorityForm(HouseForm):
    """A batch's place in the line."""

    priority = forms.IntegerField(label=_("Priority"), min_value=1, max_value=10, widget=Number())


class ReasonForm(HouseForm):
    """Why something is stopped; shown to everybody and kept in the audit log."""

    reason = forms.CharField(label=_("Why"), max_length=300, widget=Input(attrs={"autocomplete": "off"}))
