"""CST-10, SEC-05: what a purge leaves of a client in all the rooms that wrote something down about them."""

from __future__ import annotations

from datetime import date

import pytest
from django.apps import apps
from django.core.management import call_command
from django.test import Client as Browser
from django.urls import reverse

from reviewapp.enums import AlarmKind, LearningAlarmKind, Role
from reviewapp.models import (
    Alarm,
    Asset,
    AuditEvent,
    Calibration,
    Delivery,
    DeliveryLink,
    LearningAlarm,
    ReviewDecision,
)
from reviewapp.selectors import links as link_reads
from reviewapp.services import alarms, delivery, feedback, links, scopes
from tests import factories
from tests.estate import Estate, furnish

pytestmark = pytest.mark.django_db
GONE, STAYS = "Zorilla", "Quagga"


def words_left(word: str) -> list[str]:
    """Columns of any table but the two append-only ones that hold a word, in any case."""
    models = set(apps.get_app_config("reviewapp").get_models()) - {AuditEvent, ReviewDecision}
    rows = ((model.__name__, row) for model in models for row in model._base_manager.values())
    return sorted(
        {f"{name}.{field}" for name, row in rows for field, value in row.items() if word in str(value).lower()}
    )


def calibrated(estate: Estate, other: Estate) -> None:
    """A week's calibration whose references are photos of both, and its alarm."""
    photos = [Asset.objects.filter(batch__client=one.client).order_by("pk")[0] for one in (estate, other)]
    rows = [{"asset": photo.pk, "name": photo.filename, "median": None, "iou": None} for photo in photos]
    version = estate.version
    Calibration.objects.create(
        preset=version.preset, version=version, week="2026-W07", photos=2, figures={"score": 90.0, "rows": rows},
        deviation=0.0, limit=2.0,
    )  # fmt: skip
    text = f"2 of 2 reference photos can't be made any more: {photos[0].filename}, {photos[1].filename}."
    alarms.open_alarm(version.preset, LearningAlarmKind.CALIBRATION, text, {"week": "2026-W07", "deviation": 0.0})


def test_cst10_no_room_remembers_a_client_that_was_purged() -> None:
    staff = factories.make_user("staff", Role.MANAGER, Role.EDITOR)
    version = factories.make_preset_version("House preset")
    gone, stays = furnish(GONE, staff, version), furnish(STAYS, staff, version)
    for one in (gone, stays):
        photo = Asset.objects.get(renditions=one.ids["rendition"])
        note = f"{one.mark} is cross again"
        feedback.complain(photo, reason="", note=note, received_on=date(2026, 2, 3), actor=staff)
        scope = f"{one.mark} & Sons: mug, House preset"
        scopes.raise_alarm(AlarmKind.HOLD, f"scope:{one.ids['scope']}", f"{scope}: a find.", scope_id=one.ids["scope"])
        scopes.raise_alarm(AlarmKind.INCIDENT, f"lot:{one.ids['lot']}", f"{scope}, lot 1", lot_id=one.ids["lot"])
        scopes.raise_alarm(AlarmKind.ESCAPED, f"asset:{photo.pk}", f"{photo.filename} left with a defect.")
    calibrated(gone, stays)
    assert {"Alarm.text", "Calibration.figures", "LearningAlarm.text"} <= set(words_left(GONE.lower()))
    call_command("purge_client", gone.client.slug, "--yes", "--despite-work")
    assert words_left(GONE.lower()) == []
    assert Alarm.objects.filter(text="About a client whose data was deleted.").count() == 4
    assert Alarm.objects.filter(text__contains=STAYS).count() == 4, "another client's alarms stay as they are"
    assert Calibration.objects.get().figures["rows"][1]["name"].startswith(STAYS)
    assert STAYS in LearningAlarm.objects.get().text


def test_cst10_sec14_links_to_what_was_purged_open_nothing(client: Browser) -> None:
    staff = factories.make_user("staff", Role.MANAGER)
    gone = furnish(GONE, staff, factories.make_preset_version("House preset"))
    given = DeliveryLink.objects.get(pk=gone.ids["link"])
    token = link_reads.token(given)
    assert client.get(reverse("links:show", args=[token])).status_code == 200
    call_command("purge_client", gone.client.slug, "--yes", "--despite-work")
    for name in ("links:show", "links:fetch"):
        assert client.get(reverse(name, args=[token])).status_code == 410
    made = Delivery.objects.select_related("batch__client").get(pk=gone.ids["delivery"])
    with pytest.raises(links.LinkRefused):
        links.make(made, 7, staff)
    with pytest.raises(delivery.DeliveryClosed):
        delivery.stream_zip(made, staff)
    client.force_login(staff)
    answer = client.get(reverse("deliveries:download", args=[made.pk]))
    assert answer.status_code == 302
