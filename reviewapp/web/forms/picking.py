"""One of a list that may be long: a select while it is short, else a text field that suggests names and finds them.

The text field works without a script: what is typed is looked up when the form is sent. With one, the suggestions
follow what is typed (web/views/names.py).
"""

from __future__ import annotations

from typing import Any, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from reviewapp.policies.numbers import whole
from reviewapp.web.forms.widgets import Input, Select

M = TypeVar("M", bound=Model)
FEW = 100
"""A select holds as many; beyond that nobody finds anything in it."""
SUGGESTED = 30
"""Names suggested at once."""
NAMED = 3
"""Names said when what was typed fits several."""


def suggestions(rows: QuerySet[Any], naming: str, words: str) -> list[str]:
    """The first names of `rows` with `words` in them; those that begin with them come first."""
    named = rows.order_by(naming)
    begin = list(named.filter(**{f"{naming}__istartswith": words}).values_list(naming, flat=True)[:SUGGESTED])
    if len(begin) == SUGGESTED or not words:
        return begin
    inside = named.filter(**{f"{naming}__icontains": words}).exclude(**{f"{naming}__istartswith": words})
    return [*begin, *inside.values_list(naming, flat=True)[: SUGGESTED - len(begin)]]


def is_number(words: str) -> bool:
    """Whether it reads as the number of a row, as addresses and selects have it."""
    return words == str(whole(words))


def found(rows: QuerySet[M], naming: str, words: str, *, by_number: bool = False) -> M:
    """The one that is meant by `words`: its name, a part of its name that no other has, with `by_number` its number.

    What reads as a number is never a part of a name: it may come from an address or a select and mean another row.
    Raises ValidationError with what to do about it.
    """
    number = int(words) if by_number and is_number(words) else 0
    exact = list(rows.filter(Q(**{f"{naming}__iexact": words}) | Q(pk=number)))
    if exact:
        return min(exact, key=lambda one: (_name(one, naming) != words, one.pk == number))
    fitting = [] if is_number(words) else list(rows.filter(**{f"{naming}__icontains": words})[: NAMED + 1])
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise ValidationError(_("There is none called “%(words)s”.") % {"words": words}, code="invalid_choice")
    names = ", ".join(_name(one, naming) for one in fitting[:NAMED])
    if len(fitting) > NAMED:
        names = _("%(names)s and others") % {"names": names}
    said = _("Several fit “%(words)s”: %(names)s. Type more of the name.")
    raise ValidationError(said % {"words": words, "names": names}, code="invalid_choice")


def _name(row: Model, naming: str) -> str:
    value: Any = row
    for part in naming.split("__"):
        value = getattr(value, part)
    return str(value)


class Suggesting(Input):
    """A text field with names to choose from below it."""

    def __init__(self, address: str, names: list[str], attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"autocomplete": "off", "maxlength": "160", **(attrs or {})})
        self.address, self.names = address, names

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        """Django's field, and the list it names."""
        below = f"{(attrs or {}).get('id', f'id_{name}')}_names"
        asked = {
            "list": below,
            "hx-get": f"{self.address}?of={name}",
            "hx-trigger": "input changed delay:200ms",
            "hx-target": f"#{below}",
        }
        field = super().render(name, value, {**(attrs or {}), **asked}, renderer)
        return format_html('{}<datalist id="{}">{}</datalist>', field, below, options(self.names))


def options(names: list[str]) -> SafeString:
    """Names as a datalist holds them."""
    return format_html_join("", '<option value="{}"></option>', ((name,) for name in names))


class PickField(forms.ModelChoiceField[Any]):
    """One of many. `naming` leads to the name; `offer` says of which rows.

    `in_filter`: addresses name it by its number, and it stands in a row of fields, without a hint under it.
    """

    def __init__(
        self, queryset: QuerySet[Any], *, naming: str = "name", in_filter: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(queryset, widget=Select(), **kwargs)
        self.naming, self.in_filter = naming, in_filter
        self.is_long = False
        self.known: dict[str, Any] = {}

    def offer(self, rows: QuerySet[Any], address: str) -> None:
        """Take one of `rows`. One query; `address` answers with names that fit what is typed."""
        self.queryset, self.known = rows, {}
        few = list(rows[: FEW + 1])
        self.is_long = len(few) > FEW
        if self.is_long:
            names = [_name(one, self.naming) for one in few[:SUGGESTED]]
            hint = {"placeholder": self.empty_label} if self.empty_label else {}
            self.widget = Suggesting(address, names, {**self.widget.attrs, **hint})
            self.help_text = self.help_text or ("" if self.in_filter else gettext_lazy("Type a part of the name."))
        else:
            none = [("", self.empty_label)] if self.empty_label is not None else []
            self.choices = [*none, *((one.pk, self.label_from_instance(one)) for one in few)]
        self.widget.is_required = self.required

    def to_python(self, value: Any) -> Any:
        """What is chosen, or what was typed; each is looked up once."""
        if not self.is_long or isinstance(value, Model) or value in self.empty_values:
            return super().to_python(value)
        words = str(value).strip().replace("\x00", "")
        if words and words not in self.known:
            assert self.queryset is not None, "offer() gives it"
            self.known[words] = found(self.queryset, self.naming, words, by_number=self.in_filter)
        return self.known.get(words)

    def prepare_value(self, value: Any) -> Any:
        """In the text field the name stands, also for a number of an address."""
        if not self.is_long or value in self.empty_values:
            return super().prepare_value(value)
        if isinstance(value, int):
            one = self.queryset.filter(pk=value).first() if self.queryset is not None else None
            return _name(one, self.naming) if one else str(value)
        try:
            return _name(self.to_python(value), self.naming)
        except (ValidationError, AttributeError):
            return str(value)
