"""FBK-16: how the results of one preset version fared week by week."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from reviewapp.enums import Role
from reviewapp.models import PresetVersion, ReviewDecision
from reviewapp.policies.sampling import rejection_interval
from reviewapp.selectors.preset_trends import WEEKS, weeks_of
from reviewapp.services.review import record_decision, undo
from tests import factories

pytestmark = pytest.mark.django_db


def judged(version: PresetVersion, verdict: str, **fields: Any) -> ReviewDecision:
    user = factories.make_user("", Role.REVIEWER)
    task = factories.make_review(factories.make_batch(preset_version=version))
    reasons = ["shadow"] if verdict == "reject" else []
    result = record_decision(
        user, task.pk, seen_version=0, verdict=verdict, reasons=reasons, idempotency_key=f"k{task.pk}", **fields
    )
    assert result.decision is not None
    return result.decision


class Clock:
    """What auto_now_add reads: rows are written once, so their day has to be right when they are."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.patch = monkeypatch

    def at(self, moment: datetime) -> None:
        self.patch.setattr("django.utils.timezone.now", lambda: moment)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_fbk16_reject_rate_by_week_of_one_version_with_its_interval(clock: Clock) -> None:
    version, other = factories.make_preset_version(), factories.make_preset_version()
    wednesday = timezone.make_aware(datetime(2026, 11, 25, 12))
    clock.at(wednesday - timedelta(weeks=1))
    for verdict in ("reject", "approve", "approve", "approve"):
        judged(version, verdict)
    judged(other, "reject")
    clock.at(wednesday - timedelta(weeks=WEEKS))  # too long ago
    judged(version, "reject")
    clock.at(timezone.make_aware(datetime(2026, 11, 23, 0, 0)))  # the first moment of this week
    judged(version, "reject")
    clock.at(wednesday)
    taken_back = judged(version, "reject")
    assert undo(taken_back.reviewer, taken_back.pk).is_undone
    judged(version, "hold")
    weeks = weeks_of(version)
    assert len(weeks) == WEEKS and [week.start for week in weeks[-2:]] == [date(2026, 11, 16), date(2026, 11, 23)]
    assert [(week.judged, week.rejected) for week in weeks] == [(0, 0)] * (WEEKS - 2) + [(4, 1), (1, 1)]
    last = weeks[-2]
    assert last.share == 0.25 and (last.low, last.high) == rejection_interval(1, 4)
    assert weeks[0].share is None
    assert last.at == {"x": pytest.approx(10.5 * 1000 / 12, abs=0.01), "y": 50.0, "top": pytest.approx(10.2, abs=0.1),
                       "foot": pytest.approx(92.06, abs=0.1)}  # fmt: skip


def test_fbk16_the_preset_page_draws_the_weeks_of_the_version_it_shows(client: Browser) -> None:
    version = factories.make_preset_version("Standard two")
    client.force_login(factories.make_user("mona", Role.MANAGER))
    url = reverse("presets:detail", args=[version.preset.slug])
    assert "Nobody judged a photo of this version in the last 12 weeks." in client.get(url).content.decode()
    judged(version, "reject")
    for _ in range(3):
        judged(version, "approve")
    text = client.get(url).content.decode()
    assert "Rejected by week" in text and ": 1 of 4, 25.0%; " in text and "1 of 4, 25.0% (0.6% to 80.6%)" in text
    assert text.count('class="bar-s"') == 1


def test_fbk16_it_is_one_query_however_many_looks(client: Browser) -> None:
    version = factories.make_preset_version()
    judged(version, "approve")
    with CaptureQueriesContext(connection) as few:
        weeks_of(version)
    for _ in range(5):
        judged(version, "reject")
    with CaptureQueriesContext(connection) as more:
        weeks_of(version)
    assert len(few) == len(more) == 1
