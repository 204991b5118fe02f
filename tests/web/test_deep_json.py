"""SEC-04: brackets in brackets without end are an answer that makes no sense, not a fault of the program."""

from __future__ import annotations

import base64

import pytest
from django.test import Client as Browser

from reviewapp.enums import Role
from reviewapp.services import channels, csv_rows
from reviewapp.services.refusals import IngestRefused
from tests import factories

DEEP = "[" * 20_000
pytestmark = pytest.mark.django_db


def test_sec04_the_door_answers_deep_json_of_anybody(client: Browser) -> None:
    assert client.post("/login/passkey/", DEEP, content_type="application/json").status_code == 422


def test_sec04_so_it_does_where_what_a_device_signed_is_deep(client: Browser) -> None:
    assert client.post("/login/passkey/ask/").status_code == 200
    said = base64.urlsafe_b64encode(DEEP.encode()).decode().rstrip("=")
    sent = {"credential": {"response": {"clientDataJSON": said}}}
    assert client.post("/login/passkey/", sent, content_type="application/json").status_code == 422


@pytest.mark.parametrize("path", ["decision", "adjust"])
def test_sec04_the_desk_answers_deep_json(client: Browser, path: str) -> None:
    task = factories.make_review()
    client.force_login(factories.make_user("rita", Role.REVIEWER))
    answer = client.post(f"/review/items/{task.pk}/{path}/", DEEP, content_type="application/json")
    assert 400 <= answer.status_code < 500


def test_sec04_a_cursor_of_brackets_gives_the_first_page(client: Browser) -> None:
    client.force_login(factories.make_user("ada", Role.ADMIN))
    assert client.get("/people/", {"after": DEEP[:5000]}).status_code == 200


def test_sec04_deep_rows_and_rules_are_refused() -> None:
    with pytest.raises(IngestRefused):
        csv_rows.read_rows_json(DEEP)
    for text in ('{"a":' + DEEP, "a = " + DEEP):
        with pytest.raises(channels.ChannelRefused):
            channels.parse(text)
