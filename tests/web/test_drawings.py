"""Numbers in drawings are no numbers for people: SVG knows no decimal comma, whatever the reader's language."""

from __future__ import annotations

import re
from datetime import date, timedelta

from django.template.loader import render_to_string
from django.utils import timezone, translation

from reviewapp.models import RoutingPolicy
from reviewapp.selectors.certifying import Certified, Dot
from reviewapp.selectors.histogram import Histogram
from reviewapp.selectors.home import Hour
from reviewapp.selectors.preset_trends import Week
from reviewapp.selectors.quality import ScoreBin
from reviewapp.selectors.thresholds import chart, height
from reviewapp.templatetags.pace import pace_chart

COORDINATE = re.compile(r'\s(?:x|x1|x2|y|y1|y2|width|height)="([^"]*)"')
PLAIN = re.compile(r"-?\d+(\.\d+)?")


def _drawn(template: str, **context: object) -> list[str]:
    with translation.override("de"):
        made = render_to_string(template, context)
    found = COORDINATE.findall(made[made.index("<svg") : made.index("</svg>")])
    assert any("." in one for one in found), found
    return found


def _details() -> dict[str, object]:
    policy = RoutingPolicy(number=1, approve_at=90.5, review_at=70.0)
    dots = [Dot(88, 40, 3, 0.075, 0.026, 0.199, 0.0812, is_sampled=True)]
    certified = Certified(None, None, None, 9, 40, 400, 0.9, 0.015)
    return {
        "zones": Histogram(policy, []).zones,
        "columns": Histogram(policy, [ScoreBin(85, 90, 7), ScoreBin(90, 95, 3)]).columns,
        "current": policy,
        "points": chart(dots),
        "target_y": height(certified.alpha),
        "certified": certified,
    }


def test_thresholds_are_drawn_in_every_language() -> None:
    for template in ("quality/_bars.html", "quality/_rejects.html"):
        drawn = _drawn(template, details=_details())
        assert all(PLAIN.fullmatch(one) for one in drawn), drawn


def test_the_curve_of_rejects_is_drawn_in_every_language() -> None:
    with translation.override("de"):
        made = render_to_string("quality/_rejects.html", {"details": _details()})
    assert f'points="780.0,{height(0.0812)} "' in made


def test_a_trend_is_drawn_in_every_language() -> None:
    week = Week(date(2026, 11, 23), 11, 40, 3)
    drawn = _drawn("presets/_trend.html", weeks=[week], last=week, number=2)
    assert all(PLAIN.fullmatch(one) for one in drawn), drawn


def test_the_pace_is_drawn_in_every_language() -> None:
    hours = [Hour(timezone.now() - timedelta(hours=n), 7 * n, 3) for n in range(12)]
    drawn = _drawn("home/_pace.html", **pace_chart(hours))
    assert all(PLAIN.fullmatch(one) for one in drawn), drawn
