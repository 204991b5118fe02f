"""How the results of one preset version fared week by week (FBK-16)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count, Q
from django.db.models.functions import TruncWeek
from django.utils import timezone

from reviewapp.enums import Verdict
from reviewapp.models import PresetVersion
from reviewapp.policies.sampling import rejection_interval
from reviewapp.selectors.histogram import height
from reviewapp.selectors.review import photo_decisions

WEEKS = 12


@dataclass(frozen=True, slots=True)
class Week:
    """One week from its Monday: photos judged and rejected, the share 0..1 with its 95 % interval; None without any."""

    start: date
    place: int
    judged: int
    rejected: int

    @property
    def share(self) -> float | None:
        return self.rejected / self.judged if self.judged else None

    @property
    def low(self) -> float:
        return rejection_interval(self.rejected, self.judged)[0]

    @property
    def high(self) -> float:
        return rejection_interval(self.rejected, self.judged)[1]

    @property
    def at(self) -> dict[str, float]:
        """Its place in chart units: x 0..1000, y 0..100 from the top by the square root of the share."""
        x = (self.place + 0.5) * 1000.0 / WEEKS
        return {"x": round(x, 2), "y": height(self.share or 0.0), "top": height(self.high), "foot": height(self.low)}


def weeks_of(version: PresetVersion) -> list[Week]:
    """The last WEEKS weeks, this one last, in one query; all of them empty where nobody judged a photo of `version`."""
    today = timezone.localdate()
    first = today - timedelta(days=today.weekday(), weeks=WEEKS - 1)
    begin = timezone.localtime().replace(
        year=first.year, month=first.month, day=first.day, hour=0, minute=0, second=0, microsecond=0
    )
    rows = photo_decisions().filter(preset_version=version, created_at__gte=begin).order_by()
    counted = rows.annotate(week=TruncWeek("created_at")).values("week")
    found = {
        row["week"].date(): (row["judged"], row["rejected"])
        for row in counted.annotate(judged=Count("pk"), rejected=Count("pk", filter=Q(verdict=Verdict.REJECT)))
    }
    starts = [first + timedelta(weeks=n) for n in range(WEEKS)]
    return [Week(start, place, *found.get(start, (0, 0))) for place, start in enumerate(starts)]
