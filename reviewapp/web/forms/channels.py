"""The form of a channel's next version."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from processing.params import ChannelSpec
from reviewapp.models import Channel
from reviewapp.services.channels import as_toml
from reviewapp.web.forms.widgets import Area, HouseForm, Input

EXAMPLE: dict[str, Any] = {"key": "my_channel", "name": "My channel"}


class ChannelForm(HouseForm):
    """The rules as text, so that a platform with rules of its own needs no code."""

    rules = forms.CharField(
        label=_("Rules"),
        max_length=32 * 1024,
        widget=Area(attrs={"rows": 26, "spellcheck": "false", "class": "in code"}),
        help_text=_(
            "TOML or JSON. The key names the channel; a new key makes a new channel. Missing rules take their default."
        ),
    )
    note = forms.CharField(
        label=_("Why, or where the rules come from"), max_length=300, widget=Input(attrs={"autocomplete": "off"})
    )
    seen = forms.IntegerField(widget=forms.HiddenInput())

    def __init__(self, *args: Any, base: Channel | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        spec = base.spec if base is not None else EXAMPLE
        self.fields["rules"].initial = as_toml(ChannelSpec.from_dict(spec).to_dict())
        self.fields["seen"].initial = base.version if base is not None else 0
