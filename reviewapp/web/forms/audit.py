"""The filter of the audit log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _said
from django.utils.translation import gettext_lazy as _

from reviewapp.selectors.people import NAMED, ids_called
from reviewapp.web.forms.widgets import HouseForm, Input, Number, Select


class AuditFilter(HouseForm):
    """Anything that can't be read is left out of the filter, never an error."""

    verb = forms.ChoiceField(label=_("What"), required=False, widget=Select())
    actor = forms.CharField(label=_("Who, by name"), required=False, max_length=80, widget=Input())
    batch = forms.IntegerField(label=_("Batch number"), required=False, min_value=1, widget=Number())

    def __init__(self, data: Any, *, verbs: Iterable[str]) -> None:
        super().__init__(data)
        found = list(verbs)
        nouns = sorted({verb.split(".")[0] for verb in found})
        by_noun = [(noun, _said("%(noun)s, anything") % {"noun": noun}) for noun in nouns]
        what = self.fields["verb"]
        assert isinstance(what, forms.ChoiceField)
        self.warning = ""
        what.choices = [("", _("Everything")), *sorted([*by_noun, *((verb, verb) for verb in found)])]

    def narrowed(self) -> dict[str, Any]:
        """Arguments for selectors.audit.events; `warning` says what was left out of them."""
        self.is_valid()
        found = self.cleaned_data
        out: dict[str, Any] = {"verb": found.get("verb") or ""}
        if found.get("actor"):
            who = ids_called(found["actor"])
            out["actor_ids"] = who[:NAMED]
            if len(who) > NAMED:
                self.warning = _said("More than %(n)d people are called that; the first %(n)d are looked for.") % {
                    "n": NAMED
                }
        if found.get("batch"):
            out["batch_id"] = found["batch"]
        return out
