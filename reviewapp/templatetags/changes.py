"""What an audit row changed, value by value: of two whole configurations only what differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import template
from django.utils.text import Truncator

from reviewapp.models import AuditEvent
from reviewapp.templatetags.states import plain_json, setting

register = template.Library()

SHOWN = 8
"""Values a row shows; the rest is counted."""
LONG = 90


@dataclass(frozen=True, slots=True)
class Change:
    """One value: its name with the groups it is in, what it was and what it is. `was` is "" where nothing was noted."""

    name: str
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class Changes:
    """The first changes of a row, and how many more there are."""

    shown: list[Change]
    more: int


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of nested groups under its whole name, as in "shadow opacity"."""
    if isinstance(value, dict) and value:
        for key, part in value.items():
            yield from _flat(part, f"{name} {key}".strip())
    elif name:
        yield name, value


def _said(value: Any) -> str:
    text = setting(value) if isinstance(value, bool | float | list | tuple) else plain_json(value)
    return Truncator(text).chars(LONG)


@register.filter
def changes(event: AuditEvent) -> Changes:
    """What `event` says was one thing before and is another now, the values that went last."""
    before, after = dict(_flat(event.before)), dict(_flat(event.after))
    found = [
        Change(name.replace("_", " "), _said(before[name]) if name in before else "", _said(after.get(name)))
        for name in (*after, *(name for name in before if name not in after))
        if name not in before or name not in after or before[name] != after[name]
    ]
    return Changes(found[:SHOWN], max(0, len(found) - SHOWN))
