"""The form that calls a delivery back."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from reviewapp.services.recalls import MAX_REASON
from reviewapp.web.forms.widgets import Area, HouseForm


class RecallForm(HouseForm):
    """Why."""

    reason = forms.CharField(
        label=_("Why"),
        max_length=MAX_REASON,
        widget=Area(attrs={"rows": 2}),
        help_text=_("One sentence. If the delivery has been handed over, the client reads it."),
        error_messages={"required": _("Say why it is called back.")},
    )
