"""Forms of the thresholds page. Bounds and labels come from the service that checks them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from reviewapp.enums import Complexity
from reviewapp.models import Preset, RoutingPolicy
from reviewapp.services.policies_admin import FIELDS, FLAGS
from reviewapp.web.forms.picking import PickField
from reviewapp.web.forms.widgets import Area, HouseForm, Input, Number, Select, Tick

GROUPS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (_("Routing"), ("approve_at", "review_at", "min_confidence", "max_redo")),
    (_("Score"), ("white_tolerance", "compliance_rate", "perimeter_samples", "fill_target")),
    (_("Complexity"), ("edge_medium", "edge_complex", "colour_risk")),
    (_("Blind samples"), ("sample_rate", "sample_block", "sample_reject_limit", "explored_share")),
    (_("Proof"), ("tolerated_rate", "window_images")),
    (
        _("Learning"),
        (
            "proposal_min_count",
            "proposal_share",
            "study_min_rejects",
            "study_share",
            "study_trials",
            "trial_share",
            "retune_days",
        ),
    ),
)
FLAG_LABELS = {
    "medium_goes_to_people": _("A medium photo always gets a person, whatever its score"),
    "allow_not_measured": _("A photo whose colour could not be measured may pass by itself"),
    "review_anomalies": _("A photo unlike the rest of its batch gets a person, whatever its score"),
    "retune_on_drift": _("Scores that drift start a test of their preset"),
    "prove_lots": _("Lots are proven for clients who don't say otherwise; off: the simple share of blind samples"),
}


class PolicyForm(HouseForm):
    """A new version of the thresholds, filled with those in force."""

    def __init__(self, *args: Any, current: RoutingPolicy, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for line in FIELDS:
            kind = forms.IntegerField if line.is_whole else forms.FloatField
            hint = f"{line.low:g} to {line.high:g}"
            now = f"{getattr(current, line.name):g}"
            attrs = {"data-now": now, **({} if line.is_whole else {"step": "any"})}
            self.fields[line.name] = kind(label=line.label, initial=now, help_text=hint, widget=Number(attrs=attrs))
        for name in FLAGS:
            self.fields[name] = forms.BooleanField(
                label=FLAG_LABELS[name],
                required=False,
                initial=getattr(current, name),
                widget=Tick(attrs={"data-now": str(int(getattr(current, name)))}),
            )
        # Not required here: what is wrong with the lines is said together with it, by the service.
        self.fields["note"] = forms.CharField(
            label=_("Why"), max_length=500, required=False, widget=Area(), help_text=_("Shown in the audit log.")
        )
        self.fields["seen"] = forms.IntegerField(widget=forms.HiddenInput(), initial=current.number)

    @property
    def groups(self) -> list[tuple[Any, list[forms.BoundField]]]:
        """(heading, fields) as the page shows them."""
        return [(label, [self[name] for name in names]) for label, names in GROUPS]

    @property
    def flags(self) -> list[forms.BoundField]:
        return [self[name] for name in FLAGS]

    def values(self) -> dict[str, Any]:
        """The thresholds alone. Call on a valid form."""
        return {name: self.cleaned_data[name] for name in (*(line.name for line in FIELDS), *FLAGS)}


class CategoryForm(HouseForm):
    """The rule of one category."""

    category = forms.CharField(label=_("Category"), max_length=60, widget=Input())
    complexity = forms.ChoiceField(label=_("Complexity"), choices=Complexity.choices, widget=Select())
    always_human = forms.BooleanField(label=_("Always a person"), required=False, widget=Tick())
    checks_colour = forms.BooleanField(label=_("Colour checked against the product"), required=False, widget=Tick())
    preset = PickField(Preset.objects.none(), label=_("Preset"), required=False, empty_label=_("The batch's"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["preset"]
        assert isinstance(field, PickField)
        field.offer(Preset.objects.order_by("name"), reverse("names:presets"))
