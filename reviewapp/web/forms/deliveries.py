"""The form that calls a delivery back, and the filter of the list."""

from __future__ import annotations

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from reviewapp.enums import DeliveryState
from reviewapp.models import Delivery
from reviewapp.selectors.deliveries import searched
from reviewapp.services.recalls import MAX_REASON
from reviewapp.web.forms.widgets import Area, HouseForm, Input, Select


class DeliverySearch(HouseForm):
    """Anything that can't be read is left out of the search, never an error. `?batch=` is one batch alone."""

    q = forms.CharField(
        label=_("Batch or client"), required=False, max_length=120, widget=Input(attrs={"type": "search"})
    )
    state = forms.ChoiceField(
        label=_("State"), required=False, widget=Select(), choices=[("", _("Any state")), *DeliveryState.choices]
    )
    batch = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput())

    @property
    def is_narrow(self) -> bool:
        """Whether it leaves anything out."""
        self.is_valid()
        return any(self.cleaned_data.values())

    def narrow(self, rows: QuerySet[Delivery]) -> QuerySet[Delivery]:
        """What was asked for."""
        self.is_valid()
        found = self.cleaned_data
        rows = searched(rows, (found.get("q") or "").strip(), found.get("state") or "")
        return rows.filter(batch_id=found["batch"]) if found.get("batch") else rows


class RecallForm(HouseForm):
    """Why."""

    reason = forms.CharField(
        label=_("Why"),
        max_length=MAX_REASON,
        widget=Area(attrs={"rows": 2}),
        help_text=_("One sentence. If the delivery has been handed over, the client reads it."),
        error_messages={"required": _("Say why it is called back.")},
    )
