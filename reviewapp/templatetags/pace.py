"""The chart of photos per hour, drawn on the server: SVG attributes only, no script."""

from collections.abc import Sequence
from typing import Any

from django import template
from django.utils import timezone

from reviewapp.selectors.home import Hour

register = template.Library()

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 300, 150, 34, 20, 8
STEPS = (1, 2, 5)


def _ceiling(value: int) -> int:
    """The next of 1, 2, 5 x 10^n that is even, so that half of it is a whole number too."""
    power = 1
    while True:
        for step in STEPS:
            if step * power * 2 >= value:
                return step * power * 2
        power *= 10


def _points(values: Sequence[int], top: int) -> str:
    span = (WIDTH - LEFT - 6) / max(len(values) - 1, 1)
    height = HEIGHT - BOTTOM - TOP
    return " ".join(f"{LEFT + n * span:.1f},{TOP + height * (1 - value / top):.1f}" for n, value in enumerate(values))


@register.inclusion_tag("home/_pace.html")
def pace_chart(hours: Sequence[Hour]) -> dict[str, Any]:
    """Two lines over the last hours, with their peaks as the label for readers."""
    scored, reviewed = [hour.scored for hour in hours], [hour.reviewed for hour in hours]
    top = _ceiling(max([*scored, *reviewed, 1]))
    base = HEIGHT - BOTTOM
    line = _points(scored, top)
    first, last = line.split(" ")[0].split(",")[0], line.split(" ")[-1].split(",")[0]
    span = (WIDTH - LEFT - 6) / max(len(hours) - 1, 1)
    return {
        "scored": line,
        "area": f"{first},{base} {line} {last},{base}",
        "reviewed": _points(reviewed, top),
        "grid": [
            {"y": f"{TOP + (base - TOP) * (1 - share):.1f}", "label": f"{int(top * share):,}"} for share in (0, 0.5, 1)
        ],
        "ticks": [
            {"x": f"{LEFT + n * span:.1f}", "label": f"{timezone.localtime(hour.start):%H:%M}"}
            for n, hour in enumerate(hours)
            if n % 4 == 0
        ],
        "peak_scored": max(scored, default=0),
        "peak_reviewed": max(reviewed, default=0),
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "right": WIDTH - 6,
        "label_x": LEFT - 6,
        "label_y": HEIGHT - 4,
    }
