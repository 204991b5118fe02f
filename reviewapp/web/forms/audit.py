"""The filter of the audit log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _

from reviewapp.web.forms.widgets import HouseForm, Number, Select


class AuditFilter(HouseForm):
    """Anything that can't be read is left out of the filter, never an error."""

    verb = forms.ChoiceField(label=_("What"), required=False, widget=Select())
    actor = forms.ChoiceField(label=_("Who"), required=False, widget=Select())
    batch = forms.IntegerField(label=_("Batch number"), required=False, min_value=1, widget=Number())

    def __init__(self, data: Any, *, verbs: Iterable[str], people: Iterable[User]) -> None:
        super().__init__(data)
        found = list(verbs)
        nouns = sorted({verb.split(".")[0] for verb in found})
        by_noun = [(noun, f"{noun}, anything") for noun in nouns]
        what = self.fields["verb"]
        who = self.fields["actor"]
        assert isinstance(what, forms.ChoiceField)
        assert isinstance(who, forms.ChoiceField)
        what.choices = [("", _("Everything")), *sorted([*by_noun, *((verb, verb) for verb in found)])]
        who.choices = [("", _("Everybody")), *((str(one.pk), one.get_full_name() or one.username) for one in people)]

    def narrowed(self) -> dict[str, Any]:
        """Arguments for selectors.audit.events."""
        self.is_valid()
        found = self.cleaned_data
        out: dict[str, Any] = {"verb": found.get("verb") or ""}
        if found.get("actor"):
            out["actor_id"] = int(found["actor"])
        if found.get("batch"):
            out["batch_id"] = found["batch"]
        return out
