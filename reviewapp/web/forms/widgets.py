"""Form widgets in the house's look. No media of their own: the strict style and script policy holds."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms.renderers import BaseRenderer, EngineMixin
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _


def _with_class(attrs: dict[str, Any] | None, name: str) -> dict[str, Any]:
    return {"class": name, **(attrs or {})}


class Input(forms.TextInput):
    """One line of text."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(_with_class(attrs, "in"))


class Number(forms.NumberInput):
    """A number; `step` "any" lets fractions through."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(_with_class(attrs, "in"))


class Area(forms.Textarea):
    """Several lines."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(_with_class({"rows": 3, **(attrs or {})}, "in"))


class Select(forms.Select):
    """One of a list. Written without a template per option: a list of clients has hundreds."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(_with_class(attrs, "in"))

    def _render(
        self, template_name: str, context: dict[str, Any], renderer: BaseRenderer | EngineMixin | None = None
    ) -> SafeString:
        widget = context["widget"]
        groups = [
            format_html('<optgroup label="{}">{}</optgroup>', name, _options(options)) if name else _options(options)
            for name, options, _index in widget["optgroups"]
        ]
        attrs = {"name": widget["name"], **widget["attrs"]}
        return format_html("<select{}>{}</select>", flatatt(attrs), mark_safe("".join(groups)))


def _options(options: list[dict[str, Any]]) -> SafeString:
    rows = ((option["value"], flatatt(option["attrs"]), option["label"]) for option in options)
    return format_html_join("", '<option value="{}"{}>{}</option>', rows)


class Tick(forms.CheckboxInput):
    """Yes or no."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(_with_class(attrs, "tick"))


class CheckList(forms.CheckboxSelectMultiple):
    """Any of a list, all in sight."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(_with_class(attrs, "tick"))


class Choose(forms.RadioSelect):
    """One of a few, all in sight."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(_with_class(attrs, "tick"))


NOT_GIVEN = forms.Field.default_error_messages["required"]


def _missing(field: forms.Field) -> str:
    """What to do about `field` when nothing is given, for a list far from it as well as beside it."""
    if isinstance(field, forms.FileField):
        said = _("Choose a file under “%(label)s”.")
    elif getattr(field.widget, "allow_multiple_selected", False):
        said = _("Choose at least one under “%(label)s”.")
    elif isinstance(field, forms.ChoiceField | forms.ModelChoiceField):
        said = _("Choose one under “%(label)s”.")
    else:
        said = _("Fill in “%(label)s”.")
    return said % {"label": field.label}


class HouseForm(forms.Form):
    """A form whose labels carry no colon, as everywhere in the house, and which names what is missing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)

    def full_clean(self) -> None:
        """Django's, with sentences of its own for fields that have none."""
        for field in self.fields.values():
            if field.error_messages.get("required") is NOT_GIVEN:
                field.error_messages["required"] = _missing(field)
        super().full_clean()
