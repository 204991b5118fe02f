"""A moment on screen is in the person's zone and names it; one filter does that, and every template uses it."""

from __future__ import annotations

import re
import zoneinfo
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.template import Context, Template
from django.utils import timezone

from reviewapp.templatetags import times

TEMPLATES = Path(__file__).parents[2] / "templates"
NOON = datetime(2026, 7, 1, 12, 0, 5, tzinfo=UTC)
DAYS = ("received_on", "starts_on", "ends_on", "week.start", "weeks.0.start", "last.start", "now")
"""What templates print that is a day and no moment: it has no zone."""

BARE = re.compile(r"\{\{ *([\w.]+(?<!review)(?<!approve)(?<!taken)_at) *(?=[}|])(?!\|(?:moment|clock|coming))")
"""A moment by its name's end. Two thresholds are called so as well, and what a camera wrote knows no zone."""


@pytest.mark.parametrize(
    ("zone", "machine", "title"),
    [
        ("Europe/Berlin", "2026-07-01T14:00:05+02:00", "1 Jul 2026 14:00:05 CEST, Europe/Berlin"),
        ("America/Sao_Paulo", "2026-07-01T09:00:05-03:00", "1 Jul 2026 09:00:05 -03, America/Sao_Paulo"),
        ("UTC", "2026-07-01T12:00:05+00:00", "1 Jul 2026 12:00:05 UTC"),
    ],
)
def test_a_moment_names_its_zone_on_hover(zone: str, machine: str, title: str) -> None:
    with timezone.override(zoneinfo.ZoneInfo(zone)):
        shown = times.moment(NOON, "j M Y")
    assert shown == f'<time datetime="{machine}" title="{title}">1 Jul 2026</time>'


def test_no_moment_is_nothing_and_words_are_escaped() -> None:
    assert times.moment(None) == times.clock(None) == ""
    assert "<b>" not in times.moment(NOON, "\\<\\b\\>H")


def test_the_clock_tells_the_time_of_today_and_the_day_of_before() -> None:
    with timezone.override(zoneinfo.ZoneInfo("Asia/Tokyo")):
        now = timezone.now()
        assert f">{timezone.localtime(now):%H:%M}</time>" in times.clock(now)
        assert ">1 Jul</time>" in times.clock(datetime(2025, 7, 1, tzinfo=UTC))


def test_what_is_to_come_says_how_long_and_when() -> None:
    soon = timezone.now() + timedelta(minutes=5)
    shown = times.coming(soon)
    assert ">in 5 minutes</time>" in shown and 'title="' in shown and times.coming(None) == "in a moment"


def test_a_sentence_carries_the_moment_unescaped() -> None:
    said = Template(
        "{% load i18n times %}{% blocktranslate with at=moment|moment:'H:i' %}Saved at {{ at }}.{% endblocktranslate %}"
    )
    assert 'Saved at <time datetime="' in said.render(Context({"moment": NOON}))


def test_every_template_prints_moments_by_the_filter() -> None:
    found = []
    for path in sorted(TEMPLATES.rglob("*.html")):
        text = path.read_text()
        dates = re.findall(r"([\w.]+)\|(?:date|time)\b", text)
        found += [f"{path.name}: {name}|date" for name in dates if not name.endswith(DAYS)]
        bare = [one for one in re.findall(r"<time[^>]*>", text) if "received_on" not in one and one != "<time>"]
        found += [f"{path.name}: {one}" for one in bare]
        found += [f"{path.name}: {name}" for name in BARE.findall(text)]
    assert found == []
