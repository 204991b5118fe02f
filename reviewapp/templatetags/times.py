"""Moments on screen: short words in the person's zone, and on hover the whole of it with the zone's name.

Every moment in a template goes through here (tests/unit/test_times.py).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from reviewapp.templatetags.states import time_left

register = template.Library()


def in_full(value: datetime) -> str:
    """A moment to the second with the zone as people and as maps call it: "1 Jul 2026 14:00:00 CEST, Europe/Berlin"."""
    local = timezone.localtime(value)
    short, key = local.tzname() or "", getattr(local.tzinfo, "key", "")
    zone = short if key in ("", short) else f"{short}, {key}"
    return f"{date_format(local, 'j M Y H:i:s')} {zone}"


def _time(value: datetime, words: str) -> SafeString:
    machine = timezone.localtime(value).isoformat(timespec="seconds")
    return format_html('<time datetime="{}" title="{}">{}</time>', machine, in_full(value), words)


@register.filter
def moment(value: datetime | None, form: str = "j M Y H:i") -> SafeString | str:
    """A moment in the words of `form`; nothing for None."""
    return "" if value is None else _time(value, date_format(timezone.localtime(value), form))


@register.filter
def clock(value: datetime | None) -> SafeString | str:
    """The time of day for today, the day otherwise: what a log line has room for."""
    if value is None:
        return ""
    is_today = timezone.now() - value < timedelta(hours=18)
    return moment(value, "H:i" if is_today else "j M")


@register.filter
def coming(value: datetime | None) -> SafeString | str:
    """How long it is until then, as in "is handed over in 5 minutes"."""
    return time_left(None) if value is None else _time(value, time_left(value))
