"""Choosing photos of a review queue: the fields of a filter, and what a bulk decision needs besides."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _

from reviewapp.enums import RejectReason, Verdict
from reviewapp.models import Client
from reviewapp.policies.choosing import ORDERS, TELLING_FIELDS, TELLING_ORDERS
from reviewapp.selectors import choosing as selectors
from reviewapp.web.forms.widgets import CheckList, HouseForm, Input, Number, Select


class ChoiceForm(HouseForm):
    """Narrow a queue. With `blind` there is nothing that tells score or reason."""

    client = forms.ModelChoiceField(
        Client.objects.none(),
        label=_("Client"),
        required=False,
        empty_label=_("Every client"),
        widget=Select(),
    )
    batch = forms.ChoiceField(label=_("Batch"), required=False, widget=Select())
    category = forms.ChoiceField(label=_("Category"), required=False, widget=Select())
    sku = forms.CharField(label=_("SKU begins with"), required=False, max_length=80, widget=Input())
    reason = forms.ChoiceField(label=_("Why it is here"), required=False, widget=Select())
    low = forms.FloatField(
        label=_("Score from"), required=False, min_value=0, max_value=100, widget=Number(attrs={"step": "any"})
    )
    high = forms.FloatField(
        label=_("Score below"), required=False, min_value=0, max_value=101, widget=Number(attrs={"step": "any"})
    )
    order = forms.ChoiceField(label=_("Order"), required=False, widget=Select())

    def __init__(self, user: User, data: Any = None, *, blind: bool = False, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        clients = self.fields["client"]
        assert isinstance(clients, forms.ModelChoiceField)
        clients.queryset = selectors.clients(user)
        self._choices("batch", [("", _("Every batch")), *selectors.batches(user, (self.initial or {}).get("batch"))])
        self._choices("category", [("", _("Any category")), *((name, name) for name in selectors.category_names(user))])
        self._choices("reason", [("", _("Any reason")), *selectors.REASONS])
        hidden = TELLING_ORDERS if blind else frozenset()
        self._choices("order", [(key, _(word)) for key, word in ORDERS.items() if key not in hidden])
        if blind:
            for name in TELLING_FIELDS:
                del self.fields[name]

    def _choices(self, name: str, choices: list[Any]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices


class BulkForm(HouseForm):
    """The verdict for all of them. `seen` and `digest` are how many and which were on screen when Apply was pressed."""

    verdict = forms.ChoiceField(
        label=_("Decision"),
        choices=[(Verdict.APPROVE, _("Approve")), (Verdict.REJECT, _("Reject")), (Verdict.HOLD, _("Hold"))],
        widget=Select(),
    )
    reasons = forms.MultipleChoiceField(
        label=_("Reasons, for a rejection"), required=False, choices=RejectReason.choices, widget=CheckList()
    )
    note = forms.CharField(label=_("Note"), required=False, max_length=500, widget=Input())
    seen = forms.IntegerField(min_value=0, widget=forms.HiddenInput())
    digest = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput())
