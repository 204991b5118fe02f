"""Forms of the quality loop: a word that ends a hold, a complaint, a period's returns."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from reviewapp.enums import RejectReason
from reviewapp.services.feedback import MAX_NOTE
from reviewapp.web.forms.widgets import Area, HouseForm, Input, Number, Select, Tick


class ComplaintForm(HouseForm):
    """What a client said about one photo."""

    note = forms.CharField(label=_("What they said"), max_length=MAX_NOTE, widget=Area(attrs={"rows": 3}))
    reason = forms.ChoiceField(
        label=_("What it is about"),
        required=False,
        widget=Select(),
        choices=[("", _("Something else")), *RejectReason.choices],
    )
    received_on = forms.DateField(label=_("Received on"), required=False, widget=Input(attrs={"type": "date"}))


class ReturnsForm(HouseForm):
    """What share of a client's goods came back in one period."""

    starts_on = forms.DateField(label=_("From"), widget=Input(attrs={"type": "date"}))
    ends_on = forms.DateField(label=_("To"), widget=Input(attrs={"type": "date"}))
    sold = forms.IntegerField(label=_("Sold"), min_value=1, widget=Number())
    returned = forms.IntegerField(label=_("Came back"), min_value=0, widget=Number())
    is_before = forms.BooleanField(label=_("Before their pictures came from here"), required=False, widget=Tick())
    note = forms.CharField(label=_("Note"), required=False, max_length=200, widget=Input(attrs={"autocomplete": "off"}))
