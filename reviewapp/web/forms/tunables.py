"""A form made from a parameter class's own description, so that label, unit and bounds are written once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from processing.errors import InputRejected
from processing.params import Described, ProcessingParams
from reviewapp.policies.setting_words import bounds, refusal
from reviewapp.services.words import translated
from reviewapp.web.forms.widgets import Area, HouseForm, Input, Number, Select, Tick

GROUP_LABELS = {
    "removal": _("Cut-out"),
    "edge": _("Edge"),
    "geometry": _("Position"),
    "colour": _("Colour"),
    "shadow": _("Shadow"),
    "background": _("Background"),
    "watermark": _("Logo"),
    "tagline": _("Tagline"),
    "output": _("Output"),
}
HIDDEN = frozenset({"schema"})


def _field(line: Described) -> forms.Field:
    # A pattern is for machines; what it refuses is said when it happens.
    has_hint = line.kind in ("whole", "real", "whole_pair", "text")
    hint = translated(bounds(line, with_pattern=False)) if has_hint else ""
    common: dict[str, Any] = {"label": _(line.label), "required": False, "help_text": hint}
    match line.kind:
        case "flag":
            return forms.BooleanField(widget=Tick(), **common)
        case "choice":
            return forms.ChoiceField(
                choices=[(option, option or "-") for option in line.options], widget=Select(), **common
            )
        case "whole":
            return forms.IntegerField(
                min_value=int(line.low or 0),
                max_value=int(line.high or 0),
                widget=Number(),
                **{**common, "required": True},
            )
        case "real":
            return forms.FloatField(
                min_value=line.low,
                max_value=line.high,
                widget=Number(attrs={"step": "any"}),
                **{**common, "required": True},
            )
        case _:
            return forms.CharField(max_length=400, widget=Input(), **common)


def _shown(value: Any) -> Any:
    return ", ".join(str(part) for part in value) if isinstance(value, list | tuple) else value


def _typed(line: Described, value: Any) -> Any:
    """Back to plain data; a pair that isn't two numbers stays text, so that the parameter class names the field."""
    if line.kind == "names":
        return [part.strip() for part in str(value).split(",") if part.strip()]
    if line.kind != "whole_pair":
        return value
    try:
        return [int(part) for part in str(value).split(",")]
    except ValueError:
        return value


def read_path(data: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path of nested mappings."""
    found: Any = data
    for name in path.split("."):
        found = found[name]
    return found


class PresetForm(HouseForm):
    """Every setting of a preset, and the note that a new version needs. `params` holds the validated result."""

    def __init__(self, *args: Any, base: Mapping[str, Any], number: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lines = [line for line in ProcessingParams.describe() if line.path not in HIDDEN]
        current = ProcessingParams.from_dict(base).to_dict()
        for line in self.lines:
            field = _field(line)
            field.initial = _shown(read_path(current, line.path))
            self.fields[line.path] = field
        self.fields["note"] = forms.CharField(
            label=_("Why"), max_length=500, widget=Area(), help_text=_("Kept with the version and in the audit log.")
        )
        self.fields["seen"] = forms.IntegerField(widget=forms.HiddenInput(), initial=number)
        self.params: ProcessingParams | None = None

    @property
    def groups(self) -> list[tuple[Any, list[forms.BoundField]]]:
        """(heading, fields) in the order of the settings."""
        found: dict[str, list[forms.BoundField]] = defaultdict(list)
        for line in self.lines:
            found[line.path.split(".")[0]].append(self[line.path])
        return [(GROUP_LABELS.get(key, key.capitalize()), fields) for key, fields in found.items()]

    def clean(self) -> dict[str, Any]:
        """Let the parameter class judge the whole; what it refuses is shown above the form."""
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        data: dict[str, Any] = {}
        for line in self.lines:
            target = data
            *parents, name = line.path.split(".")
            for parent in parents:
                target = target.setdefault(parent, {})
            target[name] = _typed(line, cleaned[line.path])
        try:
            self.params = ProcessingParams.from_dict(data)
        except InputRejected as error:
            self.add_error(None, translated(refusal(error, self.lines)))
        return cleaned
