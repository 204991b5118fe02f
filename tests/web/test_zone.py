"""Times in the person's own zone, and what else the account keeps."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser

from reviewapp.enums import Role
from reviewapp.models import Batch
from tests import factories

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def mona(client: Browser) -> User:
    """A manager, signed in."""
    user = factories.make_user("mona", Role.MANAGER, Role.REVIEWER)
    client.force_login(user)
    return user


@pytest.mark.parametrize(
    ("cookies", "shown"),
    [
        ({}, "12:00"),
        ({"browser_zone": "Europe/Berlin"}, "14:00"),
        ({"browser_zone": "Europe%2FBerlin"}, "14:00"),
        ({"browser_zone": "Europe/Berlin", "zone": "Asia/Tokyo"}, "21:00"),
        ({"browser_zone": "../../etc/passwd"}, "12:00"),
        ({"zone": "Nowhere/Land", "browser_zone": "America/New_York"}, "08:00"),
    ],
)
def test_times_are_in_the_zone_of_whoever_asks(
    client: Browser, mona: User, cookies: dict[str, str], shown: str
) -> None:
    batch = factories.make_batch()
    Batch.objects.filter(pk=batch.pk).update(closed_at=NOON)
    for name, value in cookies.items():
        client.cookies[name] = value
    assert f"1 Jul {shown}" in client.get(f"/batches/{batch.pk}/").content.decode()


def test_a_time_names_the_zone_it_is_in_on_hover(client: Browser, mona: User) -> None:
    batch = factories.make_batch()
    Batch.objects.filter(pk=batch.pk).update(closed_at=NOON)
    client.cookies["zone"] = "Asia/Tokyo"
    page = client.get(f"/batches/{batch.pk}/").content.decode()
    assert 'datetime="2026-07-01T21:00:00+09:00" title="1 Jul 2026 21:00:00 JST, Asia/Tokyo">1 Jul 21:00</time>' in page


def test_the_account_keeps_zone_surround_and_pace(client: Browser, mona: User) -> None:
    client.post("/account/", {"theme": "dark", "keys": "on", "surround": "18", "zone": "Asia/Tokyo"})
    assert client.cookies["zone"].value == "Asia/Tokyo" and client.cookies["pace"].value == "off"
    page = client.get("/account/").content.decode()
    assert '<option value="Asia/Tokyo" selected>' in page and "JST" in page
    factories.make_review()
    desk = client.get("/review/mixed/").content.decode()
    assert 'data-surround="18"' in desk and "hidden><b id=" in desk.replace("\n", "")
    client.post("/account/", {"surround": "pink", "zone": "Nowhere/Land"})
    assert client.cookies["zone"].value == "" and client.cookies["surround"].value == "3"
