"""The form under the list of exceptions."""

from __future__ import annotations

from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from reviewapp.models import PresetVersion
from reviewapp.selectors.presets import current_versions
from reviewapp.web.forms.picking import PickField
from reviewapp.web.forms.widgets import HouseForm, Input


class RerunForm(HouseForm):
    """Another category, another preset, or both."""

    category = forms.CharField(
        label=_("Category"),
        required=False,
        max_length=60,
        widget=Input(attrs={"autocomplete": "off", "list": "categories"}),
        help_text=_("Empty: as it is."),
    )
    preset = PickField(
        PresetVersion.objects.none(),
        naming="preset__name",
        label=_("Preset"),
        required=False,
        empty_label=_("As it is, or as the new category says"),
    )

    @property
    def wanted(self) -> dict[str, Any]:
        """What the service needs of a valid form."""
        return {"category": self.cleaned_data["category"], "version": self.cleaned_data["preset"]}

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["preset"]
        assert isinstance(field, PickField)
        field.offer(current_versions(), reverse("names:presets"))
