"""Choosing photos of a review queue: the fields of a filter, and what a bulk decision needs besides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from reviewapp.enums import RejectReason, Verdict
from reviewapp.models import Client
from reviewapp.policies.choosing import ORDERS, TELLING_FIELDS, TELLING_ORDERS
from reviewapp.selectors import choosing as selectors
from reviewapp.web.forms.picking import PickField, found, is_number
from reviewapp.web.forms.widgets import CheckList, HouseForm, Input, Number, Select

NO_CLIENT = "0"
"""The number of none."""


class ChoiceForm(HouseForm):
    """Narrow a queue. With `blind` there is nothing that tells score or reason."""

    client = PickField(
        Client.objects.none(), in_filter=True, label=_("Client"), required=False, empty_label=_("Every client")
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
        assert isinstance(clients, PickField)
        clients.offer(selectors.clients(user), reverse("names:clients"))
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


def named(user: User, values: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """`values` with the client's number where its name was typed, and what is wrong with that name.

    A name nobody has stands for no client: left out, it would be every client's photos.
    """
    typed = values.get("client", "").strip().replace("\x00", "")
    if not typed or is_number(typed):
        return dict(values), ""
    try:
        return {**values, "client": str(found(selectors.clients(user), "name", typed).pk)}, ""
    except ValidationError as wrong:
        return {**values, "client": NO_CLIENT}, wrong.messages[0]


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
