"""The search over all photos (ING-18)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _said
from django.utils.translation import gettext_lazy as _

from reviewapp.enums import AssetState
from reviewapp.models import Client
from reviewapp.selectors.access import clients_of, within
from reviewapp.selectors.assets import MOST_BATCHES, AssetFilter, batches_called, categories
from reviewapp.web.forms.picking import PickField
from reviewapp.web.forms.widgets import HouseForm, Input, Number, Select

NO_CLIENT = 0
"""The number of none."""


class ImageSearch(HouseForm):
    """Anything that can't be read is left out of the search, never an error."""

    q = forms.CharField(
        label=_("File, SKU, ASIN or words"), required=False, max_length=120, widget=Input(attrs={"type": "search"})
    )
    client = PickField(
        Client.objects.none(), in_filter=True, label=_("Client"), required=False, empty_label=_("Every client")
    )
    batch = forms.CharField(label=_("Batch, number or name"), required=False, max_length=120, widget=Input())
    sku = forms.CharField(label=_("SKU"), required=False, max_length=80, widget=Input())
    category = forms.ChoiceField(label=_("Category"), required=False, widget=Select())
    state = forms.ChoiceField(
        label=_("State"), required=False, widget=Select(), choices=[("", _("Any state")), *AssetState.choices]
    )
    low = forms.FloatField(
        label=_("Score from"), required=False, min_value=0, max_value=100, widget=Number(attrs={"step": "any"})
    )
    high = forms.FloatField(
        label=_("Score below"), required=False, min_value=0, max_value=101, widget=Number(attrs={"step": "any"})
    )

    def __init__(self, user: Any, data: Any) -> None:
        super().__init__(data)
        self.allowed = clients_of(user)
        client, category = self.fields["client"], self.fields["category"]
        assert isinstance(client, PickField) and isinstance(category, forms.ChoiceField)
        client.offer(within(Client.objects.order_by("name"), self.allowed, "pk"), reverse("names:clients"))
        counted = [(name, f"{name.replace('_', ' ')} ({count:,})") for name, count in categories(user).items()]
        category.choices = [("", _("Any category")), *counted]

    def full_clean(self) -> None:
        """Django's. A typed name that nobody has finds nothing, or it would seem to be everybody's.

        It is said under the filters, where there is room for it.
        """
        super().full_clean()
        client = self.fields["client"]
        self.wrong_client = ""
        if isinstance(client, PickField) and client.is_long and "client" in self.errors:
            self.wrong_client = str(self.errors.pop("client")[0])

    @property
    def warning(self) -> str:
        """What nothing can match, or what was left out; "" for a search that finds what it says."""
        self.is_valid()
        if self.wrong_client:
            return self.wrong_client
        low, high = self.cleaned_data.get("low"), self.cleaned_data.get("high")
        if low is not None and high is not None and low >= high:
            return _said("No score is from %(low)g up and below %(high)g.") % {"low": low, "high": high}
        if len(self._batches or ()) > MOST_BATCHES:
            return _said("More than %(n)d batches are called that; the newest %(n)d are searched.") % {
                "n": MOST_BATCHES
            }
        return ""

    @cached_property
    def _batches(self) -> list[int] | None:
        """Batches that are meant, None for every one; asked once."""
        words = (self.cleaned_data.get("batch") or "").strip()
        return batches_called(words, self.allowed) if words else None

    def wanted(self) -> AssetFilter:
        """What to look for."""
        self.is_valid()
        found = self.cleaned_data
        client = found.get("client")
        client_id = client.pk if client else NO_CLIENT if self.wrong_client else None
        return AssetFilter(
            clients=self.allowed,
            client_id=client_id,
            batch_ids=None if self._batches is None else self._batches[:MOST_BATCHES],
            sku=(found.get("sku") or "").strip(),
            category=found.get("category") or "",
            states=[found["state"]] if found.get("state") else (),
            min_score=found.get("low"),
            max_score=found.get("high"),
            text=(found.get("q") or "").strip(),
        )
